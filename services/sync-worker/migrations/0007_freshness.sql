-- Following a company after its first retrieval.
-- depends: 0006_locating

-- migrate: apply
-- newest: when the newest row that Visma has of the item was written, by Visma's clock. changed_since: set while only what was written from then on is
-- read. refresh_at: when a complete item is taken up again by itself.
ALTER TABLE work_item
    ADD COLUMN newest text,
    ADD COLUMN changed_since text,
    ADD COLUMN refresh_at timestamptz,
    ADD COLUMN attempted_at timestamptz,
    ADD COLUMN succeeded_at timestamptz;
CREATE INDEX work_item_refresh ON work_item (refresh_at) WHERE refresh_at IS NOT NULL;
-- Companies that were complete before are looked at soon.
UPDATE work_item SET refresh_at = now(), scan_complete = false WHERE data_set = 'account_balances' AND status = 'complete';

-- migrate: rollback
DROP INDEX work_item_refresh;
ALTER TABLE work_item DROP COLUMN succeeded_at, DROP COLUMN attempted_at, DROP COLUMN refresh_at, DROP COLUMN changed_since, DROP COLUMN newest;
