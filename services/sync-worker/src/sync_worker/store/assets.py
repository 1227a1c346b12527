"""The landed asset register, and the proven balances of the accounts it names."""

from decimal import Decimal
from uuid import UUID

from eventing.sql import queries
from eventing.work import Work
from sync_worker.domain.asset_comparison import Asset

_ASSETS = queries(__file__, "assets")


async def register(work: Work, company_id: UUID) -> list[Asset]:
    """Every asset with a balance, as of its newest year."""
    return [Asset(**row) async for row in _ASSETS.register(work.connection, company_id=company_id)]


async def closing_balances(work: Work, company_id: UUID) -> dict[int, Decimal]:
    """What every account came to, as proven over all periods."""
    return {row["account_no"]: row["closing"] async for row in _ASSETS.closing_balances(work.connection, company_id=company_id)}
