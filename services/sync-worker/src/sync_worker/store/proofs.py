"""What was proven for each data set and period, and what the landed ledger says of itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from contracts.sync import AccountTotals, DataSet, DataSetTotals, SyncStatus
from eventing.outbox import Outbox
from eventing.sql import queries
from eventing.work import Work
from sync_worker.domain.company import Company
from sync_worker.domain.periods import LedgerPeriod, YearAndPeriod
from sync_worker.domain.proof import Group, Landed, landed_of
from sync_worker.domain.receipt import Coverage, Question, canonical, sha256
from sync_worker.domain.unposted_vouchers import DatedPeriod
from sync_worker.store import wall
from sync_worker.store.work_items import WorkItem, ledger_periods_of

_PROOFS = queries(__file__, "proofs")
_NO_DIFFERENCE = Decimal(0)


async def put(
    work: Work,
    item: WorkItem,
    *,
    rows: int,
    compared: str,
    asked: Sequence[Question],
    covers: Coverage | Sequence[Coverage],
    hashed: Mapping[YearAndPeriod, str] | None = None,
    sums: Landed | None = None,
    totals: Sequence[Any] = (),
    as_of: datetime | None = None,
) -> str:
    """Note that an item agrees with its source, and give the hash of the receipt.

    ``compared`` says in words what was compared, ``asked`` what the source was asked, ``covers`` which landed rows it was compared with
    (of which ``hashed`` are the hashes that are known), ``sums`` what the amounts came to, ``as_of`` when the source was asked, if that is
    not now.
    """
    label = item.period.label if item.period else ""
    about: dict[str, Any] = {"sums": sums, "totals": totals, "as_of": as_of, "asked": asked, "covers": covers, "hashed": hashed}
    return await put_of(work, item.company, item.data_set, label, rows=rows, compared=compared, **about)


async def put_of(
    work: Work,
    company: Company,
    data_set: DataSet,
    label: str = "",
    *,
    rows: int,
    compared: str,
    asked: Sequence[Question] = (),
    covers: Coverage | Sequence[Coverage],
    hashed: Mapping[YearAndPeriod, str] | None = None,
    sums: Landed | None = None,
    totals: Sequence[Any] = (),
    as_of: datetime | None = None,
) -> str:
    """The same for a data set, or one period of it, that need not be an item."""
    about = {
        "organization_id": company.organization_id,
        "company_id": company.company_id,
        "data_set": data_set.value,
        "period_label": label,
        "rows": rows,
        "debit": sums.debit if sums else None,
        "credit": sums.credit if sums else None,
        "difference": _NO_DIFFERENCE if sums else None,
        "compared": compared,
        "totals": list(totals),
        "proven_at": as_of or work.now,
    }
    tables = [covers] if isinstance(covers, Coverage) else covers
    landed = [each.as_json() for each in tables]
    more = {
        "visma_company_id": company.visma_company_id,
        "organisation_number": company.organisation_number,
        "asked": list(asked),
        "landed": landed[0] if isinstance(covers, Coverage) else landed,
        "rows_sha256": [each for table in tables for each in await rows_sha256(work, company.company_id, table, hashed or {})],
    }
    receipt = canonical(about | more)
    await _PROOFS.put(work.connection, **about, receipt=receipt, sha256=sha256(receipt))
    return sha256(receipt)


async def rows_sha256(work: Work, company_id: UUID, covers: Coverage, hashed: Mapping[YearAndPeriod, str]) -> list[str]:
    """A hash over the landed rows: one for each accounting period, or one. Of periods that are ``hashed`` it is known."""
    return [
        known
        if part.ledger_period and (known := hashed.get(part.ledger_period))
        else await _PROOFS.rows_sha256(work.connection, company_id=company_id, landed=part.as_json())
        for part in covers.parts()
    ]


async def hashes(work: Work, company_id: UUID) -> dict[YearAndPeriod, str]:
    """Over the landed lines of each accounting period, as the receipts of the ledger have them."""
    return {(row["year"], row["period"]): row["sha256"] async for row in _PROOFS.hashes(work.connection, company_id=company_id)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was noted when an item agreed. ``totals`` are the figures as they were published, by account; ``sha256`` is the receipt's."""

    rows: int
    debit: Decimal | None
    credit: Decimal | None
    totals: list[dict[str, Any]]
    proven_at: datetime
    sha256: str | None


