-- name: queues
-- The head of each queue, and how many wait behind it.
SELECT DISTINCT ON (topic, key) *, count(*) OVER (PARTITION BY topic, key) - 1 AS behind
FROM eventing.parked
WHERE (:topic::text IS NULL OR topic = :topic) AND (:key::bytea IS NULL OR key = :key)
ORDER BY topic, key, id;
