-- Organisations and their members, as this service knows them.
-- depends:

-- migrate: apply
CREATE TABLE organization (
    organization_id uuid PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE member (
    organization_id uuid NOT NULL REFERENCES organization,
    user_id text NOT NULL,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('administrator', 'accountant', 'reader')),
    PRIMARY KEY (organization_id, user_id)
);

-- migrate: rollback
DROP TABLE member, organization;
