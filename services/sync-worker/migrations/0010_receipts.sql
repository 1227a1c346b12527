-- The receipt of each proof, a hash over the landed rows it speaks of, and what operators may see of it: figures, never rows.
-- depends: 0009_commands

-- migrate: apply
-- receipt is JSON kept as the text that sha256 is over. Proofs from before have none until they are made again.
ALTER TABLE proof ADD COLUMN receipt text, ADD COLUMN sha256 text;
-- counted: the question whose answer the expected number of rows is.
ALTER TABLE work_item ADD COLUMN counted jsonb;

-- The rows that a receipt covers, as the end of a statement. The names in it come from our declarations, and are quoted all the same; the
-- periods are written out, so that PostgreSQL knows how few they are.
CREATE FUNCTION landed_rows(company uuid, landed jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT format('FROM sync.%I WHERE company_id = %L', landed ->> 'table', company)
        || CASE WHEN landed ? 'ledger_periods' THEN coalesce((
            SELECT format(' AND (year, period) IN (%s)', string_agg(format('(%s, %s)', (each ->> 0)::integer, (each ->> 1)::integer), ', '))
            FROM jsonb_array_elements(landed -> 'ledger_periods') AS each HAVING count(*) > 0
        ), ' AND false') ELSE '' END
        || coalesce((SELECT string_agg(format(' AND %I >= %L', key, value), '') FROM jsonb_each_text(landed -> 'since')), '')
        || CASE WHEN landed ? 'month' THEN format(' AND month = %L', landed ->> 'month') ELSE '' END
$$;

CREATE FUNCTION named(names jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg(quote_ident(name), ', ' ORDER BY place) FROM jsonb_array_elements_text(names) WITH ORDINALITY AS each (name, place)
$$;

-- The rows with the same first part of the key are a chapter: its hash is over their text, a line each, in the order of the key; the whole is
-- the hash over the hashes of the chapters in their order. So however many rows there are, none but a chapter's are ever one text.
CREATE FUNCTION rows_sha256(company uuid, landed jsonb) RETURNS text LANGUAGE plpgsql STABLE SET datestyle = 'ISO' SET timezone = 'UTC' AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format(
        $statement$
        SELECT encode(sha256(coalesce(string_agg(digest, '' ORDER BY chapter), '')), 'hex') FROM (
            SELECT %1$I AS chapter, sha256(convert_to(string_agg(ROW(%2$s)::text, E'\n' ORDER BY %3$s), 'UTF8')) AS digest %4$s GROUP BY %1$I
        ) AS chapters
        $statement$,
        landed -> 'key' ->> 0, sync.named(landed -> 'columns'), sync.named(landed -> 'key'), sync.landed_rows(company, landed)
    ) INTO result;
    RETURN result;
END
$$;

-- From here on until commit, work is for this organisation; always true.
CREATE FUNCTION work_for(organization uuid) RETURNS boolean LANGUAGE sql AS $$
    SELECT set_config('accountflow.organization_id', coalesce(organization::text, ''), true) IS NOT NULL
$$;

CREATE SCHEMA IF NOT EXISTS operators;

CREATE FUNCTION operators.proofs(company uuid)
RETURNS TABLE (
    organization_id uuid, data_set text, period_label text, rows integer, debit numeric, credit numeric, difference numeric, compared text,
    proven_at timestamptz, receipt text, sha256 text, status text
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM sync.work_for((SELECT c.organization_id FROM sync.company c WHERE c.company_id = company));
    RETURN QUERY
    SELECT p.organization_id, p.data_set, p.period_label, p.rows, p.debit, p.credit, p.difference, p.compared, p.proven_at, p.receipt, p.sha256,
           i.status
    FROM sync.proof p
    JOIN sync.work_item i ON i.company_id = p.company_id AND i.data_set = p.data_set AND i.period_label = p.period_label
    WHERE p.company_id = company AND i.status <> 'retired'
    ORDER BY p.period_label DESC, i.work_item_id;
    PERFORM sync.work_for(NULL);
END
$$;

-- What a receipt says of the rows it covers, from the rows as they are now and nothing else. Null where none are covered.
CREATE FUNCTION operators.recomputed(company uuid, proven_data_set text, label text) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    landed jsonb;
    source text;
    rows bigint;
    hashes jsonb;
    sums jsonb := '[]';
    unbalanced jsonb := '[]';
BEGIN
    PERFORM sync.work_for((SELECT c.organization_id FROM sync.company c WHERE c.company_id = company));
    landed := (
        SELECT receipt::jsonb -> 'landed' FROM sync.proof WHERE company_id = company AND data_set = proven_data_set AND period_label = label
    );
    IF landed IS NULL OR landed = 'null' THEN
        RETURN NULL;
    END IF;
    source := sync.landed_rows(company, landed);
    EXECUTE 'SELECT count(*) ' || source INTO rows;
    IF landed ? 'ledger_periods' THEN
        SELECT jsonb_agg(sync.rows_sha256(company, landed || jsonb_build_object('ledger_periods', jsonb_build_array(each))) ORDER BY place)
        INTO hashes FROM jsonb_array_elements(landed -> 'ledger_periods') WITH ORDINALITY AS parts (each, place);
    ELSE
        hashes := jsonb_build_array(sync.rows_sha256(company, landed));
    END IF;
    IF landed ? 'amount' THEN
        EXECUTE format(
            $statement$
            SELECT coalesce(jsonb_agg(to_jsonb(each)), '[]') FROM (
                SELECT %1$s, count(*) AS lines, coalesce(sum(%2$I) FILTER (WHERE %2$I > 0), 0)::text AS debit,
                       coalesce(-sum(%2$I) FILTER (WHERE %2$I < 0), 0)::text AS credit %3$s GROUP BY %1$s ORDER BY %1$s
            ) AS each
            $statement$,
            sync.named(landed -> 'by'), landed ->> 'amount', source
        ) INTO sums;
    END IF;
    IF proven_data_set = 'ledger_lines' THEN
        EXECUTE format(
            $statement$
            SELECT coalesce(jsonb_agg(voucher_journal_no || '/' || voucher_no ORDER BY voucher_journal_no, voucher_no), '[]') FROM (
                SELECT voucher_journal_no, voucher_no %s GROUP BY voucher_journal_no, voucher_no HAVING sum(amount) <> 0
                ORDER BY voucher_journal_no, voucher_no LIMIT 100
            ) AS each
            $statement$,
            source
        ) INTO unbalanced;
    END IF;
    PERFORM sync.work_for(NULL);
    RETURN jsonb_build_object('rows', rows, 'rows_sha256', coalesce(hashes, '[]'), 'sums', sums, 'unbalanced_vouchers', unbalanced);
END
$$;

-- migrate: rollback
DROP FUNCTION operators.recomputed, operators.proofs, work_for, rows_sha256, named, landed_rows;
ALTER TABLE work_item DROP COLUMN counted;
ALTER TABLE proof DROP COLUMN sha256, DROP COLUMN receipt;
