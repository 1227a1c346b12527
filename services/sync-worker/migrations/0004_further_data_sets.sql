-- One table for the values of all dimensions.
-- depends: 0003_more_data_sets

-- migrate: apply
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
DROP TABLE org_unit;
