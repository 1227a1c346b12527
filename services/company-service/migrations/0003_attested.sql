-- What operators may read of an organisation: how many rows, and how many of them are with another one.
-- depends: 0002_companies_end

-- migrate: apply
CREATE SCHEMA IF NOT EXISTS operators;

-- crossing: a company of a Visma customer ID that the organisation never had; a company in a group, or added from a list, of another
-- organisation; an ID that another organisation has registered too (also while it moves, until both have been heard of); a message that waits
-- whose subject, attribute and content are of several. The other columns are of landed rows, which are in other databases.
CREATE FUNCTION operators.attested(organization uuid)
RETURNS TABLE (table_name text, rows bigint, crossing bigint, behind_wall boolean, strangers_see bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT 'company.company', count(*), count(*) FILTER (WHERE v.organization_id IS NULL), NULL::boolean, NULL::bigint
    FROM company.company c LEFT JOIN company.visma_customer v USING (organization_id, visma_customer_id) WHERE c.organization_id = organization
    UNION ALL
    SELECT 'company.company_group', count(*), 0, NULL, NULL FROM company.company_group g WHERE g.organization_id = organization
    UNION ALL
    SELECT 'company.company_in_group', count(*), count(*) FILTER (WHERE c.organization_id <> g.organization_id), NULL, NULL
    FROM company.company_in_group JOIN company.company c USING (company_id) JOIN company.company_group g USING (company_group_id)
    WHERE organization IN (c.organization_id, g.organization_id)
    UNION ALL
    SELECT 'company.listed_company', count(*), count(*) FILTER (WHERE c.organization_id <> l.organization_id), NULL, NULL
    FROM company.listed_company l LEFT JOIN company.company c ON c.company_id = l.added_as
    WHERE organization IN (l.organization_id, c.organization_id)
    UNION ALL
    SELECT 'company.visma_customer', count(*), count(*) FILTER (WHERE mine.registered AND EXISTS (
        SELECT FROM company.visma_customer theirs
        WHERE theirs.visma_customer_id = mine.visma_customer_id AND theirs.organization_id <> organization AND theirs.registered
    )), NULL, NULL
    FROM company.visma_customer mine WHERE mine.organization_id = organization
    UNION ALL
    SELECT 'tenancy.organization', count(*), 0, NULL, NULL FROM tenancy.organization o WHERE o.organization_id = organization
    UNION ALL
    SELECT 'tenancy.member', count(*), 0, NULL, NULL FROM tenancy.member m WHERE m.organization_id = organization
    UNION ALL
    SELECT 'eventing.outbox', count(*), count(*) FILTER (WHERE waits.owner IS DISTINCT FROM waits.named OR waits.content IS DISTINCT FROM waits.named),
           NULL, NULL
    FROM (
        SELECT coalesce(c.organization_id, g.organization_id)::text AS owner,
               convert_from(header_values[array_position(header_names, 'ce_organizationid')], 'UTF8') AS named,
               convert_from(value, 'UTF8')::jsonb ->> 'organization_id' AS content
        FROM eventing.outbox LEFT JOIN company.company c ON c.company_id::text = convert_from(key, 'UTF8')
        LEFT JOIN company.company_group g ON g.company_group_id::text = convert_from(key, 'UTF8')
        WHERE topic = 'company-events'
    ) AS waits
    WHERE organization::text IN (waits.owner, waits.named, waits.content);
END
$$;

CREATE FUNCTION operators.companies(organization uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT company_id FROM company.company WHERE organization_id = organization ORDER BY created_at
$$;

-- migrate: rollback
DROP FUNCTION operators.companies, operators.attested;
