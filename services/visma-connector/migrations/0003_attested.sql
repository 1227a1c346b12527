-- What operators may read of an organisation: how many rows, and how many of them are with another one.
-- depends: 0002_data_changes

-- migrate: apply
CREATE SCHEMA IF NOT EXISTS operators;

-- crossing: what is kept for a Visma customer ID that another organisation has too (also while an ID moves, until both have been heard of); a
-- message that waits whose key, attribute and content name several. The other columns are of landed rows, which are in other databases.
CREATE FUNCTION operators.attested(organization uuid)
RETURNS TABLE (table_name text, rows bigint, crossing bigint, behind_wall boolean, strangers_see bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    WITH shared AS (
        SELECT visma_customer_id FROM connector.connection c
        GROUP BY visma_customer_id HAVING count(*) > 1 AND bool_or(c.organization_id = organization)
    )
    SELECT 'connector.connection', count(*), count(shared.visma_customer_id), NULL::boolean, NULL::bigint
    FROM connector.connection c LEFT JOIN shared USING (visma_customer_id) WHERE c.organization_id = organization
    UNION ALL
    SELECT 'connector.company', count(*), count(shared.visma_customer_id), NULL, NULL
    FROM connector.company c LEFT JOIN shared USING (visma_customer_id) WHERE c.organization_id = organization
    UNION ALL
    SELECT 'connector.data_change', count(*), count(shared.visma_customer_id), NULL, NULL
    FROM connector.data_change d LEFT JOIN shared USING (visma_customer_id) WHERE d.organization_id = organization
    UNION ALL
    SELECT 'connector.delivery', count(*), 0, NULL, NULL FROM connector.delivery d WHERE d.organization_id = organization
    UNION ALL
    SELECT 'tenancy.organization', count(*), 0, NULL, NULL FROM tenancy.organization o WHERE o.organization_id = organization
    UNION ALL
    SELECT 'tenancy.member', count(*), 0, NULL, NULL FROM tenancy.member m WHERE m.organization_id = organization
    UNION ALL
    SELECT 'eventing.outbox', count(*), count(*) FILTER (WHERE waits.key <> waits.named OR waits.content IS DISTINCT FROM waits.named), NULL, NULL
    FROM (
        SELECT convert_from(key, 'UTF8') AS key, convert_from(header_values[array_position(header_names, 'ce_organizationid')], 'UTF8') AS named,
               convert_from(value, 'UTF8')::jsonb ->> 'organization_id' AS content
        FROM eventing.outbox WHERE topic IN ('visma-connector-events', 'visma-changes')
    ) AS waits
    WHERE organization::text IN (waits.key, waits.named, waits.content);
END
$$;

-- migrate: rollback
DROP FUNCTION operators.attested;
