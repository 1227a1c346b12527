-- The message core's own tables: what goes out, what came in, what waits.
-- depends:

-- migrate: apply

-- Last number given to an event of each subject. The row is locked before the event enters the outbox and stays locked until commit, so two
-- transactions on one subject commit in the order of their numbers and of their outbox ids.
CREATE TABLE stream_out (
    topic text NOT NULL,
    subject text NOT NULL,
    last_sequence bigint NOT NULL,
    PRIMARY KEY (topic, subject)
);

-- Messages to be published, in order. The relay deletes what the broker has acknowledged.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    key bytea,
    header_names text[] NOT NULL,
    header_values bytea[] NOT NULL,
    value bytea,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- Messages the broker refuses for good (too large, no such topic), kept out of the way of the others.
CREATE TABLE outbox_refused (
    id bigint PRIMARY KEY,
    topic text NOT NULL,
    key bytea,
    header_names text[] NOT NULL,
    header_values bytea[] NOT NULL,
    value bytea,
    created_at timestamptz NOT NULL,
    error text NOT NULL,
    refused_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Last number handled of each subject of each source: a lower or equal one is a duplicate at any age.
CREATE TABLE stream_in (
    source text NOT NULL,
    topic text NOT NULL,
    subject text NOT NULL,
    last_sequence bigint NOT NULL,
    PRIMARY KEY (source, topic, subject)
);

-- Every command ever answered, with its outcome.
CREATE TABLE command (
    id text PRIMARY KEY,
    fingerprint bytea NOT NULL,
    outcome_type text,
    outcome bytea, -- JSON as published; a refusal may quote characters that PostgreSQL text cannot hold
    handled_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Where each command has been read. A record at or before the last offset is the same delivery again (say nothing); a later one is the sender
-- asking again (repeat the outcome). By content, because another command under the same id may be read out of order beside it.
CREATE TABLE command_delivery (
    command_id text NOT NULL REFERENCES command (id),
    fingerprint bytea NOT NULL,
    partition integer NOT NULL,
    last_offset bigint NOT NULL,
    PRIMARY KEY (command_id, fingerprint, partition)
);

-- What was copied to the dead-letter topic, so that reading a record again does not copy it again.
CREATE TABLE dead_letter (
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    reason text NOT NULL,
    error text NOT NULL,
    copied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (topic, partition, "offset")
);

-- Records that cannot be handled now: each key's queue, in order. The head waits for its next attempt or for an operator; what came later
-- of the same key waits behind it.
CREATE TABLE parked (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    timestamp_ms bigint NOT NULL,
    key bytea NOT NULL,
    header_names text[] NOT NULL,
    header_values bytea[] NOT NULL,
    value bytea,
    state text NOT NULL CHECK (state IN ('waiting', 'parked')),
    reason text,
    attempts integer NOT NULL DEFAULT 0,
    first_failed_at timestamptz,
    next_attempt_at timestamptz NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (topic, partition, "offset")
);
CREATE INDEX parked_by_key ON parked (topic, key, id);
CREATE INDEX parked_due ON parked (next_attempt_at) WHERE state = 'waiting';

-- migrate: rollback
DROP TABLE parked, dead_letter, command_delivery, command, stream_in, outbox_refused, outbox, stream_out;
