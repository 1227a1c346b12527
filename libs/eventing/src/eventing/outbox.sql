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

-- name: oldest_batch
SELECT id, topic, key, header_names, header_values, value FROM eventing.outbox WHERE topic <> ALL(:avoid::text[]) ORDER BY id LIMIT :size;

-- name: strike_off!
-- The broker has them all, except those that it refuses for good.
WITH struck AS (
    DELETE FROM eventing.outbox WHERE id = ANY(:ids::bigint[]) RETURNING id, topic, key, header_names, header_values, value, created_at
)
INSERT INTO eventing.outbox_refused (id, topic, key, header_names, header_values, value, created_at, error)
SELECT id, topic, key, header_names, header_values, value, created_at, error
FROM struck JOIN unnest(:refused::bigint[], :errors::text[]) AS refused (id, error) USING (id);

-- name: oldest^
SELECT count(*) AS messages, min(created_at) AS oldest FROM eventing.outbox;
