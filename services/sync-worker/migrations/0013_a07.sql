-- The versions of a month's A07 report, and more of what each says.
-- depends: 0012_status

-- migrate: apply
-- status and due are unknown of reports that landed before; these are asked for again soon.
ALTER TABLE a07_report
    ADD COLUMN status text CHECK (status IN ('submitted', 'not_yet_due', 'missing')),
    ADD COLUMN due date,
    ADD COLUMN withholding jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN messages jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN workplaces jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN employees jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN sums jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN previous jsonb;
UPDATE work_item SET refresh_at = now() WHERE data_set = 'a07_reports' AND status = 'complete';

-- What a report was before something else was stated of its month: the whole row.
CREATE TABLE a07_report_version (
    organization_id uuid NOT NULL, company_id uuid NOT NULL REFERENCES company,
    month text NOT NULL, version integer NOT NULL,
    was jsonb NOT NULL, superseded_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, month, version)
);
CALL sync.put_behind_wall('sync.a07_report_version');

-- migrate: rollback
DROP TABLE a07_report_version;
ALTER TABLE a07_report DROP COLUMN previous, DROP COLUMN sums, DROP COLUMN employees, DROP COLUMN workplaces, DROP COLUMN messages,
    DROP COLUMN withholding, DROP COLUMN due, DROP COLUMN status;
