-- name: add*!
-- Balances only compare: they have nothing to scan.
INSERT INTO sync.work_item (organization_id, company_id, source, data_set, period_label, first_day, last_day, ledger_periods, question, since,
                            rank, expected, newest, scan_complete, next_attempt_at, correlation_id, causation_id, traceparent)
VALUES (:organization_id, :company_id, :source, :data_set, :period_label, :first_day, :last_day, :ledger_periods, :question, :since,
        :rank, :expected, :newest, :data_set = 'account_balances', :next_attempt_at, :correlation_id, :causation_id, :traceparent)
ON CONFLICT (company_id, data_set, period_label) DO NOTHING;

-- name: add_turns!
INSERT INTO sync.turn (source, company_id, measured_from) SELECT source, :company_id, :now FROM unnest(:sources::text[]) AS source
ON CONFLICT DO NOTHING;

-- name: measure!
-- From now on it is measured how long the work takes.
UPDATE sync.turn SET measured_from = :now, idle = '0' WHERE company_id = :company_id;

-- name: leave_out!
-- Time in which nothing was asked for.
UPDATE sync.turn SET idle = idle + (:until::timestamptz - greatest(:since::timestamptz, measured_from)) WHERE company_id = :company_id AND measured_from IS NOT NULL;

-- name: end_turns!
-- A company that has nothing to do is not looked at when work is claimed.
DELETE FROM sync.turn t WHERE t.company_id = :company_id AND NOT EXISTS (
    SELECT 1 FROM sync.work_item i WHERE i.company_id = t.company_id AND i.source = t.source
      AND i.status IN ('queued', 'retrieving', 'verifying', 'retrying')
);

-- name: waiting^
-- How many items could be claimed now (no more of a company than are enough), and whether one of them is what a person waits to see.
WITH in_hand AS (
    SELECT company_id, count(DISTINCT lease_token) AS items FROM sync.work_item
    WHERE source = :source AND lease_until > :now GROUP BY company_id
)
SELECT count(*) AS items, coalesce(bool_or(due.rank = 0), false) AS urgent
FROM sync.turn t LEFT JOIN in_hand h ON h.company_id = t.company_id
CROSS JOIN LATERAL (
    SELECT i.rank FROM sync.work_item i
    WHERE i.company_id = t.company_id AND i.source = t.source AND i.status IN ('queued', 'retrieving', 'verifying', 'retrying')
      AND i.next_attempt_at <= :now AND (i.lease_until IS NULL OR i.lease_until <= :now)
    ORDER BY i.rank, i.work_item_id
    LIMIT :enough
) AS due
WHERE t.source = :source AND coalesce(h.items, 0) < :most AND NOT EXISTS (
    SELECT 1 FROM sync.company c WHERE c.company_id = t.company_id AND c.paused_at IS NOT NULL
) AND NOT EXISTS (
    SELECT 1 FROM sync.given_up g WHERE g.source = t.source AND g.company_id = t.company_id
);

-- name: claim^
-- The company that was served longest ago, and its first item that is due: each company gets the same number of requests, whatever its size.
-- With urgent_first those that have something of rank 0 come before all others. None has more than :most items in hand.
WITH in_hand AS (
    SELECT company_id, count(DISTINCT lease_token) AS items FROM sync.work_item
    WHERE source = :source AND lease_until > :now GROUP BY company_id
), next AS (
    SELECT t.company_id FROM sync.turn t LEFT JOIN in_hand h ON h.company_id = t.company_id
    CROSS JOIN LATERAL (
        SELECT i.rank FROM sync.work_item i
        WHERE i.company_id = t.company_id AND i.source = t.source AND i.status IN ('queued', 'retrieving', 'verifying', 'retrying')
          AND i.next_attempt_at <= :now AND (i.lease_until IS NULL OR i.lease_until <= :now)
        ORDER BY i.rank, i.work_item_id
        LIMIT 1
    ) AS due
    WHERE t.source = :source AND coalesce(h.items, 0) < :most AND NOT EXISTS (
        SELECT 1 FROM sync.company c WHERE c.company_id = t.company_id AND c.paused_at IS NOT NULL
    ) AND NOT EXISTS (
        SELECT 1 FROM sync.given_up g WHERE g.source = t.source AND g.company_id = t.company_id
    )
    ORDER BY :urgent_first AND due.rank > 0, t.taken_at
    LIMIT 1 FOR UPDATE OF t SKIP LOCKED
), chosen AS (
    SELECT i.work_item_id FROM sync.work_item i JOIN next ON next.company_id = i.company_id
    WHERE i.source = :source AND i.status IN ('queued', 'retrieving', 'verifying', 'retrying')
      AND i.next_attempt_at <= :now AND (i.lease_until IS NULL OR i.lease_until <= :now)
    ORDER BY i.rank, i.work_item_id
    LIMIT 1 FOR UPDATE OF i SKIP LOCKED
), claimed AS (
    UPDATE sync.work_item i
    SET lease_token = :token, lease_until = :lease_until, attempted_at = :now, status = CASE WHEN i.scan_complete THEN 'verifying' ELSE 'retrieving' END
    FROM chosen WHERE i.work_item_id = chosen.work_item_id
    RETURNING i.*
), taken AS (
    UPDATE sync.turn t SET taken_at = :now FROM claimed WHERE t.company_id = claimed.company_id AND t.source = claimed.source
)
SELECT i.work_item_id, i.rank, i.data_set, i.period_label, i.first_day, i.last_day, i.ledger_periods, i.retrieved_from, i.scan, i.cursor, i.scanned, i.expected,
       i.counted, i.scan_complete, i.changed_since, i.refetched, i.search, i.repair, i.changes, i.differs_since, i.attempts, i.reason,
       i.succeeded_at IS NOT NULL AS known,
       i.correlation_id, i.causation_id, i.traceparent,
       c.company_id, c.organization_id, c.visma_company_id, c.organisation_number, c.period_type, c.financial_year_start_month,
       c.reconciliation_start, c.modules, c.started_at IS NOT NULL AS started
