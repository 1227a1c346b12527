"""`proof`: the receipts of what was retrieved, and whether the landed rows still say what their receipt says.

sync-worker's database gives figures and hashes to operators, never rows: whoever may run this sees no line of a ledger.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import orjson
import typer
from pydantic import Field
from rich.console import RenderableType

from eventing.sql import queries
from opsctl.command import AsJson, answer
from opsctl.render import Column, Report, table
from opsctl.system import Refused, System

_PROOFS = queries(__file__, "proof")
_SERVICE = "sync-worker"
_SHOWN = 20


class Difference(Report):
    """Something that the landed rows do not say as the receipt does."""

    what: str
    receipt: str
    landed: str


class Proof(Report):
    """One data set, or one period of it."""

    data_set: str
    period: str = Field(description="empty for a data set retrieved whole")
    status: str = Field(description="of the item now; anything but complete is being retrieved or proven anew")
    rows: int
    debit: Decimal | None
    credit: Decimal | None
    difference: Decimal | None
    compared: str
    proven_at: datetime
    sha256: str | None = Field(description="of the receipt; null when it was proven before receipts were kept")
    receipt: dict[str, Any] | None = Field(None, description="with a period only")
    recomputed: bool = Field(False, description="whether the landed rows were summed and hashed once more")
    differences: list[Difference] = Field(default_factory=list)


class Proofs(Report):
    """Answer of `proof`."""

    company: UUID
    organization: UUID
    proofs: list[Proof]


def command(
    company: Annotated[UUID, typer.Argument(help="The company's id.")],
    period: Annotated[
        str | None, typer.Argument(help="Show the receipts of this period, as 2026-01; of a data set retrieved whole, its name.")
    ] = None,
    *,
    recompute: Annotated[bool, typer.Option("--recompute", help="Sum and hash the landed rows once more.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what was proven of a company, or show the receipts of a period. Status 1 when --recompute finds a difference."""
    answer(
        lambda system: collect(system, company, period, recompute=recompute),
        tables,
        as_json=as_json,
        found=lambda report: any(each.differences for each in report.proofs),
    )


async def collect(system: System, company: UUID, period: str | None = None, *, recompute: bool = False) -> Proofs:
    """The proofs of a company. Raises `Refused` for a company or period without any."""
    database = await system.database(_SERVICE)
    rows = [dict(row) async for row in _PROOFS.proofs(database, company=company)]
    if not rows:
        raise Refused(f"nothing is proven of company {company}; check its id, or see what it waits for with tail sync-progress")
    wanted = [row for row in rows if period is None or period in (row["period_label"] or row["data_set"], row["period_label"])]
    if not wanted:
        known = ", ".join(dict.fromkeys(row["period_label"] or row["data_set"] for row in rows))
        raise Refused(f"nothing is proven of {period}; there is {known}")
    if recompute:
        await _PROOFS.take_time(database)
    found = []
    for row in wanted:
        about = {"company": company, "data_set": row["data_set"], "period": row["period_label"]}
        landed = await _PROOFS.recomputed(database, **about) if recompute and row["receipt"] else None
        found.append(_proof(row, landed, shown=period is not None, recompute=recompute))
    return Proofs(company=company, organization=rows[0]["organization_id"], proofs=found)


def _proof(row: dict[str, Any], landed: dict[str, Any] | None, *, shown: bool, recompute: bool) -> Proof:
    text, receipt, differences = row["receipt"], None, []
    if text:
        receipt = orjson.loads(text)
        if recompute:
            differences += _hash_of_text(text, row["sha256"]) + _columns(row, receipt)
        if landed is not None:
            differences += differences_of(receipt, landed)
    about = {name: row[name] for name in ("data_set", "status", "rows", "debit", "credit", "difference", "compared", "proven_at", "sha256")}
    return Proof(
        **about,
        period=row["period_label"],
        receipt=receipt if shown else None,
        recomputed=landed is not None,
        differences=differences,
    )


def _hash_of_text(text: str, sha256: str) -> list[Difference]:
    now = hashlib.sha256(text.encode()).hexdigest()
    return [] if now == sha256 else [Difference(what="text of the receipt", receipt=sha256, landed=now)]


def _columns(row: dict[str, Any], receipt: dict[str, Any]) -> list[Difference]:
    """What lists and totals are made of must be what the receipt says."""
    return [
        Difference(what=f"{name} beside the receipt", receipt=str(receipt[name]), landed=str(row[name]))
        for name in ("rows", "debit", "credit", "difference")
        if _number(receipt[name]) != row[name]
    ]


def differences_of(receipt: dict[str, Any], landed: dict[str, Any]) -> list[Difference]:
    """The receipt against the landed rows: their number, their sums, every account, every voucher, and the hash."""
    several = isinstance(receipt["landed"], list)
    tables = receipt["landed"] if several else [receipt["landed"]]
    now = landed["tables"] if several else [landed]
    found: list[tuple[str, object, object]] = [
        (f"rows of {table['table']}" if several else "rows", table.get("rows", receipt["rows"]), each["rows"])
        for table, each in zip(tables, now, strict=True)
    ]
    sums = now[0]["sums"]
    if "amount" in tables[0]:
        found += [(side, _number(receipt[side]), sum((Decimal(each[side]) for each in sums), Decimal(0))) for side in ("debit", "credit")]
    if several:
        found += _balances(receipt["totals"], *(each["sums"] for each in now))
    elif "by" in tables[0] and receipt["totals"]:
        found += _groups(tables[0]["by"], receipt["totals"], sums)
    found += [("voucher that does not sum to zero", "", each) for each in landed["unbalanced_vouchers"]]
    hashed = [name for table in tables for name in _hashed(table, several=several)]
    found += zip(hashed, receipt["rows_sha256"], [sha256 for each in now for sha256 in each["rows_sha256"]], strict=True)
    return [Difference(what=what, receipt=str(proven), landed=str(again)) for what, proven, again in found if proven != again]


