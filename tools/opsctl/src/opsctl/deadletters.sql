-- name: fates
-- What became of dead letters, by where their records came from.
SELECT asked.place,
       (SELECT p.state FROM eventing.parked p WHERE p.topic = asked.topic AND p.partition = asked.partition AND p."offset" = asked."offset") AS queued,
       (SELECT o.kind || ' ' || coalesce(i.effect->>'result', '') FROM eventing.operation_item i JOIN eventing.operation o ON o.id = i.operation_id
         WHERE o.state = 'done' AND i.topic = asked.topic AND i.partition = asked.partition AND i."offset" = asked."offset"
         ORDER BY o.finished_at DESC LIMIT 1) AS operation
FROM unnest(:places::text[], :topics::text[], :partitions::integer[], :offsets::bigint[]) AS asked (place, topic, partition, "offset");
