-- What operators may read of an organisation: how many rows, and how many of them are with another one.
-- depends: 0001_visma_customer_ids

-- migrate: apply
CREATE SCHEMA IF NOT EXISTS operators;

-- crossing: a claim of an organisation that is not registered; a message that waits whose key, attribute and content name several. The other
-- columns are of landed rows, which are in other databases.
CREATE FUNCTION operators.attested(organization uuid)
RETURNS TABLE (table_name text, rows bigint, crossing bigint, behind_wall boolean, strangers_see bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT 'org.visma_customer_id', count(*), count(*) FILTER (WHERE o.organization_id IS NULL), NULL::boolean, NULL::bigint
    FROM org.visma_customer_id v LEFT JOIN tenancy.organization o USING (organization_id) WHERE v.organization_id = organization
    UNION ALL
    SELECT 'tenancy.organization', count(*), 0, NULL, NULL FROM tenancy.organization o WHERE o.organization_id = organization
    UNION ALL
    SELECT 'tenancy.member', count(*), 0, NULL, NULL FROM tenancy.member m WHERE m.organization_id = organization
    UNION ALL
    SELECT 'eventing.outbox', count(*), count(*) FILTER (WHERE waits.key <> waits.named OR waits.content IS DISTINCT FROM waits.named), NULL, NULL
    FROM (
        SELECT convert_from(key, 'UTF8') AS key, convert_from(header_values[array_position(header_names, 'ce_organizationid')], 'UTF8') AS named,
               convert_from(value, 'UTF8')::jsonb ->> 'organization_id' AS content
        FROM eventing.outbox WHERE topic = 'org-events'
    ) AS waits
    WHERE organization::text IN (waits.key, waits.named, waits.content);
END
$$;

-- migrate: rollback
DROP FUNCTION operators.attested;