def _hashed(table: dict[str, Any], *, several: bool) -> list[str]:
    """What each hash over the rows of a table is of."""
    rows = f"hash of the rows of {table['table']}" if several else "hash of the rows"
    return [f"{rows} of {year}/{period}" for year, period in table["ledger_periods"]] if "ledger_periods" in table else [rows]


def _balances(
    proven: list[dict[str, Any]], lines: list[dict[str, Any]], openings: list[dict[str, Any]]
) -> list[tuple[str, object, object]]:
    movements, opening = _by_account(lines), _by_account(openings)
    ours = {each["account_no"]: _balance(Decimal(each["opening"]), Decimal(each["movements"]), Decimal(each["closing"])) for each in proven}
    theirs = {no: _balance(opening[no], movements[no], opening[no] + movements[no]) for no in movements.keys() | opening.keys()}
    return [(f"account_no {no}", ours.get(no, "none"), theirs.get(no, "none")) for no in sorted(ours.keys() | theirs.keys())]


def _by_account(sums: list[dict[str, Any]]) -> dict[int, Decimal]:
    found: dict[int, Decimal] = defaultdict(Decimal)
    for each in sums:
        found[each["account_no"]] += Decimal(each["debit"]) - Decimal(each["credit"])
    return found


def _balance(opening: Decimal, movements: Decimal, closing: Decimal) -> str:
    return ", ".join(
        f"{name} {value.normalize():f}" for name, value in (("opening", opening), ("movements", movements), ("closing", closing))
    )


def _groups(by: list[str], proven: list[dict[str, Any]], landed: list[dict[str, Any]]) -> list[tuple[str, object, object]]:
    ours, theirs = ({tuple(each[name] for name in by): _figures(each) for each in groups} for groups in (proven, landed))
    return [
        (", ".join(f"{name} {value}" for name, value in zip(by, group, strict=True)), ours.get(group, "none"), theirs.get(group, "none"))
        for group in sorted(ours.keys() | theirs.keys())
    ]


def _figures(group: dict[str, Any]) -> str:
    """Equal for equal amounts, however many zeros end them."""
    return f"{group['lines']} lines, debit {Decimal(group['debit']).normalize():f}, credit {Decimal(group['credit']).normalize():f}"


def _number(value: object) -> object:
    return Decimal(value) if isinstance(value, str) else value


def tables(report: Proofs) -> Iterable[RenderableType | str]:
    yield f"company {report.company} of organisation {report.organization}"
    yield ""
    yield table(
        "proofs",
        report.proofs,
        Column("data set", lambda row: row.data_set),
        Column("period", lambda row: row.period),
        Column("rows", lambda row: row.rows),
        Column("debit", lambda row: row.debit),
        Column("credit", lambda row: row.credit),
        Column("proven", lambda row: row.proven_at),
        Column("receipt's SHA-256", lambda row: row.sha256),
        Column("", _verdict, lambda row: "red" if row.differences else ""),
    )
    for each in report.proofs:
        yield from _receipt(each)
    found = [(each, difference) for each in report.proofs for difference in each.differences]
    if found:
        yield ""
        yield table(
            "differences",
            found,
            Column("data set", lambda pair: pair[0].data_set),
            Column("period", lambda pair: pair[0].period),
            Column("what", lambda pair: pair[1].what),
            Column("receipt", lambda pair: pair[1].receipt),
            Column("landed", lambda pair: pair[1].landed),
        )


def _receipt(proof: Proof) -> Iterable[RenderableType | str]:
    if proof.receipt is None:
        return
    yield ""
    yield f"{proof.data_set} {proof.period}: {proof.compared}"
    for asked in proof.receipt["asked"]:
        yield f"{asked['operation']}, asked {asked['asked_at']}, answered {asked['answered_at']}"
        yield asked.get("document", "")
        yield f"variables {orjson.dumps(asked['variables']).decode()}"
    for part in proof.receipt["rows_sha256"]:
        yield f"landed rows {part}"
    if totals := proof.receipt["totals"]:
        columns = [name for name in totals[0] if not isinstance(totals[0][name], list | dict)]
        yield table(
            f"the first {_SHOWN} of {len(totals)} totals" if len(totals) > _SHOWN else "totals",
            totals[:_SHOWN],
            *(Column(name, lambda row, name=name: row[name]) for name in columns),  # type: ignore[misc]
        )


def _verdict(proof: Proof) -> str:
    if proof.differences:
        return f"{len(proof.differences)} differ"
    said = "equal" if proof.recomputed else ""
    return said if proof.status == "complete" else f"{said} ({proof.status} now)".strip()
