-- name: changes
-- Rows written so far in this transaction, rolled back ones included: only the difference of two answers says anything.
SELECT schemaname || '.' || relname AS table_name, n_tup_ins AS inserted, n_tup_upd AS updated, n_tup_del AS deleted
FROM pg_stat_xact_user_tables
WHERE schemaname <> 'eventing' AND n_tup_ins + n_tup_upd + n_tup_del > 0;

-- name: limit_waiting!
-- A trial holds the locks of all it has touched: it gives way rather than wait long for others, who may be waiting for it.
SELECT set_config('lock_timeout', :lock_timeout, true), set_config('statement_timeout', '0', true);
