-- What becomes visible behind the newest row.
-- depends: 0019_contradicting_months

-- migrate: apply
-- settled: what was written before the newest row has all been read, also what was committed late.
ALTER TABLE work_item ADD COLUMN settled boolean NOT NULL DEFAULT false;

-- migrate: rollback
ALTER TABLE work_item DROP COLUMN settled;
