-- name: ask$
INSERT INTO eventing.operation (kind, request, requested_by, why) VALUES (:kind, :request, :by, :why) RETURNING id;

-- name: by_id
-- Operations whose id begins so.
SELECT * FROM eventing.operation WHERE id::text LIKE :beginning || '%';

-- name: items
SELECT * FROM eventing.operation_item WHERE operation_id = :id ORDER BY position LIMIT :most;

-- name: latest
SELECT * FROM eventing.operation
WHERE (cardinality(:states::text[]) = 0 OR state = ANY(:states::text[])) AND (cardinality(:kinds::text[]) = 0 OR kind = ANY(:kinds::text[]))
ORDER BY created_at DESC LIMIT :most;

-- name: apply$
-- Only a plan that was shown, and only once; a second time finds it applied.
UPDATE eventing.operation SET state = 'applying', applied_by = :by, applied_at = clock_timestamp()
WHERE id = :id AND state = 'planned' AND plan_hash = :plan_hash RETURNING true;

-- name: cancel$
UPDATE eventing.operation SET state = 'cancelled', finished_at = clock_timestamp(), error = :note
WHERE id = :id AND state IN ('requested', 'planning', 'planned') RETURNING true;
