"""The receipt of a proof: what it holds, that anybody can repeat its hashes, and that `opsctl proof` tells each planted error from it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import uuid4

import asyncpg
import orjson
import pytest
from typer.testing import CliRunner

from contracts.company import Module
from local_stack import provision
from local_stack.postgres import PostgresAddress
from opsctl.cli import cli
from sync_worker.domain.dataset import Dataset
from sync_worker.domain.datasets import DATASETS
from testkit.databases import Templates

from .books import BUILDER, Books, Voucher, retrieved
from .test_locating import DOUBLED, FIRST, IN_VOUCHER, ON_THE_SAME_ACCOUNT

OURS = {"organization_id", "company_id", "scan", "version", "changed_at"}
ANOTHER = {"text": "{} || '.'", "boolean": "NOT {}", "date": "{} + 1", "integer": "{} + 1", "numeric": "{} + 1"}


@dataclass
class Audited:
    """Books, and an operator who may look at them."""

    books: Books
    dsn: str

    async def proof(self, *arguments: str) -> tuple[int, Any]:
        environment = {"OPSCTL__KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1", "OPSCTL__SERVICES__SYNC_WORKER__POSTGRES__DSN": self.dsn}
        command = ["proof", str(self.books.company.company_id), *arguments]
        result = await asyncio.to_thread(CliRunner().invoke, cli, command, env=environment)
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result.exit_code, orjson.loads(result.stdout) if "--json" in arguments else result.stdout

    async def differences(self) -> tuple[int, set[tuple[str, str]]]:
        """The exit status, and in which data set what differs."""
        status, answer = await self.proof("--recompute", "--json")
        assert all(each["recomputed"] for each in answer["proofs"])
        found = {(each["data_set"], difference["what"]) for each in answer["proofs"] for difference in each["differences"]}
        return status, found

    @asynccontextmanager
    async def planted(self, *statements: str, tables: Iterable[str] = ("ledger_line",)) -> AsyncIterator[Voucher]:
        """Errors among the landed rows, undone at the end."""
        voucher = await self.books.voucher()
        async with self.books.pool.acquire() as connection:
            for table in tables:
                await connection.execute(f"CREATE TEMP TABLE kept_{table} AS SELECT * FROM sync.{table}")
            for statement in statements:
                assert await self.books.execute(statement, voucher)
            yield voucher
            for table in tables:
                await connection.execute(
                    f"BEGIN; DELETE FROM sync.{table}; INSERT INTO sync.{table} SELECT * FROM kept_{table}; DROP TABLE kept_{table}; COMMIT"
                )

    async def columns(self, table: str) -> dict[str, str]:
        """The types of a landed table's columns, without those that say nothing of its source."""
        rows = await self.books.pool.fetch(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'sync' AND table_name = $1", table
        )
        return {row["column_name"]: row["data_type"] for row in rows if row["column_name"] not in OURS}


@pytest.fixture(scope="module")
async def audited(database_templates: Templates, postgres: PostgresAddress) -> AsyncIterator[Audited]:
    async with retrieved(database_templates, BUILDER, modules=(Module.VAT, Module.ASSETS)) as [books]:
        name = f"operator_{uuid4().hex[:8]}"
        dsn = postgres.database(books.dsn.rpartition("/")[2], name, "secret")
        await provision.admit_operator(postgres, dsn, owner=books.dsn)
        yield Audited(books, dsn)
    connection = await postgres.connect()
    await connection.execute(f"DROP ROLE {name}")
    await connection.close()


