-- name: claim
-- Take every ID that is free; the ones that come back are new on the organisation. A claim at the same moment waits here.
INSERT INTO org.visma_customer_id (visma_customer_id, organization_id, registered_by, registered_at)
SELECT id, :organization_id, :registered_by, :registered_at FROM unnest(:ids::integer[]) AS id ORDER BY id
ON CONFLICT (visma_customer_id) DO NOTHING
RETURNING visma_customer_id;

-- name: held_by_others
SELECT visma_customer_id, organization_id FROM org.visma_customer_id
WHERE visma_customer_id = ANY(:ids::integer[]) AND organization_id <> :organization_id ORDER BY visma_customer_id;

-- name: release$
DELETE FROM org.visma_customer_id WHERE visma_customer_id = :id AND organization_id = :organization_id RETURNING true;
