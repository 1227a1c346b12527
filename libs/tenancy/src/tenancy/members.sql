-- name: add_organization$
INSERT INTO tenancy.organization (organization_id, name) VALUES (:organization_id, :name) ON CONFLICT DO NOTHING RETURNING true;

-- name: lock_organization$
-- The organisation's name, and its row locked, so that decisions about its members are made one after the other.
SELECT name FROM tenancy.organization WHERE organization_id = :organization_id FOR UPDATE;

-- name: organization_exists$
SELECT EXISTS (SELECT 1 FROM tenancy.organization WHERE organization_id = :organization_id);

-- name: put_member!
INSERT INTO tenancy.member (organization_id, user_id, name, role) VALUES (:organization_id, :user_id, :name, :role)
ON CONFLICT (organization_id, user_id) DO UPDATE SET name = EXCLUDED.name, role = EXCLUDED.role;

-- name: remove_member!
DELETE FROM tenancy.member WHERE organization_id = :organization_id AND user_id = :user_id;

-- name: role_of$
SELECT role FROM tenancy.member WHERE organization_id = :organization_id AND user_id = :user_id;

-- name: find_member^
SELECT user_id, name, role FROM tenancy.member WHERE organization_id = :organization_id AND user_id = :user_id;

-- name: administrators$
SELECT count(*) FROM tenancy.member WHERE organization_id = :organization_id AND role = 'administrator';
