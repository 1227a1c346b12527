-- Companies whose data is retrieved, the work still to do and done for each, and what was proven.
-- depends:

-- migrate: apply
CREATE TABLE company (
    company_id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    visma_customer_id integer NOT NULL,
    visma_company_id integer NOT NULL,
    organisation_number text NOT NULL,
    period_type text NOT NULL,
    financial_year_start_month integer NOT NULL,
    reconciliation_start date NOT NULL,
    modules text[] NOT NULL,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    planned_at timestamptz,
    completed_at timestamptz
);

-- The numbers that tell the scans of all data sets apart: a landed row carries the number of the scan that saw it last.
CREATE SEQUENCE scan;

-- A data set, or one period of it, to be retrieved and proven. A process works on an item while it holds the lease; whoever writes to an item
-- shows the lease's token, so that a process that lost its lease changes nothing.
CREATE TABLE work_item (
    work_item_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id uuid NOT NULL,
    company_id uuid NOT NULL REFERENCES company,
    source text NOT NULL CHECK (source IN ('visma', 'skatteetaten')),
    data_set text NOT NULL,
    period_label text NOT NULL DEFAULT '',
    first_day date,
    last_day date,
    ledger_periods jsonb NOT NULL DEFAULT '[]',
    rank integer NOT NULL,
    status text NOT NULL DEFAULT 'queued' CHECK (
        status IN ('queued', 'retrieving', 'verifying', 'complete', 'retrying', 'needs_attention', 'needs_consent')
    ),
    scan bigint NOT NULL DEFAULT nextval('sync.scan'),
    cursor jsonb,
    scanned integer NOT NULL DEFAULT 0,
    expected integer,
    scan_complete boolean NOT NULL DEFAULT false,
    refetched boolean NOT NULL DEFAULT false,
    requests integer NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    lease_token uuid,
    lease_until timestamptz,
    reason text,
    message text,
    hint text,
    correlation_id text NOT NULL,
    causation_id text,
    traceparent text,
    UNIQUE (company_id, data_set, period_label),
    CHECK ((period_label = '') = (first_day IS NULL)),
    CHECK ((first_day IS NULL) = (last_day IS NULL)),
    CHECK ((lease_token IS NULL) = (lease_until IS NULL))
);
CREATE INDEX work_item_open ON work_item (company_id, source, rank, work_item_id)
WHERE status IN ('queued', 'retrieving', 'verifying', 'retrying');
CREATE INDEX work_item_leased ON work_item (source, lease_until) WHERE lease_token IS NOT NULL;
CREATE INDEX work_item_token ON work_item (lease_token) WHERE lease_token IS NOT NULL;

-- When each company was last worked for: of two that wait, the one that waited longer is next. Whoever claims an item locks the company's row
-- here first, so that an item is found among one company's and not among everybody's.
CREATE TABLE turn (
    source text NOT NULL,
    company_id uuid NOT NULL REFERENCES company,
    taken_at timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (source, company_id)
);

-- What was compared with what the source states, the last time it agreed.
CREATE TABLE proof (
    organization_id uuid NOT NULL,
    company_id uuid NOT NULL REFERENCES company,
    data_set text NOT NULL,
    period_label text NOT NULL DEFAULT '',
    rows integer NOT NULL,
    debit numeric,
    credit numeric,
    difference numeric,
    compared text NOT NULL,
    totals jsonb NOT NULL DEFAULT '[]',
    proven_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, data_set, period_label)
);

-- migrate: rollback
DROP TABLE proof, turn, work_item, company;
DROP SEQUENCE scan;
