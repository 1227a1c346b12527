-- Every Visma customer ID that an organisation holds, what we know of it, and the companies it lists.
-- depends:

-- migrate: apply
CREATE TABLE connection (
    organization_id uuid NOT NULL,
    visma_customer_id integer NOT NULL,
    connected boolean NOT NULL DEFAULT false,
    denial text CHECK (denial IN ('not_activated', 'unknown_customer', 'no_company_opened', 'visma_unreachable', 'not_authenticated')),
    failures integer NOT NULL DEFAULT 0,
    listed boolean NOT NULL DEFAULT false,
    checked_at timestamptz,
    due_at timestamptz NOT NULL,
    -- How often a probe was asked for, how many of these wishes have been answered, and who asked last.
    asks bigint NOT NULL,
    answered bigint NOT NULL DEFAULT 0,
    correlation_id text NOT NULL,
    causation_id text,
    traceparent text,
    -- Who is asking Visma at the moment, and until when nobody else may.
    lease_token uuid,
    leased_until timestamptz,
    -- An ID may move: the organisation that gives it up and the one that takes it are heard of in any order.
    PRIMARY KEY (organization_id, visma_customer_id),
    CHECK (NOT connected OR denial IS NULL),
    CHECK ((lease_token IS NULL) = (leased_until IS NULL))
);
CREATE INDEX connection_by_due_at ON connection (due_at);

CREATE TABLE company (
    organization_id uuid NOT NULL,
    visma_customer_id integer NOT NULL,
    visma_company_id integer NOT NULL,
    name text NOT NULL,
    organisation_number text,
    readable boolean NOT NULL,
    hint text,
    PRIMARY KEY (organization_id, visma_customer_id, visma_company_id),
    FOREIGN KEY (organization_id, visma_customer_id) REFERENCES connection ON DELETE CASCADE
);

-- migrate: rollback
DROP TABLE company, connection;
