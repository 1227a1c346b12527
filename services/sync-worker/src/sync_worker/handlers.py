"""What sync-worker does on each message. Nothing here asks Visma or Skatteetaten: handlers queue the work, the workers do it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from contracts.company import CompanyArchived, CompanyCreated, CompanyUpdated, ModulesChanged, ReconciliationStartChanged
from contracts.org import VismaIdsRegistered, VismaIdsRemoved
from contracts.sync import DataSet, PauseSync, RefetchPeriods, RepublishPeriods, ResumeSync, RetrySync, SyncPaused, SyncResumed
from contracts.visma import VismaCompaniesListed, VismaCompanyAccessChanged, VismaCustomerConnected, VismaDataChanged
from eventing.errors import NotYet, Refused
from eventing.work import Work
from sync_worker.domain.choice import choose
from sync_worker.domain.company import Company
from sync_worker.domain.given_up import refusal, trouble_of
from sync_worker.domain.plan import FIRST_ITEM, Source, source_of
from sync_worker.retrieval import announcements
from sync_worker.retrieval.planning import replan
from sync_worker.store import companies, given_up, looks, plans, republications, taking_up, work_items
from sync_worker.store.companies import COMPANIES

Wake = Callable[[], None]


async def start_retrieval(created: CompanyCreated, work: Work) -> None:
    """Queue what the plan is made from."""
    await given_up.lock(work, created.visma_customer_id)
    if not await companies.add(work, created):
        return
    company = await companies.find(work, created.company_id)
    assert company is not None  # noqa: S101 - it was added above
    await work_items.add(work, company, [FIRST_ITEM])
    if await given_up.of_company(work, company.company_id) is None:
        await announcements.progressed(work, company, FIRST_ITEM.data_set)
    else:
        await _say_given_up(work, company, created.visma_customer_id)


async def on_company_updated(event: CompanyUpdated, work: Work) -> None:
    """Other periods, or another organisation number, are another plan; the rest of the form is not ours."""
    await _replan_if_changed(
        work,
        event.company_id,
        organisation_number=event.organisation_number,
        period_type=event.period_type,
        financial_year_start_month=event.financial_year_start_month,
    )


async def on_reconciliation_start_changed(event: ReconciliationStartChanged, work: Work) -> None:
    """Earlier: what lies between is retrieved. Later: what lies before is kept and counts no more."""
    await _replan_if_changed(work, event.company_id, reconciliation_start=event.after)


async def on_modules_changed(event: ModulesChanged, work: Work) -> None:
    """Data sets of new modules are retrieved, those of others kept as they are."""
    await _replan_if_changed(work, event.company_id, modules=frozenset(event.modules))


async def on_company_archived(event: CompanyArchived, work: Work) -> None:
    """All work for the company stops. Nothing is deleted."""
    await plans.retire_all(work, event.company_id)
    await COMPANIES.archive(work.connection, company_id=event.company_id, now=work.now)


async def _replan_if_changed(work: Work, company_id: UUID, **settings: Any) -> None:
    company = await companies.find(work, company_id)
    if company is None:
        return
    changed = replace(company, **settings)
    if changed != company:
        await replan(work, changed)


async def retry_sync(command: RetrySync, work: Work) -> Mapping[str, Any]:
    """Take up what needs attention or consent, and what waits for its next attempt."""
    company = await _company(command.company_id, work)
    await _refuse_if_given_up(work, company)
    taken_up = await taking_up.take_up(work, company.company_id)
    await work_items.measure(work, company.company_id)
    return await _taken_up(work, company, taken_up)


async def pause_sync(command: PauseSync, work: Work) -> Mapping[str, Any]:
    """Nothing more is asked for the company; what is in hand ends. Pausing what is paused changes nothing."""
    company = await _company(command.company_id, work)
    changed = bool(await COMPANIES.pause(work.connection, company_id=company.company_id, now=work.now))
    if changed:
        about = {"company_id": company.company_id, "organization_id": company.organization_id}
        work.publish(SyncPaused(**about, reason=command.reason, paused_by=work.actor))
        await _say_where_everything_stands(work, company, *Source)
    return {"changed": changed}


async def resume_sync(command: ResumeSync, work: Work) -> Mapping[str, Any]:
    """Go on. Resuming what is not paused changes nothing."""
    company = await _company(command.company_id, work)
    paused_at = await COMPANIES.resume(work.connection, company_id=company.company_id)
    if paused_at is not None:
        await work_items.leave_out(work, company.company_id, since=paused_at)
        work.publish(SyncResumed(company_id=company.company_id, organization_id=company.organization_id, resumed_by=work.actor))
        await _say_where_everything_stands(work, company, *Source)
    return {"changed": paused_at is not None}


async def refetch_periods(command: RefetchPeriods, work: Work) -> Mapping[str, Any]:
    """Scan the chosen items from their start; the whole company is summed up and proven again."""
    company = await _company(command.company_id, work)
    chosen = choose(await work_items.planned(work.connection, company.company_id), command.periods, command.data_sets, with_whole=False)
    if any(source_of(each.data_set) is Source.VISMA for each in chosen):
        await _refuse_if_given_up(work, company)
    taken = await taking_up.refetch(work, company.company_id, chosen)
    summed = await looks.sum_again(work, company.company_id)
    await COMPANIES.reopen(work.connection, company_id=company.company_id)  # after the items, as everywhere
    return await _taken_up(work, company, [*taken, *summed])


async def republish_periods(command: RepublishPeriods, work: Work) -> Mapping[str, Any]:
    """Queue the chosen items for publishing once more."""
    company = await _company(command.company_id, work)
    chosen = choose(await work_items.planned(work.connection, company.company_id), command.periods, command.data_sets, with_whole=True)
    await republications.add(work, company, chosen)
    return {"periods": sorted({each.label for each in chosen if each.label}, reverse=True), "parts": len(chosen)}


async def _company(company_id: UUID, work: Work) -> Company:
    company = await companies.find(work, company_id)
    if company is None:
        if await companies.is_archived(work, company_id):
            raise Refused("company_archived", "This company is archived; its data is retrieved no more.", hint="Add the company again.")
        raise NotYet(
            Refused("unknown_company", "This company is not known here.", hint="Check the company id; a company must be added before.")
        )
    return company


async def _refuse_if_given_up(work: Work, company: Company) -> None:
    number = await given_up.of_company(work, company.company_id)
    if number is not None:
        raise NotYet(refusal(number))


async def _taken_up(work: Work, company: Company, data_sets: Sequence[DataSet]) -> Mapping[str, Any]:
    for data_set in data_sets:
        await announcements.progressed(work, company, data_set)
    return {"data_sets": [data_set.value for data_set in data_sets]}


async def on_visma_ids_removed(removed: VismaIdsRemoved, work: Work) -> None:
    """Nothing more is retrieved through these IDs, and what is in hand is not stored: they may be another organisation's now."""
    for visma_customer_id in removed.visma_customer_ids:
        for company in await given_up.put(work, visma_customer_id):
            await _say_given_up(work, company, visma_customer_id)


