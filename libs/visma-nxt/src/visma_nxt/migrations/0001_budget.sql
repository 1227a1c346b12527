-- One budget of requests for every program that uses the same client key at Visma.
-- depends:

-- migrate: apply

-- One row per client key, locked while turns are given out. All times are this server's clock; which is right does not matter, only that it
-- is one.
CREATE TABLE pace (
    client_id text PRIMARY KEY,
    next_turn timestamptz NOT NULL DEFAULT 'epoch',
    interactive_from timestamptz NOT NULL DEFAULT 'epoch',
    stopped_until timestamptz NOT NULL DEFAULT 'epoch',
    share double precision NOT NULL DEFAULT 1 CHECK (share > 0 AND share <= 1),
    cut_at timestamptz NOT NULL DEFAULT 'epoch',
    observed_from timestamptz NOT NULL DEFAULT 'epoch',
    answers integer NOT NULL DEFAULT 0,
    troubles integer NOT NULL DEFAULT 0
) WITH (fillfactor = 10); -- rewritten many times a second: the new version fits beside the old one

-- The requests in progress, by company or customer: numbered places, so that the primary key keeps the limit however many ask at once. Whoever
-- dies with a request on its way leaves its place taken until Visma, too, has given the request up.
CREATE TABLE place (
    client_id text NOT NULL,
    scope text NOT NULL,
    number integer NOT NULL,
    holder uuid NOT NULL,
    taken_until timestamptz NOT NULL,
    PRIMARY KEY (client_id, scope, number)
);

-- migrate: rollback
DROP TABLE place, pace;
