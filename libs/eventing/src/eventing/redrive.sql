-- name: heads
-- The heads of the queues that an operator means. One that still waits for its own next attempt is taken only when it is named.
SELECT p.id, p.topic, p.key FROM eventing.parked p
WHERE (p.state = 'parked' OR :key::bytea IS NOT NULL OR :places::text[] IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM eventing.parked q WHERE q.topic = p.topic AND q.key = p.key AND q.id < p.id)
  AND (:topic::text IS NULL OR p.topic = :topic)
  AND (:key::bytea IS NULL OR p.key = :key)
  AND (:places::text[] IS NULL OR p.topic || '/' || p.partition || '/' || p."offset" = ANY(:places))
  AND (:reason::text IS NULL OR strpos(p.reason, :reason) > 0)
  AND (:since::timestamptz IS NULL OR p.parked_at >= :since)
  AND (:until::timestamptz IS NULL OR p.parked_at < :until)
  AND (:type::text IS NULL OR p.header_values[array_position(p.header_names, 'ce_type')] = convert_to(:type, 'UTF8'))
  AND (:organization::text IS NULL
       OR p.header_values[array_position(p.header_names, 'ce_organizationid')] = convert_to(:organization, 'UTF8'))
ORDER BY p.id;

-- name: queue
-- The queue of a key from its head on. The retrying loop passes over it meanwhile; what arrives lines up behind.
SELECT id FROM eventing.parked WHERE topic = :topic AND key = :key ORDER BY id LIMIT :limit FOR UPDATE;

-- name: record^
SELECT * FROM eventing.parked WHERE id = :id;

-- name: failed_again!
UPDATE eventing.parked SET state = 'parked', redrives = redrives + 1, reason = :reason WHERE id = :id;

-- name: release!
DELETE FROM eventing.parked WHERE id = :id;
