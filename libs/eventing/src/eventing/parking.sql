-- name: park*!
INSERT INTO eventing.parked (topic, partition, "offset", timestamp_ms, key, header_names, header_values, value,
                             state, reason, attempts, first_failed_at, next_attempt_at)
VALUES (:topic, :partition, :offset, :timestamp_ms, :key, :header_names, :header_values, :value,
        :state, :reason, :attempts, :first_failed_at, :next_attempt_at)
ON CONFLICT (topic, partition, "offset") DO NOTHING;

-- name: parked_keys
-- Which of these keys have a queue.
SELECT DISTINCT p.topic, p.key FROM eventing.parked p
JOIN unnest(:topics::text[], :keys::bytea[]) AS asked (topic, key) ON p.topic = asked.topic AND p.key = asked.key;

-- name: claim_due^
-- The head of one queue whose time has come, unless the service is paused; replicas pass over each other's.
SELECT * FROM eventing.parked p
WHERE state = 'waiting' AND next_attempt_at <= :now AND NOT EXISTS (SELECT 1 FROM eventing.consumer_pause)
  AND NOT EXISTS (SELECT 1 FROM eventing.parked q WHERE q.topic = p.topic AND q.key = p.key AND q.id < p.id)
ORDER BY next_attempt_at, id LIMIT 1
FOR UPDATE SKIP LOCKED;

-- name: next_due$
SELECT min(next_attempt_at) FROM eventing.parked p
WHERE state = 'waiting' AND NOT EXISTS (SELECT 1 FROM eventing.consumer_pause)
  AND NOT EXISTS (SELECT 1 FROM eventing.parked q WHERE q.topic = p.topic AND q.key = p.key AND q.id < p.id);

-- name: release!
DELETE FROM eventing.parked WHERE id = :id;

-- name: postpone!
UPDATE eventing.parked
SET state = :state, reason = :reason, attempts = :attempts, first_failed_at = :first_failed_at, next_attempt_at = :next_attempt_at
WHERE id = :id;

-- name: counts^
SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting, count(*) FILTER (WHERE state = 'parked') AS parked FROM eventing.parked;
