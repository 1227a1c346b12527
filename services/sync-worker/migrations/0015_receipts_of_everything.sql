-- Receipts of what is compared over everything cover rows too: those of account balances, and of all A07 months together.
-- depends: 0014_closed_doors

-- migrate: apply
CREATE OR REPLACE FUNCTION landed_rows(company uuid, landed jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT format('FROM sync.%I WHERE company_id = %L', landed ->> 'table', company)
        || CASE WHEN landed ? 'ledger_periods' THEN coalesce((
            SELECT format(' AND (year, period) IN (%s)', string_agg(format('(%s, %s)', (each ->> 0)::integer, (each ->> 1)::integer), ', '))
            FROM jsonb_array_elements(landed -> 'ledger_periods') AS each HAVING count(*) > 0
        ), ' AND false') ELSE '' END
        || coalesce((SELECT string_agg(format(' AND %I >= %L', key, value), '') FROM jsonb_each_text(landed -> 'since')), '')
        || CASE WHEN landed ? 'month' THEN format(' AND month = %L', landed ->> 'month') ELSE '' END
        || CASE WHEN landed ? 'months' THEN coalesce((
            SELECT format(' AND month IN (%s)', string_agg(quote_literal(each), ', '))
            FROM jsonb_array_elements_text(landed -> 'months') AS each HAVING count(*) > 0
        ), ' AND false') ELSE '' END
$$;

-- What a receipt says of the rows of one table that it covers, from the rows as they are now.
CREATE FUNCTION recomputed(company uuid, landed jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    source text := sync.landed_rows(company, landed);
    rows bigint;
    hashes jsonb;
    sums jsonb := '[]';
BEGIN
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
    RETURN jsonb_build_object('rows', rows, 'rows_sha256', coalesce(hashes, '[]'), 'sums', sums);
END
$$;

-- What a receipt says of the rows it covers, from the rows as they are now and nothing else: of each table when there are several. Null where
-- none are covered.
CREATE OR REPLACE FUNCTION operators.recomputed(company uuid, proven_data_set text, label text) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    landed jsonb;
    result jsonb;
    unbalanced jsonb := '[]';
BEGIN
    PERFORM sync.work_for((SELECT c.organization_id FROM sync.company c WHERE c.company_id = company));
    landed := (
        SELECT receipt::jsonb -> 'landed' FROM sync.proof WHERE company_id = company AND data_set = proven_data_set AND period_label = label
    );
    CASE jsonb_typeof(landed)
        WHEN 'object' THEN
            result := sync.recomputed(company, landed);
        WHEN 'array' THEN
            SELECT jsonb_build_object('tables', jsonb_agg(sync.recomputed(company, each) ORDER BY place)) INTO result
            FROM jsonb_array_elements(landed) WITH ORDINALITY AS parts (each, place);
        ELSE
            result := NULL;
    END CASE;
    IF proven_data_set = 'ledger_lines' AND result IS NOT NULL THEN
        EXECUTE format(
            $statement$
            SELECT coalesce(jsonb_agg(voucher_journal_no || '/' || voucher_no ORDER BY voucher_journal_no, voucher_no), '[]') FROM (
                SELECT voucher_journal_no, voucher_no %s GROUP BY voucher_journal_no, voucher_no HAVING sum(amount) <> 0
                ORDER BY voucher_journal_no, voucher_no LIMIT 100
            ) AS each
            $statement$,
            sync.landed_rows(company, landed)
        ) INTO unbalanced;
    END IF;
    PERFORM sync.work_for(NULL);
    RETURN result || jsonb_build_object('unbalanced_vouchers', unbalanced);
END
$$;

-- The proof of all A07 months together belongs to no item: it stands as its months do.
CREATE OR REPLACE FUNCTION operators.proofs(company uuid)
RETURNS TABLE (
    organization_id uuid, data_set text, period_label text, rows integer, debit numeric, credit numeric, difference numeric, compared text,
    proven_at timestamptz, receipt text, sha256 text, status text
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM sync.work_for((SELECT c.organization_id FROM sync.company c WHERE c.company_id = company));
    RETURN QUERY
    WITH item AS (
        SELECT i.data_set, i.period_label, i.status, i.work_item_id FROM sync.work_item i WHERE i.company_id = company AND i.status <> 'retired'
        UNION ALL
        SELECT 'a07_reports', '', CASE WHEN bool_and(i.status = 'complete') THEN 'complete' ELSE 'retrieving' END, min(i.work_item_id)
        FROM sync.work_item i WHERE i.company_id = company AND i.data_set = 'a07_reports' AND i.status <> 'retired' HAVING count(*) > 0
    )
    SELECT p.organization_id, p.data_set, p.period_label, p.rows, p.debit, p.credit, p.difference, p.compared, p.proven_at, p.receipt, p.sha256,
           item.status
    FROM sync.proof p JOIN item USING (data_set, period_label)
    WHERE p.company_id = company
    ORDER BY p.period_label DESC, item.work_item_id;
    PERFORM sync.work_for(NULL);
END
$$;

-- migrate: rollback
CREATE OR REPLACE FUNCTION operators.proofs(company uuid)
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

CREATE OR REPLACE FUNCTION operators.recomputed(company uuid, proven_data_set text, label text) RETURNS jsonb
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

DROP FUNCTION recomputed;

CREATE OR REPLACE FUNCTION landed_rows(company uuid, landed jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT format('FROM sync.%I WHERE company_id = %L', landed ->> 'table', company)
        || CASE WHEN landed ? 'ledger_periods' THEN coalesce((
            SELECT format(' AND (year, period) IN (%s)', string_agg(format('(%s, %s)', (each ->> 0)::integer, (each ->> 1)::integer), ', '))
            FROM jsonb_array_elements(landed -> 'ledger_periods') AS each HAVING count(*) > 0
        ), ' AND false') ELSE '' END
        || coalesce((SELECT string_agg(format(' AND %I >= %L', key, value), '') FROM jsonb_each_text(landed -> 'since')), '')
        || CASE WHEN landed ? 'month' THEN format(' AND month = %L', landed ->> 'month') ELSE '' END
$$;
