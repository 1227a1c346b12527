-- The retrieved data, one table per data set, keyed by company and Visma's own key.
-- depends: 0001_retrieval

-- migrate: apply
-- Every table ends with the same columns: the scan that saw the row last, and the version of its content, which rises when the content changes.
CREATE TABLE accounting_period (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    year integer NOT NULL, period integer NOT NULL,
    description text NOT NULL, first_day date NOT NULL, last_day date NOT NULL, closed boolean NOT NULL,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, year, period)
);

CREATE TABLE ledger_account (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    account_no integer NOT NULL,
    name text NOT NULL, account_group text NOT NULL, vat_code integer, profit_and_loss boolean NOT NULL,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, account_no)
);

-- No reference to the company: it would be checked for every one of millions of rows, and the work item has it already.
CREATE TABLE ledger_line (
    organization_id uuid NOT NULL, company_id uuid NOT NULL,
    voucher_journal_no integer NOT NULL, audit_no integer NOT NULL,
    account_no integer NOT NULL, year integer NOT NULL, period integer NOT NULL, voucher_no integer NOT NULL, voucher_type integer NOT NULL,
    voucher_date date, value_date date, text text NOT NULL, amount numeric NOT NULL, currency_no integer, vat_code integer,
    customer_no integer, supplier_no integer, org_unit_1 integer, org_unit_2 integer,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, voucher_journal_no, audit_no)
);
CREATE INDEX ledger_line_by_period ON ledger_line (company_id, year, period);

CREATE TABLE customer (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    associate_no integer NOT NULL, customer_no integer NOT NULL, name text NOT NULL, organisation_number text,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, associate_no)
);

CREATE TABLE supplier (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    associate_no integer NOT NULL, supplier_no integer NOT NULL, name text NOT NULL, organisation_number text,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, associate_no)
);

CREATE TABLE open_customer_entry (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    voucher_journal_no integer NOT NULL, audit_no integer NOT NULL,
    customer_no integer NOT NULL, invoice_no text NOT NULL, due_date date, outstanding_amount numeric NOT NULL,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, voucher_journal_no, audit_no)
);

CREATE TABLE open_supplier_entry (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    voucher_journal_no integer NOT NULL, audit_no integer NOT NULL,
    supplier_no integer NOT NULL, invoice_no text NOT NULL, due_date date, outstanding_amount numeric NOT NULL,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, voucher_journal_no, audit_no)
);

CREATE TABLE vat_code (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    vat_code integer NOT NULL, description text NOT NULL,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, vat_code)
);

CREATE TABLE vat_term (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    year integer NOT NULL, term integer NOT NULL,
    first_day date NOT NULL, last_day date NOT NULL, partial boolean NOT NULL,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, year, term)
);

CREATE TABLE capital_asset (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    capital_asset_no integer NOT NULL, description text NOT NULL,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, capital_asset_no)
);

CREATE TABLE capital_asset_transaction (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    voucher_journal_no integer NOT NULL, audit_no integer NOT NULL,
    capital_asset_no integer NOT NULL, year integer NOT NULL, period integer NOT NULL, amount numeric NOT NULL,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, voucher_journal_no, audit_no)
);

-- One report of Skatteetaten per calendar month, as last received. The document lacks the person level.
CREATE TABLE a07_report (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    month text NOT NULL CHECK (month ~ '^\d{4}-\d{2}$'),
    submitted boolean NOT NULL, snapshot_at timestamptz, submissions integer NOT NULL,
    withholding_tax numeric NOT NULL, employer_contribution numeric NOT NULL, financial_tax numeric NOT NULL,
    income jsonb NOT NULL, employer_contributions jsonb NOT NULL, failed_checks jsonb NOT NULL, report jsonb NOT NULL,
    version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, month)
);

-- migrate: rollback
DROP TABLE a07_report, capital_asset_transaction, capital_asset, vat_term, vat_code, open_supplier_entry, open_customer_entry, supplier,
    customer, ledger_line, ledger_account, accounting_period;
