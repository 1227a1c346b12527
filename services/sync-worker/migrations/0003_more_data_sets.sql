-- Ledgers of customers and suppliers, groups of accounts, voucher series and types, dimensions; more of the asset register.
-- depends: 0002_landed_data

-- migrate: apply
CREATE TABLE account_group (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    account_group text NOT NULL, name text NOT NULL,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, account_group)
);

-- Visma's sums of what was posted before the start, by ledger year.
CREATE TABLE opening_balance (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    account_no integer NOT NULL, year integer NOT NULL, lines integer NOT NULL, balance numeric NOT NULL,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, account_no, year)
);

CREATE TABLE customer_transaction (
    organization_id uuid NOT NULL, company_id uuid NOT NULL,
    voucher_journal_no integer NOT NULL, audit_no integer NOT NULL,
    customer_no integer NOT NULL, invoice_no text NOT NULL, voucher_no integer NOT NULL, voucher_date date, due_date date,
    amount numeric NOT NULL, outstanding_amount numeric NOT NULL,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, voucher_journal_no, audit_no)
);

CREATE TABLE supplier_transaction (
    organization_id uuid NOT NULL, company_id uuid NOT NULL,
    voucher_journal_no integer NOT NULL, audit_no integer NOT NULL,
    supplier_no integer NOT NULL, invoice_no text NOT NULL, voucher_no integer NOT NULL, voucher_date date, due_date date,
    amount numeric NOT NULL, outstanding_amount numeric NOT NULL,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, voucher_journal_no, audit_no)
);

CREATE TABLE voucher_series (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    voucher_series_no integer NOT NULL, name text NOT NULL, last_voucher_no integer NOT NULL, next_voucher_no integer NOT NULL,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, voucher_series_no)
);

CREATE TABLE voucher_type (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    voucher_type integer NOT NULL, name text NOT NULL,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, voucher_type)
);

CREATE TABLE org_unit_1 (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    org_unit integer NOT NULL, dimension integer NOT NULL, name text NOT NULL,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, org_unit)
);

CREATE TABLE org_unit_2 (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    org_unit integer NOT NULL, dimension integer NOT NULL, name text NOT NULL,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, org_unit)
);

ALTER TABLE capital_asset
    ADD COLUMN acquisition_date date,
    ADD COLUMN acquisition_cost numeric NOT NULL DEFAULT 0,
    ADD COLUMN account_no integer,
    ADD COLUMN depreciation_account_no integer;

-- migrate: rollback
ALTER TABLE capital_asset
    DROP COLUMN depreciation_account_no, DROP COLUMN account_no, DROP COLUMN acquisition_cost, DROP COLUMN acquisition_date;
DROP TABLE org_unit_2, org_unit_1, voucher_type, voucher_series, supplier_transaction, customer_transaction, opening_balance,
    account_group;
