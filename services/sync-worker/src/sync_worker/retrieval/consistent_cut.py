"""All that was proven, part by part, as of one moment: stated by the first look that finds nothing new after something was retrieved."""

from collections.abc import Iterable
from datetime import datetime

from contracts.sync import ConsistentCutVerified
from eventing.work import Work
from sync_worker.domain.company import Company
from sync_worker.domain.consistent_cut import ConsistentCut, cut_of
from sync_worker.store import cuts, looks
from sync_worker.store.looks import Proven


async def state_cut(work: Work, company: Company, unchanged: Iterable[Proven], *, as_of: datetime) -> None:
    """Note that what was found unchanged is as of that moment, and say so if that is not what was said last.

    Not what was proven or taken up while Visma was asked. Call it when this work holds the company.
    """
    now = await looks.proven(work.connection, company.company_id)
    if {(each.id, each.mark, each.agreed) for each in now} != {(each.id, each.mark, each.agreed) for each in unchanged}:
        return
    cut = cut_of(await cuts.parts(work, company.company_id))
    if cut is not None and await cuts.keep(work, company.company_id, cut, as_of=as_of):
        work.publish(_verified(company, cut, as_of))


async def repeat_cut(work: Work, company: Company) -> None:
    """State once more what was stated last, as of the last moment at which it was found unchanged."""
    if known := await cuts.find(work, company.company_id):
        work.publish(_verified(company, *known))


def _verified(company: Company, cut: ConsistentCut, as_of: datetime) -> ConsistentCutVerified:
    return ConsistentCutVerified(company_id=company.company_id, organization_id=company.organization_id, **dict(cut), as_of=as_of)
