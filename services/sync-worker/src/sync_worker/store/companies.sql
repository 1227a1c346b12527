-- name: add$
INSERT INTO sync.company (company_id, organization_id, visma_customer_id, visma_company_id, organisation_number, period_type,
                          financial_year_start_month, reconciliation_start, modules, created_at)
VALUES (:company_id, :organization_id, :visma_customer_id, :visma_company_id, :organisation_number, :period_type,
        :financial_year_start_month, :reconciliation_start, :modules, :created_at)
ON CONFLICT (company_id) DO NOTHING RETURNING true;

-- name: find^
SELECT company_id, organization_id, visma_company_id, organisation_number, period_type, financial_year_start_month, reconciliation_start, modules
FROM sync.company WHERE company_id = :company_id AND organization_id = :organization_id AND archived_at IS NULL;

-- name: is_archived$
SELECT archived_at IS NOT NULL FROM sync.company WHERE company_id = :company_id AND organization_id = :organization_id;

-- name: put!
-- The settings the next plan is made from. It is not complete, and not as of one moment, before that plan is.
UPDATE sync.company
SET organisation_number = :organisation_number, period_type = :period_type, financial_year_start_month = :financial_year_start_month,
    reconciliation_start = :reconciliation_start, modules = :modules, completed_at = NULL,
    cut = NULL, cut_as_of = NULL
WHERE company_id = :company_id;

-- name: archive!
UPDATE sync.company SET archived_at = :now WHERE company_id = :company_id;

-- name: find_by_visma_company^
-- One that was archived may have been added again, and that may be heard of before the archiving.
SELECT company_id, organization_id, visma_company_id, organisation_number, period_type, financial_year_start_month, reconciliation_start, modules
FROM sync.company WHERE visma_company_id = :visma_company_id AND organization_id = :organization_id AND archived_at IS NULL
ORDER BY created_at DESC LIMIT 1;

-- name: lock!
-- From here on until commit nobody else counts this company's progress or completes it. The work of others goes on.
SELECT 1 FROM sync.company WHERE company_id = :company_id FOR NO KEY UPDATE;

-- name: stop_landing!
-- From here on until commit nobody lands rows of this company. To be asked for before the company is locked.
SELECT pg_advisory_xact_lock(hashtextextended(:company_id::uuid::text, 0));

-- name: start$
UPDATE sync.company SET started_at = :now WHERE company_id = :company_id AND started_at IS NULL RETURNING true;

-- name: set_planned!
UPDATE sync.company SET planned_at = :now WHERE company_id = :company_id;

-- name: reopen!
-- Something is to be proven again.
UPDATE sync.company SET completed_at = NULL, cut = NULL, cut_as_of = NULL WHERE company_id = :company_id;

-- name: pause$
UPDATE sync.company SET paused_at = :now WHERE company_id = :company_id AND paused_at IS NULL RETURNING true;

-- name: resume$
-- Since when it had been paused; nothing when it was not.
UPDATE sync.company c SET paused_at = NULL
FROM (SELECT company_id, paused_at FROM sync.company WHERE company_id = :company_id AND paused_at IS NOT NULL FOR UPDATE) AS before
WHERE c.company_id = before.company_id RETURNING before.paused_at;

-- name: close_door$
-- True when nobody was told of this reason since the source has answered.
UPDATE sync.company SET closed = closed || jsonb_build_object(:source::text, :reason::text)
WHERE company_id = :company_id AND closed ->> :source IS DISTINCT FROM :reason RETURNING true;

-- name: open_doors!
UPDATE sync.company SET closed = closed - :sources::text[] WHERE company_id = :company_id;

-- name: completed_at$
SELECT completed_at FROM sync.company WHERE company_id = :company_id;

-- name: complete$
-- True once for each plan, when its last item is complete.
UPDATE sync.company c SET completed_at = :now
WHERE c.company_id = :company_id AND c.planned_at IS NOT NULL AND c.completed_at IS NULL
  AND NOT EXISTS (
    SELECT 1 FROM sync.work_item i WHERE i.company_id = c.company_id AND i.status NOT IN ('complete', 'not_supported', 'retired')
  )
RETURNING true;
