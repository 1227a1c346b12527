"""A company's ledger through dlt, in a process and an environment of its own; reads what to do from stdin, says how long it took.

The fastest way into PostgreSQL that dlt documents: Arrow tables, which pass by its normalizer, loaded by COPY (`loader_file_format`),
resources side by side, no merge. Amounts are floats, dates stay numbers.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

SETTINGS = {
    "EXTRACT__WORKERS": "8",
    "EXTRACT__MAX_PARALLEL_ITEMS": "64",
    "NORMALIZE__WORKERS": "2",
    "LOAD__WORKERS": "4",
    "NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS": "100000",
    "DATA_WRITER__FILE_MAX_ITEMS": "100000",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "CRITICAL",
}
os.environ |= SETTINGS

import dlt  # noqa: E402
import orjson  # noqa: E402
import pyarrow as pa  # noqa: E402
import requests  # noqa: E402

from bench.keyset import where  # noqa: E402


def resource(said: dict[str, Any], number: int, schema: pa.Schema) -> Any:
    """The pages of one share of the ledger's periods."""

    def pages() -> Iterator[pa.Table]:
        with requests.Session() as http:
            http.headers["Authorization"] = f"Bearer {said['token']}"
            for year, period in said["shares"][number]:
                after: tuple[int, int] | None = None
                while True:
                    variables = {"company": said["company"], "first": said["page_size"], "filter": where(year, period, after)}
                    answer = http.post(said["url"], data=orjson.dumps({"query": said["query"], "variables": variables}))
                    answer.raise_for_status()
                    rows = orjson.loads(answer.content)["data"]["useCompany"]["generalLedgerTransaction"]["items"]
                    if rows:
                        yield pa.Table.from_pylist(rows, schema=schema)
                    if len(rows) < said["page_size"]:
                        break
                    after = rows[-1]["voucherJournalNo"], rows[-1]["auditNo"]

    return dlt.resource(pages, name=f"ledger_{number}", table_name="ledger_line", write_disposition="append", parallelized=True)


def main() -> None:
    said = json.load(sys.stdin)
    types = dict.fromkeys(said["texts"], pa.string()) | dict.fromkeys(said["amounts"], pa.float64())
    schema = pa.schema([(name, types.get(name, pa.int64())) for name in said["columns"]])
    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline("ledger", pipelines_dir=folder, destination=dlt.destinations.postgres(said["dsn"]), dataset_name="landed")
        start = time.perf_counter()
        pipeline.run([resource(said, number, schema) for number in range(len(said["shares"]))], loader_file_format=said["format"])
        print(json.dumps({"seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main()
