-- name: find^
SELECT name, organization_id, visma_company_id FROM company.company WHERE company_id = :company_id;

-- name: add!
INSERT INTO company.company (company_id, organization_id, visma_customer_id, visma_company_id, name, comment, organisation_number, period_type,
    financial_year_start_month, reconciliation_start, responsible_user, vat_frequency, modules, created_by, created_at)
VALUES (:company_id, :organization_id, :visma_customer_id, :visma_company_id, :name, :comment, :organisation_number, :period_type,
    :financial_year_start_month, :reconciliation_start, :responsible_user, :vat_frequency, :modules, :created_by, :created_at);

-- name: put_in_groups!
INSERT INTO company.company_in_group (company_id, company_group_id) SELECT :company_id, id FROM unnest(:company_group_ids::uuid[]) AS id;
