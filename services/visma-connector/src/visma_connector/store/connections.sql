-- name: begin*!
INSERT INTO connector.connection (organization_id, visma_customer_id, due_at, asks, correlation_id, causation_id, traceparent)
VALUES (:organization_id, :visma_customer_id, :now, 1, :correlation_id, :causation_id, :traceparent)
ON CONFLICT DO NOTHING;

-- name: ask
-- Make the connections due now and remember who asked. A probe that is under way does not answer this wish.
UPDATE connector.connection
SET due_at = :now, asks = asks + 1, correlation_id = :correlation_id, causation_id = :causation_id, traceparent = :traceparent
WHERE organization_id = :organization_id
  AND (:visma_customer_id::integer IS NULL OR visma_customer_id = :visma_customer_id)
RETURNING visma_customer_id;

-- name: lock_all
SELECT * FROM connector.connection
WHERE organization_id = :organization_id AND visma_customer_id = ANY(:visma_customer_ids::integer[])
ORDER BY visma_customer_id FOR UPDATE;

-- name: end!
DELETE FROM connector.connection WHERE organization_id = :organization_id AND visma_customer_id = :visma_customer_id;

-- name: claim^
-- The next connection to probe: those that somebody waits for first, then the longest overdue. A lease that ran out is free again.
UPDATE connector.connection SET lease_token = :lease_token, leased_until = :leased_until
WHERE (organization_id, visma_customer_id) = (
    SELECT organization_id, visma_customer_id FROM connector.connection
    WHERE due_at <= :now AND (leased_until IS NULL OR leased_until <= :now)
    ORDER BY asks = answered, due_at LIMIT 1
    FOR UPDATE SKIP LOCKED
)
RETURNING *;

-- name: extend!
UPDATE connector.connection SET leased_until = :leased_until
WHERE organization_id = :organization_id AND visma_customer_id = :visma_customer_id AND lease_token = :lease_token;

-- name: give_back!
UPDATE connector.connection SET lease_token = NULL, leased_until = NULL
WHERE organization_id = :organization_id AND visma_customer_id = :visma_customer_id AND lease_token = :lease_token;

-- name: lock_claimed^
SELECT * FROM connector.connection
WHERE organization_id = :organization_id AND visma_customer_id = :visma_customer_id AND lease_token = :lease_token
FOR UPDATE;

-- name: save!
-- The lease ends. When somebody has asked since the claim, the connection stays due as that wish made it.
UPDATE connector.connection
SET connected = :connected, denial = :denial, failures = :failures, listed = :listed, checked_at = :now,
    answered = CASE WHEN :settled THEN :asks ELSE answered END,
    due_at = CASE WHEN asks > :asks THEN due_at ELSE :due_at END,
    lease_token = NULL, leased_until = NULL
WHERE organization_id = :organization_id AND visma_customer_id = :visma_customer_id;

-- name: companies
SELECT visma_company_id, name, organisation_number, readable, hint FROM connector.company
WHERE organization_id = :organization_id AND visma_customer_id = :visma_customer_id
ORDER BY visma_company_id;

-- name: drop_companies!
DELETE FROM connector.company WHERE organization_id = :organization_id AND visma_customer_id = :visma_customer_id;

-- name: add_companies*!
INSERT INTO connector.company (organization_id, visma_customer_id, visma_company_id, name, organisation_number, readable, hint)
VALUES (:organization_id, :visma_customer_id, :visma_company_id, :name, :organisation_number, :readable, :hint);