async def test_receipts_are_listed_and_one_says_what_was_asked(audited: Audited) -> None:
    status, listed = await audited.proof("--json")
    ledger = [each for each in listed["proofs"] if each["data_set"] == "ledger_lines"]
    assert (status, len(ledger)) == (0, 6)
    assert all(each["sha256"] and each["receipt"] is None for each in listed["proofs"])
    period = ledger[1]["period"]
    _, shown = await audited.proof(period, "--json")
    [proof] = [each for each in shown["proofs"] if each["data_set"] == "ledger_lines"]
    receipt = proof["receipt"]
    [asked] = receipt["asked"]
    assert asked["operation"] == "GeneralLedgerTransactionGroups"
    assert asked["document"].startswith("query GeneralLedgerTransactionGroups(")
    assert asked["variables"]["company"] == BUILDER
    assert asked["variables"]["filter"]
    assert asked["asked_at"] <= asked["answered_at"] <= receipt["proven_at"]
    assert sum(Decimal(each["debit"]) for each in receipt["totals"]) == Decimal(proof["debit"]) == Decimal(proof["credit"]) > 0
    _, text = await audited.proof(period)
    assert asked["document"].splitlines()[0] in text
    _, whole = await audited.proof("customers", "--json")
    assert [each["operation"] for each in whole["proofs"][0]["receipt"]["asked"]] == ["AssociateRows"]
    assert (await audited.proof("1999-01"))[0] == 1


async def test_both_hashes_can_be_repeated_with_plain_tools(audited: Audited) -> None:
    pool, company = audited.books.pool, audited.books.company.company_id
    row = await pool.fetchrow(
        "SELECT receipt, sha256 FROM sync.proof WHERE company_id = $1 AND data_set = 'ledger_lines' ORDER BY period_label LIMIT 1", company
    )
    assert hashlib.sha256(row["receipt"].encode()).hexdigest() == row["sha256"]
    receipt = orjson.loads(row["receipt"])
    landed, [(year, period)] = receipt["landed"], receipt["landed"]["ledger_periods"]
    lines = await pool.fetch(
        f"SELECT {landed['key'][0]} AS chapter, ROW({', '.join(landed['columns'])})::text AS line FROM sync.{landed['table']}"
        f" WHERE company_id = $1 AND (year, period) = ($2, $3) ORDER BY {', '.join(landed['key'])}",
        company,
        year,
        period,
    )
    whole = hashlib.sha256()
    for _, chapter in groupby(lines, key=lambda line: line["chapter"]):
        whole.update(hashlib.sha256("\n".join(line["line"] for line in chapter).encode()).digest())
    assert receipt["rows_sha256"] == [whole.hexdigest()]
    events = await pool.fetch("SELECT value FROM eventing.outbox WHERE topic = 'sync-events'")
    assert row["sha256"] in {orjson.loads(event["value"]).get("receipt_sha256") for event in events}


async def test_what_landed_and_was_not_touched_is_equal(audited: Audited) -> None:
    assert await audited.differences() == (0, set())


ACCOUNT, VOUCHER, ROWS, HASH = "account_no", "voucher that does not sum to zero", "rows", "hash of the rows"
ONE_LINE = [ACCOUNT, VOUCHER, HASH]
ERRORS = {
    "0.01 on a line": ([f"UPDATE sync.ledger_line SET amount = amount + 0.01 WHERE {FIRST}"], 1, ONE_LINE),
    "a line lost": ([f"DELETE FROM sync.ledger_line WHERE {FIRST}"], 1, [*ONE_LINE, ROWS]),
    "a line doubled": ([DOUBLED + FIRST], 1, [*ONE_LINE, ROWS]),
    "a line moved to another period": ([f"UPDATE sync.ledger_line SET period = period + 1 WHERE {FIRST}"], 2, [*ONE_LINE, ROWS]),
    "a voucher moved to another period": (
        [f"UPDATE sync.ledger_line SET period = period + 1 WHERE {IN_VOUCHER}"],
        2,
        [ACCOUNT, ROWS, HASH],
    ),
    "errors that cancel out in an account": (
        [
            f"UPDATE sync.ledger_line SET amount = amount + 0.01 WHERE {FIRST}",
            f"UPDATE sync.ledger_line SET amount = amount - 0.01 WHERE {ON_THE_SAME_ACCOUNT}",
        ],
        1,
        [VOUCHER, HASH],
    ),
    "a text": ([f"UPDATE sync.ledger_line SET text = text || '.' WHERE {FIRST}"], 1, [HASH]),
}


