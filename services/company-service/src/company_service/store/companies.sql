-- name: find^
SELECT name, organization_id, visma_company_id, archived_at IS NOT NULL AS archived FROM company.company WHERE company_id = :company_id;

-- name: lock^
SELECT c.company_id, c.organization_id, c.visma_customer_id, c.visma_company_id, c.name, c.comment, c.organisation_number, c.period_type,
    c.financial_year_start_month, c.reconciliation_start, c.responsible_user, c.vat_frequency, c.modules, c.archived_at IS NOT NULL AS archived,
    ARRAY(SELECT g.company_group_id FROM company.company_in_group g WHERE g.company_id = c.company_id ORDER BY 1) AS company_groups
FROM company.company c WHERE c.company_id = :company_id AND c.organization_id = :organization_id FOR UPDATE;

-- name: add!
INSERT INTO company.company (company_id, organization_id, visma_customer_id, visma_company_id, name, comment, organisation_number, period_type,
    financial_year_start_month, reconciliation_start, responsible_user, vat_frequency, modules, created_by, created_at)
VALUES (:company_id, :organization_id, :visma_customer_id, :visma_company_id, :name, :comment, :organisation_number, :period_type,
    :financial_year_start_month, :reconciliation_start, :responsible_user, :vat_frequency, :modules, :created_by, :created_at);

-- name: put_in_groups!
INSERT INTO company.company_in_group (company_id, company_group_id) SELECT :company_id, id FROM unnest(:company_group_ids::uuid[]) AS id;

-- name: take_out_of_groups!
DELETE FROM company.company_in_group WHERE company_id = :company_id;

-- name: change!
UPDATE company.company
SET name = :name, comment = :comment, organisation_number = :organisation_number, period_type = :period_type,
    financial_year_start_month = :financial_year_start_month, reconciliation_start = :reconciliation_start,
    responsible_user = :responsible_user, vat_frequency = :vat_frequency, modules = :modules
WHERE company_id = :company_id;

-- name: archive!
UPDATE company.company SET archived_by = :archived_by, archived_at = :archived_at WHERE company_id = :company_id;
