-- name: put$
-- True when the report is new or says something else than before.
INSERT INTO sync.a07_report AS r (organization_id, company_id, month, submitted, snapshot_at, submissions, withholding_tax,
                                  employer_contribution, financial_tax, income, employer_contributions, failed_checks, report, changed_at)
VALUES (:organization_id, :company_id, :month, :submitted, :snapshot_at, :submissions, :withholding_tax,
        :employer_contribution, :financial_tax, :income, :employer_contributions, :failed_checks, :report::text::jsonb, :changed_at)
ON CONFLICT (company_id, month) DO UPDATE
SET submitted = EXCLUDED.submitted, snapshot_at = EXCLUDED.snapshot_at, submissions = EXCLUDED.submissions,
    withholding_tax = EXCLUDED.withholding_tax, employer_contribution = EXCLUDED.employer_contribution,
    financial_tax = EXCLUDED.financial_tax, income = EXCLUDED.income, employer_contributions = EXCLUDED.employer_contributions,
    failed_checks = EXCLUDED.failed_checks, report = EXCLUDED.report, version = r.version + 1, changed_at = EXCLUDED.changed_at
WHERE (r.submitted, r.snapshot_at, r.submissions, r.withholding_tax, r.employer_contribution, r.financial_tax, r.income,
       r.employer_contributions, r.failed_checks, r.report)
      IS DISTINCT FROM
      (EXCLUDED.submitted, EXCLUDED.snapshot_at, EXCLUDED.submissions, EXCLUDED.withholding_tax, EXCLUDED.employer_contribution,
       EXCLUDED.financial_tax, EXCLUDED.income, EXCLUDED.employer_contributions, EXCLUDED.failed_checks, EXCLUDED.report)
RETURNING true;

-- name: find^
SELECT month, submitted, snapshot_at, submissions, withholding_tax, employer_contribution, financial_tax, income, employer_contributions,
       failed_checks, report
FROM sync.a07_report WHERE company_id = :company_id AND month = :month;
