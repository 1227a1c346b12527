-- A company's work may end. Its Visma company can then be added again, as a new company.
-- depends: 0001_companies

-- migrate: apply
ALTER TABLE company ADD archived_by text, ADD archived_at timestamptz, DROP CONSTRAINT company_organization_id_visma_company_id_key;
CREATE UNIQUE INDEX company_under_way ON company (organization_id, visma_company_id) WHERE archived_at IS NULL;

-- migrate: rollback
DROP INDEX company_under_way;
ALTER TABLE company DROP archived_by, DROP archived_at, ADD UNIQUE (organization_id, visma_company_id);
