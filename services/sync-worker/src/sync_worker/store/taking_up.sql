-- name: bring_back$
-- Items whose time has come are queued again; gives their number. What is complete is looked at, what was stopped goes on where it stopped;
-- its reason stays until it has gone on, so that nobody is told the same twice.
WITH due AS (
    SELECT work_item_id FROM sync.work_item i
    WHERE refresh_at <= :now AND source = :source AND status IN ('complete', 'needs_attention', 'needs_consent', 'not_supported')
      AND NOT EXISTS (SELECT 1 FROM sync.given_up g WHERE g.source = i.source AND g.company_id = i.company_id)
    ORDER BY refresh_at LIMIT 500 FOR UPDATE SKIP LOCKED
), back AS (
    UPDATE sync.work_item i
    SET status = 'queued', next_attempt_at = :now, refresh_at = NULL, scan_complete = i.scan_complete AND i.status <> 'complete'
    FROM due WHERE i.work_item_id = due.work_item_id RETURNING i.source, i.company_id
), turns AS (
    INSERT INTO sync.turn (source, company_id, measured_from) SELECT DISTINCT source, company_id, :now::timestamptz FROM back
    ON CONFLICT (source, company_id) DO UPDATE SET measured_from = EXCLUDED.measured_from, idle = '0'
)
SELECT count(*) FROM back;

-- name: hasten!
-- The company is looked at now, and once more when it is being looked at: what changed after the question was asked is not in its answer.
UPDATE sync.work_item SET refresh_at = least(refresh_at, :now)
WHERE company_id = :company_id AND data_set = 'account_balances' AND status NOT IN ('needs_attention', 'retired');

-- name: consent_given
-- What waits for consent goes on where it stopped, with the companies of the organisation that access was given to.
UPDATE sync.work_item i
SET status = 'queued', next_attempt_at = :now, refresh_at = NULL,
    correlation_id = :correlation_id, causation_id = :causation_id, traceparent = :traceparent
FROM sync.company c
WHERE c.company_id = i.company_id AND c.organization_id = :organization_id AND i.source = 'visma' AND i.status = 'needs_consent'
  AND (c.visma_company_id = ANY(:visma_company_ids::integer[]) OR c.visma_customer_id = :visma_customer_id)
RETURNING i.company_id, i.data_set;

-- name: prove_when_all_is_read!
-- Nothing of the ledger is left to read: the periods that wait for their proof wait no longer.
UPDATE sync.work_item SET next_attempt_at = :now
WHERE company_id = :company_id AND data_set = 'ledger_lines' AND status = 'verifying' AND next_attempt_at > :now AND NOT EXISTS (
    SELECT 1 FROM sync.work_item i
    WHERE i.company_id = :company_id AND i.data_set = 'ledger_lines' AND i.status IN ('queued', 'retrieving') AND NOT i.scan_complete
);

-- name: refetch
-- Who works on one of these now finds the lease gone. Balances are compared once more when the rest is proven.
UPDATE sync.work_item i
SET status = CASE WHEN i.data_set = 'account_balances' THEN 'verifying' ELSE 'queued' END,
    scan_complete = i.data_set = 'account_balances', scan = nextval('sync.scan'), cursor = NULL, scanned = 0, expected = NULL,
    changed_since = NULL, retrieved_from = NULL, refetched = false, search = NULL, repair = NULL, attempts = 0, refresh_at = NULL,
    next_attempt_at = :now, reason = NULL, message = NULL, hint = NULL, lease_token = NULL, lease_until = NULL,
    correlation_id = :correlation_id, causation_id = :causation_id, traceparent = :traceparent
WHERE i.company_id = :company_id AND i.status <> 'retired' AND (
    (i.data_set, i.period_label) IN (SELECT * FROM unnest(:data_sets::text[], :labels::text[])) OR i.data_set = 'account_balances'
)
RETURNING i.data_set;

