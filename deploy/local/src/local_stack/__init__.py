"""Kafka, PostgreSQL, simulators and services on this machine, without Docker or Java."""
