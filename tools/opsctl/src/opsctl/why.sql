-- name: parked
-- What waits at a service of one command's story.
SELECT topic, partition, "offset", state, reason, attempts, next_attempt_at, parked_at
FROM eventing.parked WHERE header_values && ARRAY[convert_to(:correlation, 'UTF8')] ORDER BY id;

-- name: outbox
-- What its relay has not published, or Kafka has refused.
SELECT topic, created_at, NULL AS error FROM eventing.outbox WHERE header_values && ARRAY[convert_to(:correlation, 'UTF8')]
UNION ALL
SELECT topic, created_at, error FROM eventing.outbox_refused WHERE header_values && ARRAY[convert_to(:correlation, 'UTF8')];
