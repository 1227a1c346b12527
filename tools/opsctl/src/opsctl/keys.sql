-- name: given^
-- What the owner has given out under a key: its last number, and what its relay has not published yet.
SELECT (SELECT last_sequence FROM eventing.stream_out WHERE topic = :topic AND subject = :subject) AS last_sequence,
       (SELECT count(*) FROM eventing.outbox WHERE topic = :topic AND key = :key) AS in_outbox,
       (SELECT count(*) FROM eventing.outbox_refused WHERE topic = :topic AND key = :key) AS refused;

-- name: taken
-- What a consumer has handled of a subject, by source.
SELECT source, last_sequence FROM eventing.stream_in WHERE topic = :topic AND subject = :subject ORDER BY source;

-- name: queue^
-- What waits at a consumer under a key.
SELECT count(*) AS records, (array_agg(state ORDER BY id))[1] AS state, (array_agg(reason ORDER BY id))[1] AS reason
FROM eventing.parked WHERE topic = :topic AND key = :key;
