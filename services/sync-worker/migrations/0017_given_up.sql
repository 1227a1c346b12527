-- Visma customer IDs that an organisation has given up: nothing more is retrieved through them for it.
-- depends: 0016_attested_members

-- migrate: apply
-- Kept whether companies are known or not: a company may be heard of after its ID was given up. The organisation has a name of its own here
-- because rows with an organization_id are attested by their company.
CREATE TABLE given_up_id (
    given_up_by uuid NOT NULL,
    visma_customer_id integer NOT NULL,
    PRIMARY KEY (given_up_by, visma_customer_id)
);

-- Companies that a source is not asked for, whatever their items say.
CREATE VIEW given_up AS
SELECT 'visma' AS source, c.company_id, c.visma_customer_id
FROM sync.company c JOIN sync.given_up_id g ON g.given_up_by = c.organization_id AND g.visma_customer_id = c.visma_customer_id;

CREATE INDEX company_by_visma_customer_id ON company (visma_customer_id, organization_id);

CREATE OR REPLACE VIEW operators.retrieval AS
SELECT i.company_id, i.organization_id, c.visma_company_id, i.source, i.data_set, i.period_label, i.rank, i.status, i.scanned, i.expected, i.requests,
       i.reason, i.message, i.hint, i.attempted_at, i.succeeded_at, i.next_attempt_at, i.refresh_at,
       c.paused_at, c.completed_at, t.measured_from, t.idle,
       c.visma_customer_id, (i.source, i.company_id) IN (SELECT g.source, g.company_id FROM sync.given_up g) AS given_up
FROM sync.work_item i JOIN sync.company c USING (company_id) LEFT JOIN sync.turn t USING (source, company_id)
WHERE i.status <> 'retired';

CREATE OR REPLACE FUNCTION operators.attested(organization uuid)
RETURNS TABLE (table_name text, rows bigint, crossing bigint, behind_wall boolean, strangers_see bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT * FROM sync.attested(organization)
    UNION ALL
    SELECT 'sync.given_up_id', count(*), 0, NULL, NULL FROM sync.given_up_id g WHERE g.given_up_by = organization
    UNION ALL
    SELECT 'tenancy.organization', count(*), 0, NULL, NULL FROM tenancy.organization o WHERE o.organization_id = organization
    UNION ALL
    SELECT 'tenancy.member', count(*), 0, NULL, NULL FROM tenancy.member m WHERE m.organization_id = organization;
END
$$;

-- migrate: rollback
CREATE OR REPLACE FUNCTION operators.attested(organization uuid)
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
DROP VIEW operators.retrieval;
CREATE VIEW operators.retrieval AS
SELECT i.company_id, i.organization_id, c.visma_company_id, i.source, i.data_set, i.period_label, i.rank, i.status, i.scanned, i.expected, i.requests,
       i.reason, i.message, i.hint, i.attempted_at, i.succeeded_at, i.next_attempt_at, i.refresh_at,
       c.paused_at, c.completed_at, t.measured_from, t.idle
FROM sync.work_item i JOIN sync.company c USING (company_id) LEFT JOIN sync.turn t USING (source, company_id)
WHERE i.status <> 'retired';
DROP INDEX company_by_visma_customer_id;
DROP VIEW given_up;
DROP TABLE given_up_id;
