-- A second wall between organisations: landed rows and proofs are there only for work that says which organisation it is for.
-- depends: 0010_receipts

-- migrate: apply
-- Every landed table is put behind it. A transaction says whom it works for by work_for; what must see every organisation's rows says so by the
-- setting accountflow.every_organization, and is easily found by that name. The subselects are evaluated once for each statement.
CREATE PROCEDURE put_behind_wall(landed regclass) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', landed);
    EXECUTE format(
        'CREATE POLICY own_organization ON %s USING (organization_id = (SELECT nullif(current_setting(%L, true), %L)::uuid))',
        landed, 'accountflow.organization_id', ''
    );
    EXECUTE format(
        'CREATE POLICY every_organization ON %s USING ((SELECT current_setting(%L, true)) = %L)', landed, 'accountflow.every_organization', 'on'
    );
END
$$;

DO $$
DECLARE
    landed regclass;
BEGIN
    FOR landed IN SELECT format('sync.%I', table_name) FROM information_schema.columns
        WHERE table_schema = 'sync' AND column_name = 'organization_id' AND table_name NOT IN ('company', 'work_item', 'republication')
    LOOP
        CALL sync.put_behind_wall(landed);
    END LOOP;
END
$$;

-- What the data says of an organisation, table by table. rows: the organisation's. crossing: rows of it or of its companies where organisation
-- and company do not belong together. behind_wall: null where the queue works for all organisations. strangers_see: what is visible to work
-- for an organisation that does not exist.
CREATE FUNCTION operators.attested(organization uuid)
RETURNS TABLE (table_name text, rows bigint, crossing bigint, behind_wall boolean, strangers_see bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    landed pg_class;
BEGIN
    FOR landed IN SELECT c.* FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'sync'::regnamespace AND c.relkind = 'r' AND a.attname = 'organization_id' ORDER BY c.relname
    LOOP
        table_name := 'sync.' || landed.relname;
        behind_wall := NULL;
        strangers_see := NULL;
        IF landed.relname NOT IN ('company', 'work_item', 'republication') THEN
            behind_wall := landed.relrowsecurity AND landed.relforcerowsecurity;
            PERFORM sync.work_for(gen_random_uuid());
            EXECUTE format('SELECT count(*) FROM sync.%I', landed.relname) INTO strangers_see;
        END IF;
        PERFORM set_config('accountflow.every_organization', 'on', true);
        EXECUTE format(
            $statement$
            SELECT count(*) FILTER (WHERE mine.organization_id = $1), count(*) FILTER (WHERE mine.organization_id IS DISTINCT FROM c.organization_id)
            FROM sync.%I mine LEFT JOIN sync.company c USING (company_id) WHERE mine.organization_id = $1 OR c.organization_id = $1
            $statement$,
            landed.relname
        ) INTO rows, crossing USING organization;
        PERFORM set_config('accountflow.every_organization', '', true);
        RETURN NEXT;
    END LOOP;
    table_name := 'eventing.outbox';
    behind_wall := NULL;
    strangers_see := NULL;
    SELECT count(*) FILTER (WHERE waits.named = organization::text), count(*) FILTER (WHERE waits.named IS DISTINCT FROM c.organization_id::text)
    INTO rows, crossing
    FROM (
        SELECT convert_from(key, 'UTF8') AS key, convert_from(header_values[array_position(header_names, 'ce_organizationid')], 'UTF8') AS named
        FROM eventing.outbox WHERE topic IN ('sync-events', 'sync-progress', 'accounting-data')
    ) AS waits
    LEFT JOIN sync.company c ON c.company_id::text = waits.key
    WHERE waits.named = organization::text OR c.organization_id = organization;
    RETURN NEXT;
END
$$;

CREATE FUNCTION operators.companies(organization uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT company_id FROM sync.company WHERE organization_id = organization ORDER BY created_at
$$;

-- migrate: rollback
DROP FUNCTION operators.companies, operators.attested;
DO $$
DECLARE
    policy record;
BEGIN
    FOR policy IN SELECT tablename, policyname FROM pg_policies WHERE schemaname = 'sync' LOOP
        EXECUTE format('DROP POLICY %I ON sync.%I', policy.policyname, policy.tablename);
        EXECUTE format('ALTER TABLE sync.%I NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY', policy.tablename);
    END LOOP;
END
$$;
DROP PROCEDURE put_behind_wall;
