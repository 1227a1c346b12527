-- A plan that is made again: what an item was asked for, and items that are in the plan no more. Companies whose work has ended.
-- depends: 0004_further_data_sets

-- migrate: apply
ALTER TABLE company ADD archived_at timestamptz;

-- The question is what the source was asked for; of items whose rows begin at the start date, since is that date. While rows are added before
-- it, those from retrieved_from on are in already.
ALTER TABLE work_item ADD question text NOT NULL DEFAULT '', ADD since date, ADD retrieved_from date, DROP CONSTRAINT work_item_status_check;
ALTER TABLE work_item ADD CONSTRAINT work_item_status_check CHECK (
    status IN ('queued', 'retrieving', 'verifying', 'complete', 'retrying', 'needs_attention', 'needs_consent', 'retired')
);

-- migrate: rollback
DELETE FROM work_item WHERE status = 'retired';
ALTER TABLE work_item DROP question, DROP since, DROP retrieved_from, DROP CONSTRAINT work_item_status_check;
ALTER TABLE work_item ADD CONSTRAINT work_item_status_check CHECK (
    status IN ('queued', 'retrieving', 'verifying', 'complete', 'retrying', 'needs_attention', 'needs_consent')
);
ALTER TABLE company DROP archived_at;
