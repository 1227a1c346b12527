-- Turns that nobody could use are given out anew.
-- depends: 0001_budget

-- migrate: apply
ALTER TABLE pace ADD COLUMN regained_at timestamptz NOT NULL DEFAULT 'epoch';

-- migrate: rollback
ALTER TABLE pace DROP COLUMN regained_at;
