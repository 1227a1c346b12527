-- name: introduce!
INSERT INTO budget.pace (client_id) VALUES (:client_id) ON CONFLICT DO NOTHING;

-- name: pace^
-- The pace and the time, locked until commit: turns are given out to one process after the other.
SELECT extract(epoch FROM clock_timestamp())::float8 AS now, extract(epoch FROM next_turn)::float8 AS next_turn,
       extract(epoch FROM interactive_from)::float8 AS interactive_from, extract(epoch FROM stopped_until)::float8 AS stopped_until,
       share, extract(epoch FROM cut_at)::float8 AS cut_at, extract(epoch FROM observed_from)::float8 AS observed_from, answers, troubles,
       extract(epoch FROM regained_at)::float8 AS regained_at
FROM budget.pace WHERE client_id = :client_id FOR UPDATE;

-- name: save!
UPDATE budget.pace
SET next_turn = to_timestamp(:next_turn), interactive_from = to_timestamp(:interactive_from), stopped_until = to_timestamp(:stopped_until),
    share = :share, cut_at = to_timestamp(:cut_at), observed_from = to_timestamp(:observed_from), answers = :answers, troubles = :troubles,
    regained_at = to_timestamp(:regained_at)
WHERE client_id = :client_id;

-- name: enter^
-- Take a free place, unless everything is stopped. Two that choose the same number at the same moment: one gets it, the other nothing.
WITH stopped AS (
    SELECT extract(epoch FROM stopped_until - clock_timestamp())::float8 AS seconds FROM budget.pace WHERE client_id = :client_id
), free AS (
    SELECT number FROM generate_series(1, :places) AS number
    WHERE NOT EXISTS (
        SELECT FROM budget.place p
        WHERE p.client_id = :client_id AND p.scope = :scope AND p.number = number.number AND p.taken_until > clock_timestamp()
    )
    ORDER BY random() LIMIT 1
), taken AS (
    INSERT INTO budget.place (client_id, scope, number, holder, taken_until)
    SELECT :client_id, :scope, free.number, :holder, clock_timestamp() + make_interval(secs => :seconds)
    FROM free, stopped WHERE stopped.seconds <= 0
    ON CONFLICT (client_id, scope, number) DO UPDATE SET holder = excluded.holder, taken_until = excluded.taken_until
    WHERE place.taken_until <= clock_timestamp()
    RETURNING number
)
SELECT (SELECT seconds FROM stopped) AS stopped, EXISTS (SELECT FROM free) AS free, EXISTS (SELECT FROM taken) AS taken;

-- name: leave!
DELETE FROM budget.place WHERE client_id = :client_id AND holder = ANY(:holders::uuid[]);
