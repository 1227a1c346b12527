-- name: gaps
-- Gaps that are open; with ``:every`` those closed, too.
SELECT * FROM eventing.gap WHERE :every OR closed_at IS NULL ORDER BY noticed_at, id;

-- name: close_gap^
-- Once: who closed it first stays.
UPDATE eventing.gap SET closed_at = coalesce(closed_at, clock_timestamp()), closed_by = coalesce(closed_by, :by), closed_why = coalesce(closed_why, :why)
WHERE id = :id RETURNING *;
