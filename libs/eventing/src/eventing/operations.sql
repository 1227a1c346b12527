-- name: next_open^
-- The oldest that waits for us. One that was being planned or applied when its process ended is begun again: nothing of it was kept.
SELECT id, kind, state, request::text AS request, requested_by, why, plan_hash, summary::text AS summary
FROM eventing.operation WHERE state IN ('requested', 'planning', 'applying') ORDER BY created_at LIMIT 1;

-- name: any_open$
SELECT EXISTS (SELECT 1 FROM eventing.operation WHERE state IN ('requested', 'planning', 'applying'));

-- name: planning$
UPDATE eventing.operation SET state = 'planning' WHERE id = :id AND state IN ('requested', 'planning') RETURNING true;

-- name: note_progress$
-- No row when an operator has cancelled it.
UPDATE eventing.operation SET progress = :progress::text::jsonb WHERE id = :id AND state IN ('planning', 'applying') RETURNING true;

-- name: planned$
UPDATE eventing.operation SET state = 'planned', plan_hash = :plan_hash, summary = :summary::text::jsonb, planned_at = clock_timestamp()
WHERE id = :id AND state = 'planning' RETURNING true;

-- name: finish$
UPDATE eventing.operation
SET state = :state, summary = coalesce(:summary::text::jsonb, summary), error = :error, finished_at = clock_timestamp()
WHERE id = :id AND state IN ('planning', 'applying') RETURNING true;

-- name: forget_items!
DELETE FROM eventing.operation_item WHERE operation_id = :id;

-- name: add_items*!
INSERT INTO eventing.operation_item (operation_id, position, topic, partition, "offset", key, subject, type, effect)
VALUES (:operation_id, :position, :topic, :partition, :offset, :key, :subject, :type, :effect::text::jsonb);

-- name: items
SELECT topic || '/' || partition || '/' || "offset" AS place, effect::text AS effect FROM eventing.operation_item
WHERE operation_id = :id ORDER BY position;
