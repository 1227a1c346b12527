-- name: terms
SELECT year, term, first_day, last_day, partial FROM sync.vat_term WHERE company_id = :company_id ORDER BY first_day;

-- name: codes
SELECT vat_code, standard_code, rate, account_no FROM sync.vat_code WHERE company_id = :company_id;

-- name: outside_terms^
SELECT count(*) AS lines, coalesce(sum(amount), 0) AS balance FROM sync.ledger_line l
WHERE l.company_id = :company_id AND l.vat_code IS NOT NULL
  AND (l.year, l.period) IN (SELECT * FROM unnest(:years::integer[], :periods::integer[]))
  AND NOT EXISTS (SELECT 1 FROM sync.vat_term t WHERE t.company_id = l.company_id AND l.value_date BETWEEN t.first_day AND t.last_day);

-- name: totals
-- The value date decides the term; the accounting period says which lines have landed.
SELECT t.year, t.term, l.vat_code, l.account_no, l.year AS ledger_year, l.period, count(*) AS rows,
       coalesce(sum(l.amount) FILTER (WHERE l.amount > 0), 0) AS debit, coalesce(-sum(l.amount) FILTER (WHERE l.amount < 0), 0) AS credit
FROM sync.ledger_line l JOIN sync.vat_term t ON t.company_id = l.company_id AND l.value_date BETWEEN t.first_day AND t.last_day
WHERE l.company_id = :company_id AND l.vat_code IS NOT NULL
  AND (l.year, l.period) IN (SELECT * FROM unnest(:years::integer[], :periods::integer[]))
GROUP BY t.year, t.term, l.vat_code, l.account_no, l.year, l.period;
