-- name: advance^
-- Note the number of an event; no row when it, or a later one, was handled before. Locks the subject until commit.
INSERT INTO eventing.stream_in AS s (source, topic, subject, last_sequence)
VALUES (:source, :topic, :subject, :sequence)
ON CONFLICT (source, topic, subject) DO UPDATE SET last_sequence = EXCLUDED.last_sequence WHERE s.last_sequence < EXCLUDED.last_sequence
RETURNING coalesce(old.last_sequence, 0) AS previous;

-- name: claim_command$
-- The first to write the id handles the command; one that comes at the same time waits here for the outcome.
INSERT INTO eventing.command (id, fingerprint) VALUES (:id, :fingerprint) ON CONFLICT (id) DO NOTHING RETURNING true;

-- name: find_command^
SELECT fingerprint, outcome_type, outcome FROM eventing.command WHERE id = :id;

-- name: note_delivery$
-- True when this command was not read at this place, or after it, before.
INSERT INTO eventing.command_delivery AS d (command_id, fingerprint, partition, last_offset) VALUES (:command_id, :fingerprint, :partition, :offset)
ON CONFLICT (command_id, fingerprint, partition) DO UPDATE SET last_offset = EXCLUDED.last_offset WHERE d.last_offset < EXCLUDED.last_offset
RETURNING true;

-- name: answer_command!
UPDATE eventing.command SET outcome_type = :outcome_type, outcome = :outcome WHERE id = :id;
