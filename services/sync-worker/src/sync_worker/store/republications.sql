-- name: add!
INSERT INTO sync.republication (organization_id, company_id, parts, touched_at, correlation_id, causation_id, traceparent)
VALUES (:organization_id, :company_id, :parts, :now, :correlation_id, :causation_id, :traceparent);

-- name: next^
-- The one that waited longest for its next rows, so that a large company does not hold up the others.
SELECT republication_id, organization_id, correlation_id, causation_id, traceparent FROM sync.republication ORDER BY touched_at LIMIT 1;

-- name: hold^
-- Landed rows are those of its organisation from here on.
SELECT sync.work_for(r.organization_id), r.parts, r.position, r.cursor, r.rows, c.company_id, c.organization_id, c.visma_company_id, c.organisation_number, c.period_type,
       c.financial_year_start_month, c.reconciliation_start, c.modules
FROM sync.republication r JOIN sync.company c ON c.company_id = r.company_id
WHERE r.republication_id = :id FOR UPDATE OF r SKIP LOCKED;

-- name: save!
UPDATE sync.republication SET position = :position, cursor = :cursor, rows = :rows, touched_at = :now WHERE republication_id = :id;

-- name: put_back!
UPDATE sync.republication SET touched_at = :now WHERE republication_id = :id;

-- name: remove!
DELETE FROM sync.republication WHERE republication_id = :id;
