-- name: see_everything!
-- A service may hide the rows of one organisation from work for another; the state is that of all of them. Until the transaction ends.
SELECT set_config('accountflow.every_organization', 'on', true);

-- name: tables
-- The service's own tables: not the message core's, whose numbers and places are not state, nor the migrations' notes.
SELECT n.nspname AS schema_name, c.relname AS table_name
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT (c.relname LIKE '\_pogo%' OR c.relname = 'migration_content')
  AND n.nspname NOT IN ('eventing', 'information_schema') AND n.nspname NOT LIKE 'pg\_%'
ORDER BY 1, 2;

-- name: columns
-- Every column with what of it a rebuilt table must repeat. Of a moment only whether it is there: it comes from the clock. A number that the
-- database deals out depends on who came first: it is left out.
SELECT n.nspname AS schema_name, c.relname AS table_name, a.attname AS column_name,
    CASE WHEN a.atttypid = 'timestamptz'::regtype THEN format('(%I IS NOT NULL)', a.attname) ELSE format('%I', a.attname) END AS compared
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT (c.relname LIKE '\_pogo%' OR c.relname = 'migration_content')
  AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%' AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity = ''
ORDER BY 1, 2, 3;
