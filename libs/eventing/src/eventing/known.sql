-- name: events
-- Which of these numbers, or a later one of the same subject, have been handled.
SELECT asked.i FROM unnest(:sources::text[], :topics::text[], :subjects::text[], :sequences::bigint[])
    WITH ORDINALITY AS asked (source, topic, subject, sequence, i)
JOIN eventing.stream_in s ON s.source = asked.source AND s.topic = asked.topic AND s.subject = asked.subject
WHERE s.last_sequence >= asked.sequence;

-- name: commands
-- Which of these commands have been read at this place or after it.
SELECT asked.i FROM unnest(:ids::text[], :fingerprints::bytea[], :partitions::int[], :offsets::bigint[])
    WITH ORDINALITY AS asked (id, fingerprint, partition, "offset", i)
JOIN eventing.command_delivery d ON d.command_id = asked.id AND d.fingerprint = asked.fingerprint AND d.partition = asked.partition
WHERE d.last_offset >= asked."offset";

-- name: dead_letters
SELECT topic, partition, "offset" FROM eventing.dead_letter
WHERE (topic, partition, "offset") IN (SELECT * FROM unnest(:topics::text[], :partitions::int[], :offsets::bigint[]));

-- name: queued
SELECT topic, partition, "offset" FROM eventing.parked
WHERE (topic, partition, "offset") IN (SELECT * FROM unnest(:topics::text[], :partitions::int[], :offsets::bigint[]));
