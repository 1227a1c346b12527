-- name: parts
SELECT data_set, period_label, first_day, last_day, status, reason, message FROM sync.work_item
WHERE company_id = :company_id AND status <> 'retired' ORDER BY first_day DESC NULLS FIRST, work_item_id;

-- name: keep$
UPDATE sync.company SET cut = :cut, cut_as_of = :as_of WHERE company_id = :company_id RETURNING old.cut IS DISTINCT FROM new.cut;

-- name: find^
SELECT cut, cut_as_of AS as_of FROM sync.company WHERE company_id = :company_id AND cut IS NOT NULL;
