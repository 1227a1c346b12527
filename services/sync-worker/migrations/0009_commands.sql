-- A pause per company; what is to be published once more.
-- depends: 0008_company_by_visma_company

-- migrate: apply
ALTER TABLE company ADD COLUMN paused_at timestamptz;

-- parts: [data set, period label] in the order they are published; position: how many of them are done, cursor: the last key of the one under way.
CREATE TABLE republication (
    republication_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id uuid NOT NULL,
    company_id uuid NOT NULL REFERENCES company,
    parts jsonb NOT NULL,
    position integer NOT NULL DEFAULT 0,
    cursor jsonb,
    rows integer NOT NULL DEFAULT 0,
    touched_at timestamptz NOT NULL,
    correlation_id text NOT NULL,
    causation_id text,
    traceparent text
);

-- migrate: rollback
DROP TABLE republication;
ALTER TABLE company DROP COLUMN paused_at;