@pytest.mark.parametrize("name", ERRORS)
async def test_a_planted_error_is_told(audited: Audited, name: str) -> None:
    statements, periods, told = ERRORS[name]
    async with audited.planted(*statements):
        status, answer = await audited.proof("--recompute", "--json")
    differing = [each for each in answer["proofs"] if each["differences"] and each["data_set"] != "account_balances"]
    [balances] = [each for each in answer["proofs"] if each["data_set"] == "account_balances"]
    assert status == 1
    assert len(differing) == periods
    assert {each["data_set"] for each in differing} == {"ledger_lines"}
    assert balances["differences"]
    for proof in differing:
        whats = [difference["what"] for difference in proof["differences"]]
        assert {each for each in (ACCOUNT, VOUCHER, ROWS, HASH) if any(what.startswith(each) for what in whats)} == set(told)


async def test_receipts_cover_every_column(audited: Audited) -> None:
    rows = await audited.books.pool.fetch("SELECT data_set, receipt::jsonb -> 'landed' AS landed FROM sync.proof")
    assert {row["data_set"] for row in rows} == {data_set.value for data_set in DATASETS} | {"account_balances"}
    for row in rows:
        for landed in row["landed"] if isinstance(row["landed"], list) else [row["landed"]]:
            assert set(landed["columns"]) == set(await audited.columns(landed["table"])), row["data_set"]


async def planted_in(audited: Audited, dataset: Dataset, error: str) -> str:
    """The statement that plants an error in the first row of a data set."""
    types = await audited.columns(dataset.landing)
    last = dataset.key[-1]
    another = {last: ANOTHER[types[last]].format(f"max({last}) OVER ()")}
    changed = next(name for name in dataset.names if name not in dataset.key and types[name] in ANOTHER)
    table, first = f"sync.{dataset.landing}", f"ctid = (SELECT min(ctid) FROM sync.{dataset.landing})"
    match error:
        case "changed":
            return f"UPDATE {table} SET {changed} = {ANOTHER[types[changed]].format(changed)} WHERE {first}"
        case "lost":
            return f"DELETE FROM {table} WHERE {first}"
    names = ["organization_id", "company_id", "scan", "changed_at", *dataset.names]
    return (
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(another.get(name, name) for name in names)} FROM {table}"
        f" ORDER BY ctid LIMIT 1"
    )


@pytest.mark.parametrize("error", ["changed", "lost", "doubled"])
async def test_an_error_in_any_data_set_is_told(audited: Audited, error: str) -> None:
    tables = [dataset.landing for dataset in DATASETS.values()]
    async with audited.planted(*[await planted_in(audited, each, error) for each in DATASETS.values()], tables=tables):
        status, found = await audited.differences()
    assert status == 1
    assert {data_set for data_set, what in found if HASH in what} == {*DATASETS, "account_balances"}


async def test_an_opening_balance_is_missed_in_the_balances_too(audited: Audited) -> None:
    statement = "UPDATE sync.opening_balance SET balance = balance + 0.01 WHERE ctid = (SELECT min(ctid) FROM sync.opening_balance)"
    async with audited.planted(statement, tables=["opening_balance"]):
        _, found = await audited.differences()
    assert {data_set for data_set, _ in found} == {"opening_balances", "account_balances"}
    assert [what for data_set, what in found if data_set == "account_balances" and what.startswith(ACCOUNT)]


async def test_a_receipt_that_was_altered_is_told(audited: Audited) -> None:
    pool = audited.books.pool
    await pool.execute("UPDATE sync.proof SET receipt = replace(receipt, '\"rows\":', '\"rows\": ') WHERE data_set = 'customers'")
    assert await audited.differences() == (1, {("customers", "text of the receipt")})
    await pool.execute("UPDATE sync.proof SET receipt = replace(receipt, '\"rows\": ', '\"rows\":') WHERE data_set = 'customers'")
    await pool.execute("UPDATE sync.proof SET rows = rows + 1 WHERE data_set = 'customers'")
    assert await audited.differences() == (1, {("customers", "rows beside the receipt")})
    await pool.execute("UPDATE sync.proof SET rows = rows - 1 WHERE data_set = 'customers'")


async def test_operators_see_figures_and_no_rows(audited: Audited) -> None:
    connection = await asyncpg.connect(audited.dsn)
    try:
        for statement in (
            "SELECT * FROM sync.ledger_line",
            "SELECT * FROM sync.proof",
            "SELECT sync.rows_sha256('00000000-0000-0000-0000-000000000000', '{}')",
            "CREATE TABLE operators.mine ()",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()
