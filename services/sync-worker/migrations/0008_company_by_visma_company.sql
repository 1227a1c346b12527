-- Visma's number of a company leads to the company.
-- depends: 0007_freshness

-- migrate: apply
CREATE INDEX company_by_visma_company_id ON company (visma_company_id, organization_id);

-- migrate: rollback
DROP INDEX company_by_visma_company_id;