async def on_visma_ids_registered(registered: VismaIdsRegistered, work: Work) -> None:
    """What was stopped because the IDs were given up goes on where it stopped, and complete companies are looked at."""
    for visma_customer_id in registered.visma_customer_ids:
        for company in await given_up.remove(work, visma_customer_id):
            await taking_up.follow_again(work, company.company_id)
            await _say_where_everything_stands(work, company, Source.VISMA)


async def _say_given_up(work: Work, company: Company, visma_customer_id: int) -> None:
    trouble = trouble_of(visma_customer_id)
    announcements.needs_attention(work, company, FIRST_ITEM.data_set, None, trouble)
    await _say_where_everything_stands(work, company, Source.VISMA, message=trouble.message)


async def on_customer_connected(connected: VismaCustomerConnected, work: Work) -> None:
    """Consent may have been given for any company of this Visma customer ID."""
    await _consent_given(work, visma_customer_id=connected.visma_customer_id)


async def on_companies_listed(listed: VismaCompaniesListed, work: Work) -> None:
    """Consent is given for the companies that can be read."""
    await _consent_given(work, visma_company_ids=[each.visma_company_id for each in listed.companies if each.readable])


async def on_company_access_changed(changed: VismaCompanyAccessChanged, work: Work) -> None:
    """Consent may be given. That it was withdrawn is noticed when Visma is asked."""
    if changed.readable:
        await _consent_given(work, visma_company_ids=[changed.visma_company_id])


async def _consent_given(work: Work, **access: Any) -> None:
    for company_id, data_sets in (await taking_up.consent_given(work, **access)).items():
        company = await companies.find(work, company_id)
        if company is not None:
            await _taken_up(work, company, [data_set for data_set in DataSet if data_set in data_sets])


async def look_at_once(changed: VismaDataChanged, work: Work) -> None:
    """Look for news now instead of at the company's time. One that nobody has added, or not yet, has nothing to be compared with."""
    company = await companies.find_by_visma_company(work, changed.visma_company_id)
    if company is not None:
        await taking_up.hasten(work, company.company_id)


async def _say_where_everything_stands(work: Work, company: Company, *sources: Source, message: str | None = None) -> None:
    planned = await work_items.planned(work.connection, company.company_id)
    for data_set in dict.fromkeys(each.data_set for each in planned if source_of(each.data_set) in sources):
        await announcements.progressed(work, company, data_set, message=message)


def waking(handler: Callable[[Any, Work], Awaitable[Mapping[str, Any] | None]], *wakes: Wake) -> Callable[[Any, Work], Awaitable[Any]]:
    """``handler``, and then a word to the workers that there is something to do."""

    async def handle(message: Any, work: Work) -> Mapping[str, Any] | None:
        result = await handler(message, work)
        for wake in wakes:
            wake()
        return result

    return handle
