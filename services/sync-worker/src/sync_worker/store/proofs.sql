-- name: put!
INSERT INTO sync.proof (organization_id, company_id, data_set, period_label, rows, debit, credit, difference, compared, totals, proven_at,
                        receipt, sha256)
VALUES (:organization_id, :company_id, :data_set, :period_label, :rows, :debit, :credit, :difference, :compared, :totals, :proven_at,
        :receipt, :sha256)
ON CONFLICT (company_id, data_set, period_label) DO UPDATE
SET rows = EXCLUDED.rows, debit = EXCLUDED.debit, credit = EXCLUDED.credit, difference = EXCLUDED.difference, compared = EXCLUDED.compared,
    totals = EXCLUDED.totals, proven_at = EXCLUDED.proven_at, receipt = EXCLUDED.receipt, sha256 = EXCLUDED.sha256;

-- name: rows_sha256$
SELECT sync.rows_sha256(:company_id, :landed);

-- name: hashes
WITH proven AS MATERIALIZED (
    SELECT p.receipt::jsonb AS receipt FROM sync.work_item i JOIN sync.proof p USING (company_id, data_set, period_label)
    WHERE company_id = :company_id AND data_set = 'ledger_lines' AND i.status = 'complete'
)
SELECT (number ->> 0)::integer AS year, (number ->> 1)::integer AS period, hash AS sha256
FROM proven, LATERAL ROWS FROM (
    jsonb_array_elements(receipt #> '{landed,ledger_periods}'), jsonb_array_elements_text(receipt -> 'rows_sha256')
) AS part (number, hash);

-- name: by_data_set
SELECT data_set, sum(rows)::bigint AS rows, sum(debit) AS debit, sum(credit) AS credit, sum(difference) AS difference,
       string_agg(DISTINCT compared, '; ') AS compared
FROM sync.proof p
WHERE company_id = :company_id AND EXISTS (
    SELECT 1 FROM sync.work_item i
    WHERE i.company_id = p.company_id AND i.data_set = p.data_set AND i.period_label = p.period_label
      AND i.status NOT IN ('not_supported', 'retired')
)
GROUP BY data_set;

-- name: not_supported
-- By the reason, which stays while it is tried whether that has changed.
SELECT DISTINCT data_set, message FROM sync.work_item WHERE company_id = :company_id AND reason = 'not_supported' AND status <> 'retired';

-- name: unbalanced_vouchers
-- A voucher number is unique within its journal only.
SELECT voucher_journal_no, voucher_no FROM sync.ledger_line
WHERE company_id = :company_id AND (year, period) IN (SELECT * FROM unnest(:years::integer[], :periods::integer[]))
GROUP BY voucher_journal_no, voucher_no HAVING sum(amount) <> 0
ORDER BY voucher_journal_no, voucher_no LIMIT 100;

-- name: ledger_periods
SELECT year, period, first_day FROM sync.accounting_period WHERE company_id = :company_id ORDER BY year, period;

-- name: dated_periods
SELECT year, period, first_day, last_day FROM sync.accounting_period WHERE company_id = :company_id ORDER BY year, period;

-- name: verified
-- The proofs of the ledger that hold one of these accounting periods, by whatever plan, newest first.
SELECT p.totals, p.proven_at, i.ledger_periods FROM sync.proof p JOIN sync.work_item i USING (company_id, data_set, period_label)
WHERE company_id = :company_id AND data_set = 'ledger_lines' AND EXISTS (
    SELECT 1 FROM jsonb_array_elements(i.ledger_periods) AS mine
    JOIN unnest(:years::integer[], :periods::integer[]) AS asked (year, period)
      ON (mine ->> 0)::integer = asked.year AND (mine ->> 1)::integer = asked.period
)
ORDER BY p.proven_at DESC;

-- name: is_fresh$
SELECT EXISTS (
    SELECT 1 FROM sync.proof WHERE company_id = :company_id AND data_set = 'account_balances' AND proven_at > :since
);

-- name: is_closed$
SELECT coalesce(bool_and(closed), false) FROM sync.accounting_period
WHERE company_id = :company_id AND (year, period) IN (SELECT * FROM unnest(:years::integer[], :periods::integer[]));

-- name: find^
SELECT rows, debit, credit, totals, proven_at, sha256 FROM sync.proof
WHERE company_id = :company_id AND data_set = :data_set AND period_label = :label;
