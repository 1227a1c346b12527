-- name: known
SELECT data_set, period_label, status, question, since FROM sync.work_item WHERE company_id = :company_id AND data_set <> :first_data_set;

-- name: lock!
-- The item that the plan is made from is the oldest and comes first; planning begins with it too, so that nobody waits in a circle.
SELECT 1 FROM sync.work_item WHERE company_id = :company_id ORDER BY work_item_id FOR UPDATE;

-- name: hold_back!
-- Until there is a new plan. The balances are held back even if they are complete: nothing is looked at, and the company is not complete, before
-- they have been compared again. Who works on one of these now finds the lease gone.
UPDATE sync.work_item SET status = 'queued', next_attempt_at = 'infinity', refresh_at = NULL, lease_token = NULL, lease_until = NULL
WHERE company_id = :company_id AND data_set <> :first_data_set AND (status NOT IN ('complete', 'retired') OR data_set = 'account_balances');

-- name: stays*!
UPDATE sync.work_item
SET rank = :rank, ledger_periods = :ledger_periods, next_attempt_at = CASE WHEN next_attempt_at < 'infinity' THEN next_attempt_at ELSE :now END
WHERE company_id = :company_id AND data_set = :data_set AND period_label = :period_label;

-- name: again*!
UPDATE sync.work_item
SET status = 'queued', rank = :rank, ledger_periods = :ledger_periods, question = :question, since = :since, retrieved_from = NULL,
    changed_since = NULL, refresh_at = NULL, newest = :newest, settled = false, scan = nextval('sync.scan'), cursor = NULL, scanned = 0, expected = :expected,
    scan_complete = :data_set = 'account_balances', refetched = false, search = NULL, repair = NULL, differs_since = NULL, attempts = 0,
    reason = NULL, message = NULL, hint = NULL, lease_token = NULL, lease_until = NULL, next_attempt_at = :now,
    correlation_id = :correlation_id, causation_id = :causation_id, traceparent = :traceparent
WHERE company_id = :company_id AND data_set = :data_set AND period_label = :period_label;

-- name: extended*!
-- The scan goes on with what lies before, under its number: together they have seen everything.
UPDATE sync.work_item
SET status = 'queued', rank = :rank, question = :question, since = :since, retrieved_from = since,
    cursor = NULL, scanned = 0, expected = NULL, scan_complete = false, refetched = false, attempts = 0, next_attempt_at = :now,
    correlation_id = :correlation_id, causation_id = :causation_id, traceparent = :traceparent
WHERE company_id = :company_id AND data_set = :data_set AND period_label = :period_label;

-- name: narrowed*!
UPDATE sync.work_item
SET status = 'verifying', rank = :rank, question = :question, since = :since, refetched = false, attempts = 0, next_attempt_at = :now,
    correlation_id = :correlation_id, causation_id = :causation_id, traceparent = :traceparent
WHERE company_id = :company_id AND data_set = :data_set AND period_label = :period_label;

-- name: retire*!
UPDATE sync.work_item SET status = 'retired', refresh_at = NULL, reason = NULL, message = NULL, hint = NULL, lease_token = NULL, lease_until = NULL
WHERE company_id = :company_id AND data_set = :data_set AND period_label = :period_label;

-- name: retire_all!
UPDATE sync.work_item SET status = 'retired', refresh_at = NULL, reason = NULL, message = NULL, hint = NULL, lease_token = NULL, lease_until = NULL
WHERE company_id = :company_id;
