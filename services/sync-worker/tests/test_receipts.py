"""The receipt of a proof: what it holds, that anybody can repeat its hashes, and that `opsctl proof` tells each planted error from it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
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

from local_stack import provision
from local_stack.postgres import PostgresAddress
from opsctl.cli import cli
from testkit.databases import Templates

from .books import BUILDER, Books, Voucher, retrieved
from .test_locating import DOUBLED, FIRST, IN_VOUCHER, ON_THE_SAME_ACCOUNT


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
        assert all(each["recomputed"] for each in answer["proofs"] if each["data_set"] != "account_balances")
        found = {(each["data_set"], difference["what"]) for each in answer["proofs"] for difference in each["differences"]}
        return status, found

    @asynccontextmanager
    async def planted(self, *statements: str) -> AsyncIterator[Voucher]:
        """Errors among the landed lines, undone at the end."""
        voucher = await self.books.voucher()
        async with self.books.pool.acquire() as connection:
            await connection.execute("CREATE TEMP TABLE kept AS SELECT * FROM sync.ledger_line")
            for statement in statements:
                assert await self.books.execute(statement, voucher)
            yield voucher
            await connection.execute(
                "BEGIN; DELETE FROM sync.ledger_line; INSERT INTO sync.ledger_line SELECT * FROM kept; DROP TABLE kept; COMMIT"
            )


@pytest.fixture(scope="module")
async def audited(database_templates: Templates, postgres: PostgresAddress) -> AsyncIterator[Audited]:
    async with retrieved(database_templates, BUILDER) as [books]:
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
    differing = [each for each in answer["proofs"] if each["differences"]]
    assert status == 1
    assert len(differing) == periods
    assert {each["data_set"] for each in differing} == {"ledger_lines"}
    for proof in differing:
        whats = [difference["what"] for difference in proof["differences"]]
        assert {each for each in (ACCOUNT, VOUCHER, ROWS, HASH) if any(what.startswith(each) for what in whats)} == set(told)


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
