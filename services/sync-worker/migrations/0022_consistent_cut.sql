-- As of when all that was retrieved from Visma was found unchanged together, and what was.
-- depends: 0021_changes

-- migrate: apply
-- cut: periods, data sets and what is not included, as they were published; nothing while something is to be proven again.
ALTER TABLE company ADD COLUMN cut jsonb, ADD COLUMN cut_as_of timestamptz;

CREATE OR REPLACE VIEW operators.retrieval AS
SELECT i.company_id, i.organization_id, c.visma_company_id, i.source, i.data_set, i.period_label, i.rank, i.status, i.scanned, i.expected, i.requests,
       i.reason, i.message, i.hint, i.attempted_at, i.succeeded_at, i.next_attempt_at, i.refresh_at,
       c.paused_at, c.completed_at, t.measured_from, t.idle,
       c.visma_customer_id, (i.source, i.company_id) IN (SELECT g.source, g.company_id FROM sync.given_up g) AS given_up,
       c.cut, c.cut_as_of
FROM sync.work_item i JOIN sync.company c USING (company_id) LEFT JOIN sync.turn t USING (source, company_id)
WHERE i.status <> 'retired';

-- migrate: rollback
DROP VIEW operators.retrieval;
CREATE VIEW operators.retrieval AS
SELECT i.company_id, i.organization_id, c.visma_company_id, i.source, i.data_set, i.period_label, i.rank, i.status, i.scanned, i.expected, i.requests,
       i.reason, i.message, i.hint, i.attempted_at, i.succeeded_at, i.next_attempt_at, i.refresh_at,
       c.paused_at, c.completed_at, t.measured_from, t.idle,
       c.visma_customer_id, (i.source, i.company_id) IN (SELECT g.source, g.company_id FROM sync.given_up g) AS given_up
FROM sync.work_item i JOIN sync.company c USING (company_id) LEFT JOIN sync.turn t USING (source, company_id)
WHERE i.status <> 'retired';
ALTER TABLE company DROP COLUMN cut_as_of, DROP COLUMN cut;
