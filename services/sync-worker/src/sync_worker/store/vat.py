"""Landed lines by VAT term and tax code, and the registers that explain them."""

from collections.abc import Sequence
from uuid import UUID

from contracts.sync import LinesOutsideTerms
from eventing.outbox import Outbox
from eventing.sql import queries
from eventing.work import Work
from sync_worker.domain.company import Company
from sync_worker.domain.periods import YearAndPeriod
from sync_worker.domain.proof import Group, Landed
from sync_worker.domain.vat_figures import VatCode, VatTerm
from sync_worker.store import wall

_VAT = queries(__file__, "vat")


async def terms(outbox: Outbox, company: Company) -> list[VatTerm]:
    """The landed terms, oldest first."""
    async with wall.reading(outbox, company) as connection:
        return [VatTerm(**row) async for row in _VAT.terms(connection, company_id=company.company_id)]


async def codes(work: Work, company_id: UUID) -> dict[int, VatCode]:
    """The landed register of tax codes."""
    rows = _VAT.codes(work.connection, company_id=company_id)
    return {row["vat_code"]: VatCode(row["standard_code"], row["rate"], row["account_no"]) async for row in rows}


async def totals(work: Work, company_id: UUID, ledger_periods: Sequence[YearAndPeriod]) -> dict[Group, Landed]:
    """What the lines of these accounting periods hold, by ``(year, term, code, account, ledger year, period)``."""
    years, periods = [year for year, _ in ledger_periods], [number for _, number in ledger_periods]
    rows = _VAT.totals(work.connection, company_id=company_id, years=years, periods=periods)
    return {tuple(row)[:6]: Landed(row["rows"], row["debit"], row["credit"]) async for row in rows}


async def outside_terms(work: Work, company_id: UUID, ledger_periods: Sequence[YearAndPeriod]) -> LinesOutsideTerms | None:
    """The lines of these accounting periods that have a tax code and are in no total; None when there are none."""
    years, periods = [year for year, _ in ledger_periods], [number for _, number in ledger_periods]
    row = await _VAT.outside_terms(work.connection, company_id=company_id, years=years, periods=periods)
    return LinesOutsideTerms(**row) if row["lines"] else None
