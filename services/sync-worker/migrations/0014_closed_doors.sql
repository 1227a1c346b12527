-- What was told of a door that a customer has closed, until it is open again.
-- depends: 0013_a07

-- migrate: apply
-- By source the reason for which everything from it was stopped. It is there from when it was told until the source has answered again.
ALTER TABLE company ADD COLUMN closed jsonb NOT NULL DEFAULT '{}';
UPDATE company c SET closed = doors.closed
FROM (
    SELECT company_id, jsonb_object_agg(source, reason) AS closed FROM work_item
    WHERE status = 'needs_consent' OR reason = 'not_authenticated' GROUP BY company_id
) AS doors
WHERE doors.company_id = c.company_id;

-- migrate: rollback
ALTER TABLE company DROP COLUMN closed;
