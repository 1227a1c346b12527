-- name: put_registered!
INSERT INTO company.visma_customer (organization_id, visma_customer_id, registered)
SELECT :organization_id, id, :registered FROM unnest(:visma_customer_ids::integer[]) AS id
ON CONFLICT (organization_id, visma_customer_id) DO UPDATE SET registered = EXCLUDED.registered;

-- name: put_connected!
INSERT INTO company.visma_customer (organization_id, visma_customer_id, connected) VALUES (:organization_id, :visma_customer_id, :connected)
ON CONFLICT (organization_id, visma_customer_id) DO UPDATE SET connected = EXCLUDED.connected;

-- name: list_companies!
INSERT INTO company.listed_company (organization_id, visma_company_id, visma_customer_id, name, organisation_number, readable, hint, listed)
SELECT :organization_id, c.id, :visma_customer_id, c.name, c.organisation_number, c.readable, c.hint, true
FROM unnest(:ids::integer[], :names::text[], :organisation_numbers::text[], :readable::boolean[], :hints::text[])
    AS c (id, name, organisation_number, readable, hint)
ORDER BY c.id
ON CONFLICT (organization_id, visma_company_id) DO UPDATE SET
    visma_customer_id = EXCLUDED.visma_customer_id, name = EXCLUDED.name, organisation_number = EXCLUDED.organisation_number,
    readable = EXCLUDED.readable, hint = EXCLUDED.hint, listed = true;

-- name: unlist_others!
UPDATE company.listed_company SET listed = false
WHERE organization_id = :organization_id AND visma_customer_id = :visma_customer_id AND visma_company_id <> ALL(:ids::integer[]) AND listed;

-- name: change_access!
UPDATE company.listed_company SET readable = :readable, hint = :hint
WHERE organization_id = :organization_id AND visma_company_id = :visma_company_id AND visma_customer_id = :visma_customer_id;

-- name: lock^
-- The company's row, locked: of several commands that add it, the next one waits here and then sees what the one before it did.
SELECT l.visma_customer_id, l.name, l.organisation_number, l.readable, l.hint, l.added_as,
    coalesce(l.listed AND v.registered AND v.connected, false) AS listed
FROM company.listed_company AS l
LEFT JOIN company.visma_customer AS v USING (organization_id, visma_customer_id)
WHERE l.organization_id = :organization_id AND l.visma_company_id = :visma_company_id
FOR UPDATE OF l;

-- name: note_added!
UPDATE company.listed_company SET added_as = :company_id
WHERE organization_id = :organization_id AND visma_company_id = :visma_company_id;

-- name: note_archived!
UPDATE company.listed_company SET added_as = NULL WHERE organization_id = :organization_id AND added_as = :company_id;