async def find(work: Work, company_id: UUID, data_set: DataSet, label: str) -> Proof | None:
    """The last proof of an item."""
    row = await _PROOFS.find(work.connection, company_id=company_id, data_set=data_set.value, label=label)
    return None if row is None else Proof(**row)


async def by_data_set(work: Work, company_id: UUID) -> list[DataSetTotals]:
    """What every data set of a company came to, for a company of which everything is proven that its source knows."""
    found = {
        DataSet(row["data_set"]): DataSetTotals(
            data_set=DataSet(row["data_set"]),
            status=SyncStatus.COMPLETE,
            rows=row["rows"],
            debit=row["debit"],
            credit=row["credit"],
            difference=row["difference"],
            proof=row["compared"],
        )
        async for row in _PROOFS.by_data_set(work.connection, company_id=company_id)
    }
    async for row in _PROOFS.not_supported(work.connection, company_id=company_id):
        data_set = DataSet(row["data_set"])
        found[data_set] = DataSetTotals(data_set=data_set, status=SyncStatus.NOT_SUPPORTED, rows=0, proof=row["message"])
    return [found[data_set] for data_set in DataSet if data_set in found]


async def unbalanced_vouchers(work: Work, company_id: UUID, ledger_periods: Sequence[YearAndPeriod]) -> list[Group]:
    """``(journal, voucher)`` of the vouchers whose lines in these periods do not sum to zero, the first hundred of them."""
    years, periods = [year for year, _ in ledger_periods], [number for _, number in ledger_periods]
    rows = _PROOFS.unbalanced_vouchers(work.connection, company_id=company_id, years=years, periods=periods)
    return [(row["voucher_journal_no"], row["voucher_no"]) async for row in rows]


async def ledger_periods(outbox: Outbox, company: Company) -> list[LedgerPeriod]:
    """The accounting periods that have landed."""
    async with wall.reading(outbox, company) as connection:
        rows = _PROOFS.ledger_periods(connection, company_id=company.company_id)
        return [LedgerPeriod(row["year"], row["period"], row["first_day"]) async for row in rows]


async def dated_periods(outbox: Outbox, company: Company) -> list[DatedPeriod]:
    """The same with the days they hold."""
    async with wall.reading(outbox, company) as connection:
        return [DatedPeriod(**row) async for row in _PROOFS.dated_periods(connection, company_id=company.company_id)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What accounting periods came to when they were last verified, by ``(account, year, period)``. ``at``: since when all of them were."""

    ledger_periods: frozenset[YearAndPeriod]
    totals: Mapping[Group, Landed]
    at: datetime


async def verified(work: Work, company_id: UUID, ledger_periods: Sequence[YearAndPeriod]) -> Verified | None:
    """Those of these accounting periods that were verified, also by an earlier plan that cut its periods differently."""
    years, periods = [year for year, _ in ledger_periods], [number for _, number in ledger_periods]
    left, totals, at = set(ledger_periods), dict[Group, Landed](), list[datetime]()
    async for row in _PROOFS.verified(work.connection, company_id=company_id, years=years, periods=periods):
        if mine := left.intersection(ledger_periods_of(row)):
            known = landed_of(AccountTotals(**each) for each in row["totals"])
            totals |= {group: sums for group, sums in known.items() if group[1:] in mine}
            at.append(row["proven_at"])
            left -= mine
    return Verified(ledger_periods=frozenset(ledger_periods) - left, totals=totals, at=max(at)) if at else None


async def is_fresh(work: Work, company_id: UUID, *, since: datetime) -> bool:
    """Whether the whole ledger was compared since then."""
    return bool(await _PROOFS.is_fresh(work.connection, company_id=company_id, since=since))


async def is_closed(work: Work, company_id: UUID, ledger_periods: Sequence[YearAndPeriod]) -> bool:
    """Whether Visma has closed all of these accounting periods."""
    years, periods = [year for year, _ in ledger_periods], [number for _, number in ledger_periods]
    return bool(await _PROOFS.is_closed(work.connection, company_id=company_id, years=years, periods=periods))
