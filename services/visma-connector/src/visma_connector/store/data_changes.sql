-- name: note^
-- For each organisation that reads the company: the delivery, and what it says unless it is known already. Every writer takes the rows in the
-- same order, so that none waits for another in a circle.
WITH reader AS (
    SELECT organization_id, visma_customer_id FROM connector.company
    WHERE visma_company_id = :visma_company_id AND readable AND :visma_customer_id::integer IN (0, visma_customer_id)
), first AS (
    INSERT INTO connector.delivery (organization_id, delivery_id, received_at)
    SELECT DISTINCT organization_id, :delivery_id::text, :now::timestamptz FROM reader ORDER BY organization_id
    ON CONFLICT DO NOTHING RETURNING organization_id
), noted AS (
    INSERT INTO connector.data_change (organization_id, visma_customer_id, visma_company_id, data_set, kind, noticed_at)
    SELECT organization_id, visma_customer_id, :visma_company_id, data_set, kind, :now
    FROM reader JOIN first USING (organization_id), unnest(:data_sets::text[], :kinds::text[]) AS change (data_set, kind)
    ORDER BY organization_id, visma_customer_id, data_set, kind
    ON CONFLICT DO NOTHING
)
SELECT (SELECT count(*) FROM reader) AS readers, (SELECT count(*) FROM first) AS first;

-- name: take
-- All that is noted of the company that was noted first, when that is long enough ago. The connection's lock keeps other processes from the same
-- company; a probe that holds it is waited for next time.
WITH due AS (
    SELECT d.organization_id, d.visma_customer_id, d.visma_company_id
    FROM connector.data_change d JOIN connector.connection c USING (organization_id, visma_customer_id)
    WHERE d.noticed_at <= :noticed_until
    ORDER BY d.noticed_at
    LIMIT 1 FOR NO KEY UPDATE OF c SKIP LOCKED
)
DELETE FROM connector.data_change d USING due
WHERE (d.organization_id, d.visma_customer_id, d.visma_company_id) = (due.organization_id, due.visma_customer_id, due.visma_company_id)
RETURNING d.*;

-- name: forget!
DELETE FROM connector.delivery WHERE received_at < :received_before;
