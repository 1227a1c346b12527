-- What operators see and ask for: gaps, the pause, and the journal of redrives, discards, replays and proofs.
-- depends: 0001_streams_and_outbox

-- migrate: apply

-- Numbers missing in a subject's events, written beside the effect of the event that came instead ('missing') or was given up by an operator
-- ('discarded'). Numbers after ``after_sequence`` and before ``next_sequence`` never had their effect here; should they still come, they are
-- duplicates and have none. So nothing but an operator who knows why closes a gap.
CREATE TABLE gap (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('missing', 'discarded')),
    source text NOT NULL,
    topic text NOT NULL,
    subject text NOT NULL,
    after_sequence bigint NOT NULL,
    next_sequence bigint NOT NULL,
    place text NOT NULL, -- topic/partition/offset of the event that came instead, or was discarded
    noticed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_at timestamptz,
    closed_by text,
    closed_why text,
    CHECK ((closed_at IS NULL) = (closed_by IS NULL))
);
CREATE INDEX gap_open ON gap (noticed_at) WHERE closed_at IS NULL;

-- While there is a row, no member of the service's group consumes and no waiting record is tried again. Deleting it resumes.
CREATE TABLE consumer_pause (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    kind text NOT NULL CHECK (kind IN ('operator', 'too_many_broken')),
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    by text NOT NULL,
    why text NOT NULL
);

-- The journal. An operator writes a row as 'requested'; a running service plans it, an operator sets a planned one to 'applying' (where the
-- plan_hash is the one that was shown), the service applies it or says what has changed. A proof goes from 'planning' to 'done' or 'failed'.
CREATE TABLE operation (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    kind text NOT NULL CHECK (kind IN ('redrive', 'discard', 'replay', 'prove_replay')),
    state text NOT NULL DEFAULT 'requested' CHECK (
        state IN ('requested', 'planning', 'planned', 'applying', 'done', 'failed', 'cancelled')
    ),
    request jsonb NOT NULL DEFAULT '{}',
    requested_by text NOT NULL,
    why text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    progress jsonb, -- how far a long one has come
    plan_hash text,
    summary jsonb,
    planned_at timestamptz,
    applied_by text,
    applied_at timestamptz,
    finished_at timestamptz,
    error text
);
CREATE INDEX operation_open ON operation (created_at) WHERE state IN ('requested', 'planning', 'applying');

-- What a plan would do, record by record in this order, and after it was applied: did.
CREATE TABLE operation_item (
    operation_id uuid NOT NULL REFERENCES operation ON DELETE CASCADE,
    position integer NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    key bytea,
    subject text,
    type text,
    effect jsonb NOT NULL,
    PRIMARY KEY (operation_id, position)
);

-- How often an operator had a parked record tried again, in vain.
ALTER TABLE parked ADD COLUMN redrives integer NOT NULL DEFAULT 0;

-- migrate: rollback
ALTER TABLE parked DROP COLUMN redrives;
DROP TABLE operation_item, operation, consumer_pause, gap;
