-- name: reception^
-- What the service has made of the record at one place.
SELECT p.state, p.reason, p.attempts, p.first_failed_at, p.next_attempt_at,
       d.reason AS dead_reason, d.error AS dead_error, d.copied_at,
       (SELECT last_sequence FROM eventing.stream_in WHERE source = :source AND topic = :topic AND subject = :subject) AS last_sequence,
       c.outcome_type, c.handled_at
FROM (SELECT 1) AS one
LEFT JOIN eventing.parked p ON p.topic = :topic AND p.partition = :partition AND p."offset" = :offset
LEFT JOIN eventing.dead_letter d ON d.topic = :topic AND d.partition = :partition AND d."offset" = :offset
LEFT JOIN eventing.command c ON c.id = :command_id;

-- name: deliveries
-- Where a command has been read.
SELECT d.partition, d.last_offset, c.handled_at, c.outcome_type
FROM eventing.command_delivery d JOIN eventing.command c ON c.id = d.command_id WHERE d.command_id = :id;