FROM claimed i JOIN sync.company c ON c.company_id = i.company_id;

-- name: take_along
-- The other periods of the company whose rows are in: they are proven by the question that is asked for one of them, under its lease.
UPDATE sync.work_item i
SET lease_token = :token, lease_until = (SELECT lease_until FROM sync.work_item WHERE work_item_id = :id), attempted_at = :now
FROM sync.company c
WHERE c.company_id = i.company_id AND i.work_item_id IN (
    SELECT work_item_id FROM sync.work_item
    WHERE company_id = :company_id AND data_set = 'ledger_lines' AND work_item_id <> :id AND status = 'verifying' AND scan_complete
      AND search IS NULL AND repair IS NULL AND (lease_until IS NULL OR lease_until <= :now)
      AND EXISTS (SELECT 1 FROM sync.work_item WHERE work_item_id = :id AND lease_token = :token)
    FOR UPDATE SKIP LOCKED
)
RETURNING i.*, c.visma_company_id, c.organisation_number, c.period_type, c.financial_year_start_month, c.reconciliation_start, c.modules,
          i.succeeded_at IS NOT NULL AS known, c.started_at IS NOT NULL AS started;

-- name: renew!
-- An item that is locked is being stored, and then given back, or taken away. Neither wants its lease renewed, and waiting could go in a circle.
UPDATE sync.work_item SET lease_until = :lease_until
WHERE work_item_id IN (SELECT work_item_id FROM sync.work_item WHERE lease_token = ANY(:tokens::uuid[]) FOR UPDATE SKIP LOCKED);

-- name: release!
-- Give back what was not finished, so that nobody has to wait for the leases to run out.
UPDATE sync.work_item SET lease_token = NULL, lease_until = NULL WHERE lease_token = ANY(:tokens::uuid[]);

-- name: give_back!
UPDATE sync.work_item SET lease_token = NULL, lease_until = NULL WHERE work_item_id = ANY(:ids::bigint[]) AND lease_token = :token;

-- name: hold$
-- True when the lease is still ours; the item is then locked until commit, and landed rows are those of its organisation. Many may land rows
-- of a company side by side, but not while what has landed is published once more. A claim that began before an ID was given up may have ended
-- after it, so that is asked here, too.
SELECT sync.work_for(i.organization_id), pg_advisory_xact_lock_shared(hashtextextended(i.company_id::text, 0)) FROM sync.work_item i
WHERE i.work_item_id = :id AND i.lease_token = :token
  AND NOT EXISTS (SELECT 1 FROM sync.given_up g WHERE g.source = i.source AND g.company_id = i.company_id)
FOR UPDATE OF i;

-- name: save_page$
-- Who reads on keeps the lease, unless the company was paused meanwhile.
UPDATE sync.work_item i
SET cursor = coalesce(:cursor, cursor), scanned = scanned + :seen, expected = coalesce(:expected, expected), counted = coalesce(:counted, counted), scan_complete = :scan_complete,
    newest = coalesce(:newest, newest), settled = settled AND :newest::text IS NULL, next_attempt_at = CASE WHEN :scan_complete THEN :prove_at ELSE next_attempt_at END,
    status = CASE WHEN :scan_complete THEN 'verifying' ELSE 'retrieving' END,
    requests = requests + 1, attempts = 0, reason = NULL, message = NULL, hint = NULL,
    lease_token = CASE WHEN :keep AND paused_at IS NULL THEN lease_token END, lease_until = CASE WHEN :keep AND paused_at IS NULL THEN lease_until END
FROM sync.company c
WHERE work_item_id = :id AND c.company_id = i.company_id
RETURNING lease_token IS NOT NULL;

-- name: finish!
UPDATE sync.work_item
SET status = 'complete', scanned = :rows, expected = :rows, scan_complete = true, requests = requests + :requests, attempts = 0,
    changed_since = NULL, refresh_at = least(refresh_at, :refresh_at), succeeded_at = :now,
    search = NULL, repair = NULL, changes = NULL, differs_since = NULL,
    reason = NULL, message = NULL, hint = NULL, lease_token = NULL, lease_until = NULL
WHERE work_item_id = :id;

