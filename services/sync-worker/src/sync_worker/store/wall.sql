-- name: work_for!
SELECT sync.work_for(:organization_id);
