-- name: core^
-- The state of one service's message core.
SELECT clock_timestamp() AS now,
       (SELECT count(*) FROM eventing.outbox) AS outbox,
       (SELECT min(created_at) FROM eventing.outbox) AS outbox_oldest,
       (SELECT count(*) FROM eventing.outbox_refused) AS refused,
       (SELECT max(error) FROM eventing.outbox_refused) AS refused_error,
       (SELECT count(DISTINCT (topic, key)) FROM eventing.parked WHERE state = 'parked') AS parked_keys,
       (SELECT count(*) FROM eventing.parked) AS queued,
       (SELECT min(first_failed_at) FROM eventing.parked WHERE state = 'waiting') AS waiting_since,
       (SELECT count(*) FROM eventing.gap WHERE closed_at IS NULL AND kind = 'missing') AS gaps,
       (SELECT count(*) FROM eventing.dead_letter WHERE reason <> 'parked' AND copied_at > clock_timestamp() - interval '1 day') AS dead_today,
       (SELECT count(*) FROM eventing.operation WHERE state = 'requested' AND created_at < clock_timestamp() - interval '1 minute') AS operations_left;

-- name: sessions^
-- Connections to the whole server, as far as this role may see them.
SELECT count(*) AS connections,
       current_setting('max_connections')::integer AS allowed,
       max(clock_timestamp() - xact_start) FILTER (WHERE datname = current_database() AND state = 'idle in transaction') AS idle_in_transaction,
       count(*) FILTER (WHERE datname = current_database() AND wait_event_type = 'Lock') AS waiting_for_locks
FROM pg_stat_activity;

-- name: migrations
-- What has been noted and applied, by schema.
SELECT c.schema_name, c.migration_id, c.sha256, m.applied IS NOT NULL AS applied
FROM public.migration_content c LEFT JOIN public._pogo_migration m USING (schema_name, migration_id);