-- name: planned
SELECT data_set, period_label, ledger_periods FROM sync.work_item WHERE company_id = :company_id AND status <> 'retired'
ORDER BY period_label DESC, work_item_id;

-- name: scan_again!
UPDATE sync.work_item
SET status = 'retrieving', scan = nextval('sync.scan'), cursor = NULL, scanned = 0, expected = :expected, scan_complete = false,
    changed_since = NULL, retrieved_from = NULL, differs_since = coalesce(differs_since, :now), refetched = true, search = NULL, repair = NULL,
    requests = requests + :requests, attempts = 0, lease_token = NULL, lease_until = NULL
WHERE work_item_id = :id;

-- name: save_search!
-- The scan stays complete: what is wrong is looked for, then read again, then proven.
UPDATE sync.work_item
SET search = :search, repair = :repair, differs_since = coalesce(differs_since, :now), status = 'verifying',
    requests = requests + :requests, attempts = 0, reason = NULL, message = NULL, hint = NULL, lease_token = NULL, lease_until = NULL
WHERE work_item_id = :id;

-- name: save_changes!
UPDATE sync.work_item SET changes = :changes WHERE work_item_id = :id;

-- name: defer!
-- Not a failure: the item waits for others of its company.
UPDATE sync.work_item
SET status = 'verifying', next_attempt_at = :until, attempts = attempts + :drifted, refetched = refetched OR :drifted > 0, requests = requests + :requests, lease_token = NULL, lease_until = NULL
WHERE work_item_id = :id;

-- name: progress_of^
-- What sums over the ledger wait for: items still to be proven by the workers, and items that wait for a person.
SELECT count(*) FILTER (WHERE status NOT IN ('complete', 'needs_attention', 'needs_consent', 'not_supported', 'retired')) AS under_way,
       count(*) FILTER (WHERE status IN ('needs_attention', 'needs_consent')) AS stopped,
       coalesce(array_agg(data_set) FILTER (WHERE status = 'not_supported'), '{}') AS not_supported
FROM sync.work_item WHERE company_id = :company_id AND data_set = ANY(:data_sets::text[]);

-- name: ledger_reconciliation_periods
SELECT period_label AS label, first_day, last_day FROM sync.work_item
WHERE company_id = :company_id AND data_set = 'ledger_lines' AND status <> 'retired' ORDER BY first_day DESC;

-- name: postpone!
UPDATE sync.work_item
SET status = 'retrying', attempts = attempts + 1, next_attempt_at = :next_attempt_at, reason = :reason, message = :message, hint = :hint,
    lease_token = NULL, lease_until = NULL
WHERE work_item_id = :id;

-- name: stop!
UPDATE sync.work_item
SET status = :status, reason = :reason, message = :message, hint = :hint, refresh_at = :again_at, lease_token = NULL, lease_until = NULL
WHERE work_item_id = :id;

-- name: stop_source
-- Everything of the company that comes from the same source and is not complete. Who works on one of these now finds the lease gone. An item
-- that somebody else is storing at this moment is passed over: waiting for it could go in a circle, and its next request meets the same door.
-- What our credentials have stopped before goes on waiting while this one tries for all.
UPDATE sync.work_item i
SET status = :status, reason = :reason, message = :message, hint = :hint, lease_token = NULL, lease_until = NULL,
    refresh_at = CASE WHEN i.work_item_id = :id THEN :again_at::timestamptz ELSE :others_at END
FROM (
    SELECT work_item_id, status FROM sync.work_item
    WHERE company_id = :company_id AND source = :source AND (
        status NOT IN ('complete', 'needs_attention', 'needs_consent', 'not_supported', 'retired')
        OR status = 'needs_attention' AND reason = :reason AND refresh_at IS NOT NULL
    )
    FOR UPDATE SKIP LOCKED
) AS before
WHERE i.work_item_id = before.work_item_id
RETURNING i.data_set, before.status <> :status AS stopped;

-- name: follow!
-- What was stopped by our credentials, too, is due now.
UPDATE sync.work_item SET refresh_at = :now
WHERE work_item_id IN (
    SELECT work_item_id FROM sync.work_item
    WHERE company_id = :company_id AND source = :source AND status = 'needs_attention' AND reason = :reason AND refresh_at > :now
    FOR UPDATE SKIP LOCKED
);

-- name: progress
-- All items of the company from one source, and how long they have been worked on.
SELECT i.data_set, i.period_label, i.rank, i.status, i.scanned, i.expected, i.requests, i.attempted_at, i.succeeded_at, i.refresh_at,
       coalesce(i.attempted_at >= t.measured_from, false) AS counts, t.measured_from, t.idle, c.paused_at IS NOT NULL AS paused,
       EXISTS (SELECT 1 FROM sync.given_up g WHERE g.source = i.source AND g.company_id = i.company_id) AS given_up
FROM sync.company c JOIN sync.work_item i ON i.company_id = c.company_id
LEFT JOIN sync.turn t ON t.company_id = i.company_id AND t.source = i.source
WHERE c.company_id = :company_id AND i.source = :source AND i.status <> 'retired';
