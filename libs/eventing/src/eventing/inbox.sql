-- name: advance
-- Note the highest number read of each stream. A row comes back for each that rose, with the number before; no row: handled before, as far as
-- read. Locks the streams until commit, in one order for all.
INSERT INTO eventing.stream_in AS s (source, topic, subject, last_sequence)
SELECT source, topic, subject, sequence
FROM unnest(:sources::text[], :topics::text[], :subjects::text[], :sequences::bigint[]) AS read (source, topic, subject, sequence)
ORDER BY source, topic, subject
ON CONFLICT (source, topic, subject) DO UPDATE SET last_sequence = EXCLUDED.last_sequence WHERE s.last_sequence < EXCLUDED.last_sequence
RETURNING source, topic, subject, coalesce(old.last_sequence, 0) AS previous;

-- name: note_gap!
INSERT INTO eventing.gap (kind, source, topic, subject, after_sequence, next_sequence, place)
VALUES (:kind, :source, :topic, :subject, :after_sequence, :next_sequence, :place);

-- name: claim_command^
-- The first to write the id handles the command; one that comes at the same time waits here for the outcome. ``new_delivery`` is true when this
-- command was not read at this place, or after it, before.
WITH claimed AS (
    INSERT INTO eventing.command (id, fingerprint) VALUES (:id, :fingerprint) ON CONFLICT (id) DO NOTHING RETURNING id
), delivered AS (
    INSERT INTO eventing.command_delivery AS d (command_id, fingerprint, partition, last_offset)
    VALUES (:id, :fingerprint, :partition, :offset)
    ON CONFLICT (command_id, fingerprint, partition) DO UPDATE SET last_offset = EXCLUDED.last_offset WHERE d.last_offset < EXCLUDED.last_offset
    RETURNING command_id
)
SELECT EXISTS (SELECT FROM claimed) AS first, EXISTS (SELECT FROM delivered) AS new_delivery;

-- name: find_command^
SELECT fingerprint, outcome_type, outcome FROM eventing.command WHERE id = :id;

-- name: answer_command!
UPDATE eventing.command SET outcome_type = :outcome_type, outcome = :outcome WHERE id = :id;
