-- name: add$
-- Nothing comes back when the id or the name is in use; a group of the same name at the same moment waits here.
INSERT INTO company.company_group (company_group_id, organization_id, name, spelling, created_by, created_at)
VALUES (:company_group_id, :organization_id, :name, :spelling, :created_by, :created_at)
ON CONFLICT DO NOTHING RETURNING true;

-- name: find_by_spelling$
SELECT name FROM company.company_group WHERE organization_id = :organization_id AND spelling = :spelling;

-- name: of_organization
SELECT company_group_id FROM company.company_group WHERE organization_id = :organization_id;
