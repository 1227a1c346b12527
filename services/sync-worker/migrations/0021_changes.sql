-- What was read of a period since it was verified.
-- depends: 0020_late_commits

-- migrate: apply
-- changes: lines that came new, came different, or went, by voucher, until the period is verified again.
ALTER TABLE work_item ADD COLUMN changes jsonb;

-- migrate: rollback
ALTER TABLE work_item DROP COLUMN changes;