-- name: prove_ledger_again!
-- The proven items that hold one of these accounting periods. What they lack is found by their proof, and read again alone if it is little.
UPDATE sync.work_item i SET status = 'verifying', refetched = false, attempts = 0, next_attempt_at = :now
WHERE i.company_id = :company_id AND i.data_set = 'ledger_lines' AND i.status = 'complete' AND EXISTS (
    SELECT 1 FROM jsonb_array_elements(i.ledger_periods) AS mine
    JOIN unnest(:years::integer[], :periods::integer[]) AS drifted (year, period)
      ON (mine ->> 0)::integer = drifted.year AND (mine ->> 1)::integer = drifted.period
);

-- name: scan_ledger_again!
-- The proven items that hold one of these accounting periods, row by row: their sums do not tell what is wrong.
UPDATE sync.work_item i
SET status = 'retrieving', scan = nextval('sync.scan'), cursor = NULL, scanned = 0, expected = NULL, scan_complete = false,
    changed_since = NULL, refetched = false, attempts = 0, next_attempt_at = :now
WHERE i.company_id = :company_id AND i.data_set = 'ledger_lines' AND i.status = 'complete' AND EXISTS (
    SELECT 1 FROM jsonb_array_elements(i.ledger_periods) AS mine
    JOIN unnest(:years::integer[], :periods::integer[]) AS drifted (year, period)
      ON (mine ->> 0)::integer = drifted.year AND (mine ->> 1)::integer = drifted.period
);

-- name: take_balances_again!
UPDATE sync.work_item SET status = 'verifying', attempts = 0, next_attempt_at = :now
WHERE company_id = :company_id AND data_set = 'account_balances' AND status = 'complete';

-- name: take_opening_again!
UPDATE sync.work_item SET status = 'queued', scan = nextval('sync.scan'), attempts = 0, next_attempt_at = :now
WHERE company_id = :company_id AND data_set = 'opening_balances' AND status = 'complete';

-- name: take_up
-- What waits for a person or for its next attempt is due now. What was scanned to its end without being proven is scanned from the start.
-- Sums that wait for it are taken along; the balances, which are compared next, also out of the hand of somebody who looks at the company.
UPDATE sync.work_item
SET status = 'queued', next_attempt_at = :now, refresh_at = NULL, attempts = 0, reason = NULL, message = NULL, hint = NULL, refetched = false,
    scan = CASE WHEN scan_complete AND status <> 'retrying' THEN nextval('sync.scan') ELSE scan END,
    cursor = CASE WHEN scan_complete AND status <> 'retrying' THEN NULL ELSE cursor END,
    scanned = CASE WHEN scan_complete AND status <> 'retrying' THEN 0 ELSE scanned END,
    expected = CASE WHEN scan_complete AND status <> 'retrying' AND data_set <> 'ledger_lines' THEN NULL ELSE expected END,
    changed_since = CASE WHEN scan_complete AND status <> 'retrying' THEN NULL ELSE changed_since END,
    retrieved_from = CASE WHEN scan_complete AND status <> 'retrying' THEN NULL ELSE retrieved_from END,
    search = CASE WHEN status = 'retrying' THEN search END, repair = CASE WHEN status = 'retrying' THEN repair END,
    scan_complete = data_set = 'account_balances' OR scan_complete AND status = 'retrying',
    lease_token = CASE WHEN data_set <> 'account_balances' THEN lease_token END, lease_until = CASE WHEN data_set <> 'account_balances' THEN lease_until END,
    correlation_id = :correlation_id, causation_id = :causation_id, traceparent = :traceparent
WHERE company_id = :company_id AND (
    status IN ('needs_attention', 'needs_consent', 'not_supported', 'retrying')
    OR data_set = 'account_balances' AND status IN ('verifying', 'retrieving') OR data_set = 'vat_figures' AND status = 'verifying'
)
RETURNING data_set;
