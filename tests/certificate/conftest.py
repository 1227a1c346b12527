"""One warm system for all walks of a module, set so that little work passes many points, and the end state of an undisturbed walk."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from local_stack.child import Child
from local_stack.programs import PROGRAMS, Program
from local_stack.throwaway import throwaway_folder
from visma_simulator.app import CONTROL_PATH

from ..conftest import System, Systems
from .certificate import Certificate, Entry
from .databases import Databases, connected
from .endstate import EndState, Verdict, disorder
from .observer import Observer, TooLate, observing
from .victim import Victim
from .walk import SCENARIO, Walk

IMPATIENT = {
    "visma-connector": {"PROBE__LEASE": "PT1S", "PROBE__NOTICE_WITHIN": "PT0.1S", "WEBHOOK__GATHER": "PT0.1S"},
    "sync-worker": {
        "VISMA__PAGE_SIZE": "20",
        "VISMA__REQUESTS_PER_MINUTE": "100000",
        "VISMA__RETRY_ATTEMPTS": "1",
        "RETRIEVAL__LEASE_SECONDS": "1",
        "RETRIEVAL__RETRY_FIRST_SECONDS": "0.2",
        "RETRIEVAL__POLL_SECONDS": "0.05",
    },
}


Misfortune = Callable[[Walk], Coroutine[Any, Any, None]]


@dataclass
class Certifier:
    """Walks in one warm system; ``undisturbed`` is what each must leave behind."""

    system: System
    observer: Observer
    databases: Databases
    undisturbed: EndState = field(init=False)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    async def walk(self, *, patience: float = 120, meanwhile: Misfortune | None = None) -> tuple[EndState, Verdict]:
        """Where one walk has led, and what did not come or came in disorder. ``meanwhile`` ends with the walk."""
        control = self.system.stack.urls["visma-simulator"] + CONTROL_PATH
        walk = Walk(next(self._numbers), self.observer, self.databases, control, patience=patience)
        late = []
        striking = asyncio.create_task(meanwhile(walk)) if meanwhile else None
        try:
            await walk.go()
        except TooLate as error:
            late.append(f"{error} did not come within {patience:g} s")
            await self.databases.forget_claims()
        finally:
            if striking:
                await _ended(striking)
        records = self.observer.records(walk.organization_id)
        rows = await self.databases.rows(walk.organization_id, walk.company_id, list(walk.names))
        verdict = disorder(records)
        verdict.lost[:0] = late
        return EndState.of(rows, records, walk.names), verdict

    async def killed_at(
        self, points: Mapping[str, str | None], *, command: Sequence[str] | None = None, patience: float = 120
    ) -> list[Entry]:
        """One walk in which each service named dies at its point; ``command`` is what they run instead of themselves."""
        victims = [Victim(self.system.stack, service) for service in points]
        async with AsyncExitStack() as exits:
            for victim in victims:
                await exits.enter_async_context(victim.armed(points[victim.service], command=command))
            end, verdict = await self.walk(patience=patience)
        verdict += end.differences(self.undisturbed)
        return [Entry(points[victim.service] or "-", victim.service, victim.kills, verdict) for victim in victims]

    async def struck(self, misfortune: Misfortune, *, patience: float = 120) -> Verdict:
        """What a walk with a misfortune has changed."""
        end, verdict = await self.walk(patience=patience, meanwhile=misfortune)
        return verdict + end.differences(self.undisturbed)

    async def seen(self, walk: Walk, topic: str) -> None:
        """The walk has come so far that something of it stands on the topic."""

        def stands() -> bool:
            return any(record.topic == topic for record in self.observer.records(walk.organization_id))

        await self.observer.until(stands, f"something on {topic}", within=600)

    def process(self, name: str) -> Child:
        """A part of the system."""
        return next(part.process for part in self.system.stack.parts if part.name == name and part.process)


@asynccontextmanager
async def certifying(systems: Systems) -> AsyncIterator[Certifier]:
    """A system of impatient programs, after its undisturbed walk."""
    with throwaway_folder() as folder:
        (folder / "scenario.json").write_text(json.dumps(SCENARIO))
        programs = [impatient(program, folder / "scenario.json") for program in PROGRAMS]
        async with (
            systems(programs) as system,
            observing(system.administrator, system.prefix) as observer,
            connected(system.stack.databases) as databases,
        ):
            certifier = Certifier(system, observer, databases)
            certifier.undisturbed, verdict = await certifier.walk()
            assert verdict.clean, verdict
            yield certifier


@pytest.fixture(scope="module")
async def certifier(systems: Systems) -> AsyncIterator[Certifier]:
    """On the servers of the run."""
    async with certifying(systems) as certifier:
        yield certifier


@pytest.fixture(scope="module")
def certificate(request: pytest.FixtureRequest) -> Iterator[Certificate]:
    """The certificate of a module, kept under the first line of its docstring, and on the screen at its end."""
    certificate = Certificate(request.module.__doc__.partition("\n")[0])
    yield certificate
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        certificate.print()


def impatient(program: Program, scenario: Path) -> Program:
    """The program with short leases and small pages; the simulator with books of its own and without a limit per minute."""
    if program.name == "visma-simulator":
        more = ("--scenario", str(scenario), "--requests-per-minute", "1000000")
        return replace(program, arguments=lambda around: (*program.arguments(around), *more))
    settings: Mapping[str, str] = IMPATIENT.get(program.name, {})
    return replace(program, environment=lambda around: {**program.environment(around), **settings})


async def _ended(task: asyncio.Task[None]) -> None:
    """A misfortune that goes on for ever is over when the walk is; one that has failed fails the test."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
