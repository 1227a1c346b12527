-- The copy of members is attested beside what is retrieved.
-- depends: 0015_receipts_of_everything

-- migrate: apply
ALTER FUNCTION operators.attested(uuid) SET SCHEMA sync;

CREATE FUNCTION operators.attested(organization uuid)
RETURNS TABLE (table_name text, rows bigint, crossing bigint, behind_wall boolean, strangers_see bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT * FROM sync.attested(organization)
    UNION ALL
    SELECT 'tenancy.organization', count(*), 0, NULL, NULL FROM tenancy.organization o WHERE o.organization_id = organization
    UNION ALL
    SELECT 'tenancy.member', count(*), 0, NULL, NULL FROM tenancy.member m WHERE m.organization_id = organization;
END
$$;

-- migrate: rollback
DROP FUNCTION operators.attested;
ALTER FUNCTION sync.attested(uuid) SET SCHEMA operators;
