-- name: lock!
-- From here on until commit other work neither gives this ID up nor registers it again.
SELECT pg_advisory_xact_lock_shared(hashtextextended(concat_ws(' ', :organization_id::uuid, :visma_customer_id::integer), 0));

-- name: lock_to_change!
-- From here on until commit other work adds no company of this ID.
SELECT pg_advisory_xact_lock(hashtextextended(concat_ws(' ', :organization_id::uuid, :visma_customer_id::integer), 0));

-- name: put$
INSERT INTO sync.given_up_id (given_up_by, visma_customer_id) VALUES (:organization_id, :visma_customer_id) ON CONFLICT DO NOTHING RETURNING true;

-- name: remove$
DELETE FROM sync.given_up_id WHERE given_up_by = :organization_id AND visma_customer_id = :visma_customer_id RETURNING true;

-- name: take_away!
-- Who works on one of these now finds the lease gone. Those that nobody has in hand are written too, so that none is claimed before commit.
UPDATE sync.work_item SET lease_token = NULL, lease_until = NULL
WHERE work_item_id IN (
    SELECT i.work_item_id FROM sync.work_item i JOIN sync.company c USING (company_id)
    WHERE i.source = 'visma' AND c.organization_id = :organization_id AND c.visma_customer_id = :visma_customer_id
    ORDER BY i.work_item_id FOR UPDATE OF i
);

-- name: companies
SELECT company_id, organization_id, visma_company_id, organisation_number, period_type, financial_year_start_month, reconciliation_start, modules
FROM sync.company
WHERE organization_id = :organization_id AND visma_customer_id = :visma_customer_id AND archived_at IS NULL ORDER BY company_id;

-- name: of_company$
SELECT visma_customer_id FROM sync.given_up WHERE company_id = :company_id;
