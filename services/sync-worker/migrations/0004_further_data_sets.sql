-- More of lines and entries, all dimensions in one table, figures of the VAT return, book values of assets, unposted vouchers.
-- depends: 0003_more_data_sets

-- migrate: apply
ALTER TABLE ledger_line
    ADD COLUMN exchange_rate numeric, ADD COLUMN amount_in_currency numeric, ADD COLUMN invoice_no text, ADD COLUMN due_date date,
    ADD COLUMN origin integer, ADD COLUMN org_unit_3 integer, ADD COLUMN org_unit_4 integer, ADD COLUMN org_unit_5 integer,
    ADD COLUMN org_unit_6 integer, ADD COLUMN org_unit_7 text, ADD COLUMN org_unit_8 text, ADD COLUMN org_unit_9 text,
    ADD COLUMN org_unit_10 text, ADD COLUMN org_unit_11 text, ADD COLUMN org_unit_12 text;
ALTER TABLE customer_transaction
    ADD COLUMN text text, ADD COLUMN currency_no integer, ADD COLUMN exchange_rate numeric, ADD COLUMN amount_in_currency numeric,
    ADD COLUMN outstanding_amount_in_currency numeric;
ALTER TABLE supplier_transaction
    ADD COLUMN text text, ADD COLUMN currency_no integer, ADD COLUMN exchange_rate numeric, ADD COLUMN amount_in_currency numeric,
    ADD COLUMN outstanding_amount_in_currency numeric;
ALTER TABLE open_customer_entry ADD COLUMN currency_no integer;
ALTER TABLE open_supplier_entry ADD COLUMN currency_no integer;

ALTER TABLE vat_code ADD COLUMN rate numeric, ADD COLUMN standard_code text, ADD COLUMN account_no integer;

-- Base and VAT per term and tax code, debit positive.
CREATE TABLE vat_figure (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    year integer NOT NULL, term integer NOT NULL, vat_code integer NOT NULL,
    standard_code text, rate numeric, base numeric NOT NULL, vat numeric NOT NULL, lines integer NOT NULL, partial boolean NOT NULL,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, year, term, vat_code)
);

ALTER TABLE capital_asset ADD COLUMN capital_asset_group integer;

CREATE TABLE capital_asset_group (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    capital_asset_group integer NOT NULL, description text NOT NULL,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, capital_asset_group)
);

CREATE TABLE capital_asset_balance (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    capital_asset_no integer NOT NULL, year integer NOT NULL,
    acquisition_cost numeric NOT NULL, accumulated_depreciation numeric NOT NULL, book_value numeric NOT NULL,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, capital_asset_no, year)
);

CREATE TABLE unposted_vouchers (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    year integer NOT NULL, period integer NOT NULL, batches integer NOT NULL, vouchers integer NOT NULL, amount numeric NOT NULL,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, year, period)
);

-- The values of dimensions 1 to 6 have numbers, those of 7 to 12 have texts; ``code`` holds either as text.
CREATE TABLE org_unit (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    dimension integer NOT NULL, code text NOT NULL, org_unit integer, name text NOT NULL,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, dimension, code)
);
INSERT INTO org_unit (organization_id, company_id, dimension, code, org_unit, name, scan, version, changed_at)
SELECT organization_id, company_id, dimension, org_unit::text, org_unit, name, scan, version, changed_at FROM org_unit_1
UNION ALL
SELECT organization_id, company_id, dimension, org_unit::text, org_unit, name, scan, version, changed_at FROM org_unit_2;
DROP TABLE org_unit_1, org_unit_2;
-- The data sets of one dimension each are not planned any more; the one of all dimensions is new to every company.
DELETE FROM proof WHERE data_set IN ('org_units_1', 'org_units_2');
DELETE FROM work_item WHERE data_set IN ('org_units_1', 'org_units_2');

-- migrate: rollback
CREATE TABLE org_unit_1 (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    org_unit integer NOT NULL, dimension integer NOT NULL, name text NOT NULL,
    scan bigint NOT NULL, version integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, org_unit)
);
CREATE TABLE org_unit_2 (LIKE org_unit_1 INCLUDING ALL, FOREIGN KEY (company_id) REFERENCES company);
INSERT INTO org_unit_1 (organization_id, company_id, org_unit, dimension, name, scan, version, changed_at)
SELECT organization_id, company_id, org_unit, dimension, name, scan, version, changed_at FROM org_unit WHERE dimension = 1;
INSERT INTO org_unit_2 (organization_id, company_id, org_unit, dimension, name, scan, version, changed_at)
SELECT organization_id, company_id, org_unit, dimension, name, scan, version, changed_at FROM org_unit WHERE dimension = 2;
DROP TABLE org_unit, unposted_vouchers, vat_figure, capital_asset_balance, capital_asset_group;
ALTER TABLE capital_asset DROP COLUMN capital_asset_group;
ALTER TABLE vat_code DROP COLUMN rate, DROP COLUMN standard_code, DROP COLUMN account_no;
ALTER TABLE open_supplier_entry DROP COLUMN currency_no;
ALTER TABLE open_customer_entry DROP COLUMN currency_no;
ALTER TABLE supplier_transaction
    DROP COLUMN text, DROP COLUMN currency_no, DROP COLUMN exchange_rate, DROP COLUMN amount_in_currency,
    DROP COLUMN outstanding_amount_in_currency;
ALTER TABLE customer_transaction
    DROP COLUMN text, DROP COLUMN currency_no, DROP COLUMN exchange_rate, DROP COLUMN amount_in_currency,
    DROP COLUMN outstanding_amount_in_currency;
ALTER TABLE ledger_line
    DROP COLUMN exchange_rate, DROP COLUMN amount_in_currency, DROP COLUMN invoice_no, DROP COLUMN due_date, DROP COLUMN origin,
    DROP COLUMN org_unit_3, DROP COLUMN org_unit_4, DROP COLUMN org_unit_5, DROP COLUMN org_unit_6, DROP COLUMN org_unit_7,
    DROP COLUMN org_unit_8, DROP COLUMN org_unit_9, DROP COLUMN org_unit_10, DROP COLUMN org_unit_11, DROP COLUMN org_unit_12;
