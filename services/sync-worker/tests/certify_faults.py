"""faults of Visma

Each fault against each data set alone, a company of its own for each pair; `certify_fault_matrix` strikes all data sets of one company.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from .certify_fault_matrix import MODULES, RETRIEVAL_SETTINGS, SOMEBODY_ELSE, STRIKES, VISMA_SETTINGS, Session, Strike, rules, simulator

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


def alone(strike: Strike) -> dict[str, dict[str, Any]]:
    """The faults of a strike one by one: of data sets that ask for the same, each has its turn."""
    return {
        f"{rule['operation']}{f' {turn + 1}' if rule['times'] > 1 else ''}": {**rule, "times": 1, "skip": turn}
        for rule in rules(strike)
        for turn in range(rule["times"])
    }


PLACES = list(dict.fromkeys(place for strike in STRIKES for place in alone(strike)))
NUMBERS = {place: SOMEBODY_ELSE + number for number, place in enumerate(PLACES, 1)}


@pytest.fixture
def visma_url() -> Iterator[str]:
    with simulator(NUMBERS) as url:
        yield url


@pytest.fixture(scope="module")
def ends(request: pytest.FixtureRequest) -> Iterator[dict[tuple[str, str], str]]:
    """How each pair has ended, by place and fault; printed when all have."""
    found: dict[tuple[str, str], str] = {}
    yield found
    table = Table("asked for", *(strike.name for strike in STRIKES), title=request.module.__doc__.partition("\n")[0])
    for place in PLACES:
        table.add_row(place, *(found.get((place, strike.name), "-") for strike in STRIKES))
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        Console(width=220).print("", table)


@pytest.mark.parametrize("strike", STRIKES, ids=lambda strike: strike.name)
async def test_each_data_set_alone_ends_in_a_proof(bench: Any, strike: Strike, ends: dict[tuple[str, str], str]) -> None:
    await bench.hire()
    bench.visma_settings = VISMA_SETTINGS
    places = alone(strike)
    await bench.visma.fault_all([{**rule, "company": NUMBERS[place]} for place, rule in places.items()])
    async with bench.worker(**RETRIEVAL_SETTINGS):
        session = Session(bench, NUMBERS)
        for place in places:
            await session.create(place, *MODULES)
        await session.until_complete(*places)
        met = await bench.visma.faults_met()
    for company_id, place in session.names.items():
        told = sorted({each.status for each in session.told[place]})
        proven = await session.is_proven(company_id)
        ends[place, strike.name] = ", ".join([*told, "proven" if proven else "NOT PROVEN"])
        assert {(each.status, each.reason) for each in session.told[place]} <= strike.told, place
        assert proven, place
        assert all(strike.says in message for messages in session.struck(place).values() for message in messages), place
    assert met == [1] * len(places)
