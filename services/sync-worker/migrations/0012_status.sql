-- What a customer's Visma does not know; how long the work for a company takes; what operators see of it.
-- depends: 0011_row_security

-- migrate: apply
ALTER TABLE work_item DROP CONSTRAINT work_item_status_check;
ALTER TABLE work_item ADD CONSTRAINT work_item_status_check CHECK (
    status IN ('queued', 'retrieving', 'verifying', 'complete', 'retrying', 'needs_attention', 'needs_consent', 'not_supported', 'retired')
);

-- How long the work has taken is the time since measured_from, without the time in which nothing was asked for (idle).
ALTER TABLE turn ADD COLUMN measured_from timestamptz, ADD COLUMN idle interval NOT NULL DEFAULT '0';

-- What operators see of the retrieval.

CREATE VIEW operators.retrieval AS
SELECT i.company_id, i.organization_id, c.visma_company_id, i.source, i.data_set, i.period_label, i.rank, i.status, i.scanned, i.expected, i.requests,
       i.reason, i.message, i.hint, i.attempted_at, i.succeeded_at, i.next_attempt_at, i.refresh_at,
       c.paused_at, c.completed_at, t.measured_from, t.idle
FROM sync.work_item i JOIN sync.company c USING (company_id) LEFT JOIN sync.turn t USING (source, company_id)
WHERE i.status <> 'retired';

-- migrate: rollback
DROP VIEW operators.retrieval;
ALTER TABLE turn DROP COLUMN idle, DROP COLUMN measured_from;
UPDATE work_item SET status = 'needs_attention' WHERE status = 'not_supported';
ALTER TABLE work_item DROP CONSTRAINT work_item_status_check;
ALTER TABLE work_item ADD CONSTRAINT work_item_status_check CHECK (
    status IN ('queued', 'retrieving', 'verifying', 'complete', 'retrying', 'needs_attention', 'needs_consent', 'retired')
);
