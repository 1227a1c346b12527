-- Companies and their groups, and what the form is judged against: the organisation's Visma customer IDs and the companies they reach.
-- depends:

-- migrate: apply
CREATE TABLE company (
    company_id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    visma_customer_id integer NOT NULL,
    visma_company_id integer NOT NULL,
    name text NOT NULL,
    comment text NOT NULL,
    organisation_number text NOT NULL CHECK (organisation_number ~ '^[0-9]{9}$'),
    period_type text NOT NULL,
    financial_year_start_month smallint NOT NULL CHECK (financial_year_start_month BETWEEN 1 AND 12),
    reconciliation_start date NOT NULL CHECK (extract(day FROM reconciliation_start) = 1),
    responsible_user text NOT NULL,
    vat_frequency text NOT NULL,
    modules text[] NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (organization_id, visma_company_id)
);

CREATE TABLE company_group (
    company_group_id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    spelling text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (organization_id, spelling)
);

CREATE TABLE company_in_group (
    company_id uuid NOT NULL REFERENCES company,
    company_group_id uuid NOT NULL REFERENCES company_group,
    PRIMARY KEY (company_id, company_group_id)
);

-- Two facts from two topics, which may arrive in either order: each column is written from one topic only.
CREATE TABLE visma_customer (
    organization_id uuid NOT NULL,
    visma_customer_id integer NOT NULL,
    registered boolean NOT NULL DEFAULT false,
    connected boolean NOT NULL DEFAULT false,
    PRIMARY KEY (organization_id, visma_customer_id)
);

-- Companies as last listed. One that leaves the list stays, unlisted, because it may come back and still be added.
CREATE TABLE listed_company (
    organization_id uuid NOT NULL,
    visma_company_id integer NOT NULL,
    visma_customer_id integer NOT NULL,
    name text NOT NULL,
    organisation_number text,
    readable boolean NOT NULL,
    hint text,
    listed boolean NOT NULL,
    added_as uuid REFERENCES company,
    PRIMARY KEY (organization_id, visma_company_id)
);
CREATE INDEX listed_company_by_customer ON listed_company (organization_id, visma_customer_id);

-- migrate: rollback
DROP TABLE listed_company, visma_customer, company_in_group, company_group, company;
