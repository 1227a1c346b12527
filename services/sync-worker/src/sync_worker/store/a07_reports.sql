-- name: keep!
-- What is about to be replaced stays as a version of its own.
INSERT INTO sync.a07_report_version (organization_id, company_id, month, version, was, superseded_at)
SELECT r.organization_id, r.company_id, r.month, r.version, to_jsonb(r), :now FROM sync.a07_report r
WHERE r.company_id = :company_id AND r.month = :month;

-- name: put!
INSERT INTO sync.a07_report (organization_id, company_id, month, version, status, due, submitted, snapshot_at, submissions, withholding_tax,
                             employer_contribution, financial_tax, income, employer_contributions, withholding, messages, workplaces, employees,
                             sums, failed_checks, previous, report, changed_at)
VALUES (:organization_id, :company_id, :month, :version, :status, :due, :submitted, :snapshot_at, :submissions, :withholding_tax,
        :employer_contribution, :financial_tax, :income, :employer_contributions, :withholding, :messages, :workplaces, :employees,
        :sums, :failed_checks, :previous, :report::text::jsonb, :changed_at)
ON CONFLICT (company_id, month) DO UPDATE
SET version = EXCLUDED.version, status = EXCLUDED.status, due = EXCLUDED.due, submitted = EXCLUDED.submitted,
    snapshot_at = EXCLUDED.snapshot_at, submissions = EXCLUDED.submissions, withholding_tax = EXCLUDED.withholding_tax,
    employer_contribution = EXCLUDED.employer_contribution, financial_tax = EXCLUDED.financial_tax, income = EXCLUDED.income,
    employer_contributions = EXCLUDED.employer_contributions, withholding = EXCLUDED.withholding, messages = EXCLUDED.messages,
    workplaces = EXCLUDED.workplaces, employees = EXCLUDED.employees, sums = EXCLUDED.sums, failed_checks = EXCLUDED.failed_checks,
    previous = EXCLUDED.previous, report = EXCLUDED.report, changed_at = EXCLUDED.changed_at;

-- name: find^
SELECT month, version, status, due, submitted, snapshot_at, submissions, withholding_tax, employer_contribution, financial_tax, income,
       employer_contributions, withholding, messages, workplaces, employees, sums, failed_checks, previous, report
FROM sync.a07_report WHERE company_id = :company_id AND month = :month;

-- name: months
-- Of the plan, newest first.
SELECT r.month, r.version, r.status, r.due, r.snapshot_at, r.submissions, r.withholding_tax, r.employer_contribution, r.financial_tax, r.sums
FROM sync.a07_report r JOIN sync.work_item i ON i.company_id = r.company_id AND i.data_set = 'a07_reports' AND i.period_label = r.month
WHERE r.company_id = :company_id AND i.status <> 'retired' AND r.status IS NOT NULL
ORDER BY r.month DESC;
