"""Every fault of Skatteetaten against every month of a company's A07 reports, a company for each fault: all end proven.

There is one document a month, so that rows that change between pages, and cursors that expire, have no meaning here; a correction of the
month is a new document (`test_a07`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from contracts.company import Module
from contracts.sync import A07MonthStatus, A07MonthsVerified, DataSet, RefetchPeriods, SyncCompleted, SyncProgressed, SyncStatus
from skatteetaten_simulator.faults import AnotherEmployer, Delay, Drop, Effect, Fault, GatewayPage, Status, TooManyRequests, Truncated
from skatteetaten_simulator.payroll import MonthOnRequest
from testkit.probe import probe

from .certify_fault_matrix import ATTENTION, CONSENT, RETRIEVAL_SETTINGS, SOMEBODY_ELSE, Session, simulator
from .conftest import months_back

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

ANOTHER = "974761076"
LABELS = [f"{months_back(age):%Y-%m}" for age in (2, 3, 4)]
"""Months that were due, whatever day it is."""
SAID = A07MonthStatus.SUBMITTED
_NOT_OURS = {"kode": "AMLD_005", "melding": "Ikke autorisert for opplysningspliktig"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """What meets the requests for each month, as often as the client asks before it gives up. The rest is as in `certify_fault_matrix`."""

    effect: Effect
    times: int = 2
    says: str = ""
    told: frozenset[tuple[SyncStatus, str]] = frozenset()


STRIKES = {
    "5xx": Strike(effect=Status(status=503), says="503"),
    "page of a gateway": Strike(effect=GatewayPage(), says="502"),
    "429 with Retry-After": Strike(effect=TooManyRequests(retry_after=0), says="429"),
    "429 without Retry-After": Strike(effect=Status(status=429), says="429"),
    "connection lost": Strike(effect=Drop(), says="no whole answer"),
    "truncated body": Strike(effect=Truncated(), says="no whole answer"),
    "slow answer": Strike(effect=Delay(seconds=0.5), times=1),
    "wrong employer's answer": Strike(effect=AnotherEmployer(answer=ANOTHER), times=1, told=frozenset({(ATTENTION, "our_bug")})),
    "consent withdrawn mid-way": Strike(effect=Status(status=403, body=_NOT_OURS), times=1, told=frozenset({(CONSENT, "needs_consent")})),
}
WITHDRAWN, DELAYED = "consent withdrawn", "month delayed"
NUMBERS = {name: SOMEBODY_ELSE + place for place, name in enumerate([*STRIKES, WITHDRAWN, DELAYED], 1)}


@pytest.fixture
def visma_url() -> Iterator[str]:
    with simulator(NUMBERS) as url:
        yield url


async def test_every_fault_on_every_month_ends_in_a_proof(bench: Any) -> None:
    await bench.hire()
    employers = {name: (await bench.visma.facts(number))["organisation_number"] for name, number in NUMBERS.items()}
    skatteetaten = bench.skatteetaten
    for employer in (ANOTHER, *employers.values()):
        for label in LABELS:
            skatteetaten.ask_for(MonthOnRequest(organisation_number=employer, month=label))
    for name, strike in STRIKES.items():
        for label in LABELS:
            skatteetaten.faults.add(
                Fault(match="report", organisation_number=employers[name], month=label, times=strike.times, effect=strike.effect)
            )
    skatteetaten.ask_for(MonthOnRequest(organisation_number=employers[DELAYED], month=LABELS[1], days_late=500))
    skatteetaten.system_users.withdraw(employers[WITHDRAWN])
    async with bench.worker(**RETRIEVAL_SETTINGS):
        session = Session(bench, NUMBERS)
        for name in NUMBERS:
            await session.create(name, Module.PAYROLL, months=4)
        companies = {name: company_id for company_id, name in session.names.items()}
        await session.until_complete(*STRIKES, DELAYED)
        await a_month_that_comes_later_is_taken_in(bench, session, companies[DELAYED], employers[DELAYED])
        await probe(lambda: waits_for_consent(bench, companies[WITHDRAWN]), within=20)
        skatteetaten.system_users.grant(employers[WITHDRAWN])
        await session.until_complete(WITHDRAWN)
        assert list(skatteetaten.faults) == []
        for name, strike in STRIKES.items():
            assert {(each.status, each.reason) for each in session.told[name]} == strike.told, name
            if not strike.told:
                assert said(bench, companies[name]) == {(label, strike.says) for label in LABELS if strike.says}, name
        assert {(each.status, each.reason) for each in session.told[WITHDRAWN]} == {(CONSENT, "needs_consent")}
        assert session.told[DELAYED] == []
        for name, company_id in companies.items():
            assert await session.is_proven(company_id), name
            verified = (await bench.of(A07MonthsVerified, company_id))[-1]
            assert {each.status for each in verified.months if each.month in LABELS} == {SAID}, name


async def a_month_that_comes_later_is_taken_in(bench: Any, session: Session, company_id: UUID, employer: str) -> None:
    [completed] = await bench.of(SyncCompleted, company_id)
    assert [LABELS[1] in each.missing for each in completed.data_sets if each.data_set is DataSet.A07_REPORTS] == [True]
    bench.skatteetaten.ask_for(MonthOnRequest(organisation_number=employer, month=LABELS[1]))
    about = {"company_id": company_id, "organization_id": bench.organization_id}
    await bench.gateway.ask(RefetchPeriods(**about, data_sets=[DataSet.A07_REPORTS]), actor="kari")
    await session.until_complete(DELAYED, times=2)


def said(bench: Any, company_id: UUID) -> set[tuple[str, str]]:
    """What users read of which month while it was tried again, the part that tells the faults apart."""
    seen = [
        each.message for each in bench.gateway.seen if isinstance(each.message, SyncProgressed) and each.message.company_id == company_id
    ]
    known = {strike.says for strike in STRIKES.values() if strike.says}
    return {
        (each.period.label, next((text for text in known if text in each.message), each.message))
        for each in seen
        if each.data_set is DataSet.A07_REPORTS and each.period and each.period_status is SyncStatus.RETRYING
    }


async def waits_for_consent(bench: Any, company_id: UUID) -> bool:
    asked = "SELECT DISTINCT status FROM sync.work_item WHERE company_id = $1 AND data_set = 'a07_reports'"
    return [row["status"] for row in await bench.pool.fetch(asked, company_id)] == ["needs_consent"]
