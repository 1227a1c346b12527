-- name: note$
INSERT INTO eventing.dead_letter (topic, partition, "offset", reason, error) VALUES (:topic, :partition, :offset, :reason, :error)
ON CONFLICT (topic, partition, "offset") DO NOTHING RETURNING true;
