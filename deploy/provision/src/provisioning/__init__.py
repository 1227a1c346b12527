"""Topics and rights of a Kafka cluster, made from the contracts."""
