-- name: current^
SELECT kind, since, by, why FROM eventing.consumer_pause;

-- name: begin!
-- The first reason stands.
INSERT INTO eventing.consumer_pause (kind, by, why) VALUES (:kind, :by, :why) ON CONFLICT (single) DO NOTHING;
