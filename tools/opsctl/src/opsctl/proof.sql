-- name: proofs
SELECT * FROM operators.proofs(:company);

-- name: recomputed$
SELECT operators.recomputed(:company, :data_set, :period);

-- name: take_time!
-- A hash over millions of rows takes longer than anything else that operators ask.
SET statement_timeout = 0;
