-- name: pause^
-- Pause unless it is paused; either way, the pause that holds.
WITH made AS (
    INSERT INTO eventing.consumer_pause (kind, by, why) VALUES ('operator', :by, :why) ON CONFLICT DO NOTHING RETURNING *
)
SELECT kind, since, by, why, true AS changed FROM made
UNION ALL
SELECT kind, since, by, why, false FROM eventing.consumer_pause
LIMIT 1;

-- name: resume^
DELETE FROM eventing.consumer_pause RETURNING kind, since, by, why;

-- name: paused^
SELECT kind, since, by, why FROM eventing.consumer_pause;
