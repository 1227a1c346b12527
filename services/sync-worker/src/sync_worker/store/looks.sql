-- name: proven
-- What a look compares: what agreed with Visma the last time, and what did not agree until now. Of opening balances: the lines summed up in them.
SELECT work_item_id, data_set, period_label, first_day, last_day, ledger_periods, newest, status = 'complete' AS agreed,
       CASE WHEN NOT settled THEN succeeded_at END AS unsettled_since,
       CASE WHEN data_set <> 'opening_balances' THEN scanned
            ELSE (SELECT coalesce(sum(lines), 0) FROM sync.opening_balance o WHERE o.company_id = i.company_id) END AS scanned
FROM sync.work_item i
WHERE company_id = :company_id AND data_set = ANY(:data_sets) AND (status = 'complete' OR status = 'needs_attention' AND reason = 'mismatch')
ORDER BY work_item_id;

-- name: find^
SELECT work_item_id, data_set, period_label, first_day, last_day, ledger_periods, scanned, newest, status = 'complete' AS agreed,
       CASE WHEN NOT settled THEN succeeded_at END AS unsettled_since
FROM sync.work_item WHERE company_id = :company_id AND data_set = :data_set AND period_label = :label;

-- name: read_changes$
-- Only what was written since then is read, into the same scan: what it saw before still counts as seen. Sums are asked for anew.
UPDATE sync.work_item
SET status = 'queued', changed_since = :changed_since, newest = :newest, settled = false, counted = :counted, cursor = NULL,
    expected = CASE WHEN data_set <> 'opening_balances' THEN :expected ELSE expected END,
    scan = CASE WHEN data_set <> 'opening_balances' THEN scan ELSE nextval('sync.scan') END, scan_complete = false, refetched = false, differs_since = CASE WHEN :differs THEN :now ELSE differs_since END,
    attempts = 0, next_attempt_at = :now, reason = NULL, message = NULL, hint = NULL
WHERE work_item_id = :id AND status IN ('complete', 'needs_attention') RETURNING true;

-- name: settle!
UPDATE sync.work_item SET settled = true WHERE work_item_id = ANY(:ids::bigint[]) AND status = 'complete';

-- name: sum_of_lines!
-- When the newest line was written that is summed up. What is committed late behind it is not looked for: the whole ledger is compared daily.
UPDATE sync.work_item SET newest = :newest, settled = true WHERE work_item_id = :id;

-- name: rest!
-- Nothing new.
UPDATE sync.work_item
SET status = 'complete', scan_complete = true, requests = requests + :requests, attempts = 0, refresh_at = least(refresh_at, :refresh_at), succeeded_at = :now,
    reason = NULL, message = NULL, hint = NULL, lease_token = NULL, lease_until = NULL
WHERE work_item_id = :id;

-- name: compare_next!
UPDATE sync.work_item
SET status = 'verifying', scan_complete = true, requests = requests + :requests, attempts = 0, next_attempt_at = :now,
    reason = NULL, message = NULL, hint = NULL, lease_token = NULL, lease_until = NULL
WHERE work_item_id = :id;

-- name: sum_again
UPDATE sync.work_item
SET status = 'queued', scan = nextval('sync.scan'), refetched = false, attempts = 0, next_attempt_at = :now, reason = NULL, message = NULL, hint = NULL
WHERE company_id = :company_id AND data_set IN ('vat_figures', 'unposted_vouchers')
  AND (status = 'complete' OR status = 'needs_attention' AND reason = 'mismatch')
RETURNING data_set;

-- name: look_later!
-- What cannot be compared yet, because others wait for a person.
UPDATE sync.work_item
SET status = 'verifying', scan_complete = false, next_attempt_at = :until, lease_token = NULL, lease_until = NULL WHERE work_item_id = :id;
