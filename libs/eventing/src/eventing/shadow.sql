-- name: unlimited!
SELECT set_config('statement_timeout', '0', true);

-- name: answers
-- When these commands were first answered, whether with a no, and whether it was an operator who gave them up.
SELECT id, handled_at, outcome_type LIKE '%.CommandRejected.v%' AS refused,
    coalesce(position('"code":"discarded"'::bytea IN outcome) > 0, false) AS given_up
FROM eventing.command WHERE id = ANY(:ids::text[]);

-- name: given_up
-- Which of these events an operator has given up.
SELECT place FROM eventing.gap WHERE kind = 'discarded' AND place = ANY(:places::text[]);

-- name: published$
-- Events and answers; dead letters have no numbers.
SELECT coalesce(sum(last_sequence), 0)::bigint FROM eventing.stream_out;
