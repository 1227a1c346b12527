-- Changes that Visma has told us of and nobody else knows yet, and which of Visma's deliveries told them.
-- depends: 0001_connections

-- migrate: apply
CREATE TABLE data_change (
    organization_id uuid NOT NULL,
    visma_customer_id integer NOT NULL,
    visma_company_id integer NOT NULL,
    data_set text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('inserted', 'updated', 'deleted')),
    noticed_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, visma_customer_id, visma_company_id, data_set, kind),
    FOREIGN KEY (organization_id, visma_customer_id) REFERENCES connection ON DELETE CASCADE
);
CREATE INDEX data_change_by_noticed_at ON data_change (noticed_at);

CREATE TABLE delivery (
    organization_id uuid NOT NULL,
    delivery_id text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, delivery_id)
);
CREATE INDEX delivery_by_received_at ON delivery (received_at);

CREATE INDEX company_by_visma_company_id ON company (visma_company_id);

-- migrate: rollback
DROP INDEX company_by_visma_company_id;
DROP TABLE delivery, data_change;
