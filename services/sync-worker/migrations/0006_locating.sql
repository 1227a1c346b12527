-- A difference is narrowed down to vouchers, and those alone are read again.
-- depends: 0005_replanning

-- migrate: apply
-- search: where a difference has been narrowed down to so far. repair: what reading the wrong vouchers again changed, until the next proof.
-- differs_since: when a proof first failed, until one holds.
ALTER TABLE work_item ADD COLUMN search jsonb, ADD COLUMN repair jsonb, ADD COLUMN differs_since timestamptz;

-- migrate: rollback
ALTER TABLE work_item DROP COLUMN search, DROP COLUMN repair, DROP COLUMN differs_since;
