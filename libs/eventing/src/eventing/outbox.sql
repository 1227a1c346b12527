-- name: take_sequences
-- Reserve numbers for the events of each subject. Sorted, so that two transactions never wait for each other crosswise.
INSERT INTO eventing.stream_out AS s (topic, subject, last_sequence)
SELECT topic, subject, amount FROM unnest(:topics::text[], :subjects::text[], :amounts::bigint[]) AS wanted (topic, subject, amount)
ORDER BY topic, subject
ON CONFLICT (topic, subject) DO UPDATE SET last_sequence = s.last_sequence + EXCLUDED.last_sequence
RETURNING topic, subject, last_sequence;

-- name: append*!
INSERT INTO eventing.outbox (topic, key, header_names, header_values, value)
VALUES (:topic, :key, :header_names, :header_values, :value);

-- name: take_batch
-- Take the oldest messages. They are gone only when the transaction commits, which is after the broker has them all.
DELETE FROM eventing.outbox
WHERE id = ANY(ARRAY(SELECT id FROM eventing.outbox WHERE topic <> ALL(:avoid::text[]) ORDER BY id LIMIT :size FOR UPDATE))
RETURNING id, topic, key, header_names, header_values, value, created_at;

-- name: set_aside!
INSERT INTO eventing.outbox_refused (id, topic, key, header_names, header_values, value, created_at, error)
VALUES (:id, :topic, :key, :header_names, :header_values, :value, :created_at, :error);

-- name: oldest^
SELECT count(*) AS messages, min(created_at) AS oldest FROM eventing.outbox;
