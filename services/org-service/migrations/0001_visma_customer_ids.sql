-- Which organisation holds which Visma customer ID. Organisations and members are in the schema tenancy, whose owner this service is.
-- depends:

-- migrate: apply
CREATE TABLE visma_customer_id (
    visma_customer_id integer PRIMARY KEY,
    organization_id uuid NOT NULL,
    registered_by text NOT NULL,
    registered_at timestamptz NOT NULL
);
CREATE INDEX visma_customer_id_by_organization ON visma_customer_id (organization_id);

-- migrate: rollback
DROP TABLE visma_customer_id;
