-- name: attested
SELECT * FROM audit.attested(:organization);

-- name: companies
SELECT audit.companies(:organization) AS company_id;

-- name: take_time!
-- Whole tables are read.
SET statement_timeout = 0;
