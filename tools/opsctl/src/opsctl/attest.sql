-- name: attested
SELECT * FROM operators.attested(:organization);

-- name: companies
SELECT operators.companies(:organization) AS company_id;

-- name: take_time!
-- Whole tables are read.
SET statement_timeout = 0;
