"""Every fault against every data set, all in one session of the worker: a company for each fault, which strikes each of its data sets once.

Whatever the fault, the company ends proven: by itself, or when a person asks for another attempt after being told what was wrong.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from contracts.company import Module
from contracts.sync import DataSet, RetrySync, SyncCompleted, SyncEvent, SyncNeedsAttention, SyncPlanned, SyncProgressed, SyncStatus
from contracts.visma import ChangeKind, DataSetChange, VismaDataChanged
from skatteetaten_simulator.faults import Delay, Fault, Status
from sync_worker.domain.datasets import DATASETS
from sync_worker.domain.plan import data_sets_of
from testkit.probe import probe
from visma_simulator import scenario, server
from visma_simulator.app import build_app
from visma_simulator.limits import Limits

from .conftest import CUSTOMER, THIS_YEAR, months_back

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

ATTENTION, CONSENT, NOT_SUPPORTED = SyncStatus.NEEDS_ATTENTION, SyncStatus.NEEDS_CONSENT, SyncStatus.NOT_SUPPORTED
SOMEBODY_ELSE = 7100000
FIRST, SECOND, THIRD = 990001, 990002, 990003
"""Vouchers of their own, in journals of the same numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """What Visma does to one request for each data set.

    ``says`` is what users read while it is tried again, ``told`` how it is called when a person is told. Neither: it goes by unnoticed.
    """

    name: str
    effect: dict[str, Any]
    says: str = ""
    told: frozenset[tuple[SyncStatus, str]] = frozenset()


def status(code: int, **more: Any) -> dict[str, Any]:
    return {"effect": "status", "status": code, **more}


def error(message: str, code: str | None = None) -> dict[str, Any]:
    return {"effect": "error", "message": message, "code": code}


STRIKES = [
    Strike(name="429 with Retry-After", effect=status(429, retry_after=0), says="asks us to slow down"),
    Strike(name="429 without Retry-After", effect=status(429), says="asks us to slow down"),
    Strike(name="concurrency limit", effect=error("busy", "OUTSTANDING_LIMIT_EXCEEDED"), says="too many requests are in progress"),
    Strike(name="truncated body", effect={"effect": "truncate"}, says="cut short"),
    Strike(name="5xx", effect=status(503), says="HTTP 503"),
    Strike(name="connection lost", effect={"effect": "drop"}, says="cannot be reached"),
    Strike(name="slow drip", effect={"effect": "drip", "bytes": 512, "ms": 5}),
    Strike(name="row lost on the way", effect={"effect": "drop_row"}),
    Strike(
        name="wrong company's answer",
        effect={"effect": "wrong_company", "answer": SOMEBODY_ELSE},
        told=frozenset({(ATTENTION, "wrong_company_answered")}),
    ),
    Strike(name="expired cursor", effect=error("The cursor has expired."), told=frozenset({(ATTENTION, "unexpected_answer")})),
    Strike(
        name="unknown column",
        effect=error("Cannot query field 'x'.", "FIELDS_ON_CORRECT_TYPE"),
        told=frozenset({(ATTENTION, "query_rejected"), (NOT_SUPPORTED, "not_supported")}),
    ),
    Strike(name="missing grant mid-way", effect={"effect": "no_grant"}, told=frozenset({(CONSENT, "company_not_opened")})),
]
EVENTS = ["late commits", "rows changed while paging", "deleted rows", "clock skew", "webhooks doubled and reordered", "A07 delayed"]
NAMES = [*(strike.name for strike in STRIKES), *EVENTS]
NUMBERS = {name: SOMEBODY_ELSE + place for place, name in enumerate(NAMES, 1)}
MODULES = (Module.PAYROLL, Module.VAT, Module.ASSETS)
ALL = set(data_sets_of(frozenset(MODULES)))

PAGES: Counter[tuple[str, str]] = Counter(
    (f"{dataset.table.type_name}Rows", (dataset.table.parts or [dataset.table])[0].name)
    for dataset in DATASETS.values()
    if not dataset.sums
)
"""How many data sets are read by pages of each operation, and the table that it asks for."""
SUMS = Counter({"GeneralLedgerTransactionGroups": 3, "GeneralLedgerTransactionGroupsEach": 1, "VoucherGroups": 1})
"""The plan, the proofs of the ledger, opening and closing balances ask the first; VAT figures and unposted vouchers the others."""
SHARED = {DataSet.CUSTOMERS, DataSet.SUPPLIERS, DataSet.OPENING_BALANCES, DataSet.ACCOUNT_BALANCES}
"""Data sets that ask for the same as others, so that the rule cannot say whom it strikes."""


def rules(strike: Strike) -> list[dict[str, Any]]:
    """The strike as faults of the simulator, whatever the company: one for each operation."""
    pages = [{**strike.effect, "operation": operation, "table": table, "times": times} for (operation, table), times in PAGES.items()]
    if strike.effect["effect"] == "drop_row":
        return pages  # of a sum there is no row to lose
    sums = [{**strike.effect, "operation": operation, "times": times} for operation, times in SUMS.items()]
    return [{name: value for name, value in rule.items() if name != "table"} for rule in pages] + sums


@contextmanager
def simulator(names: Mapping[str, int]) -> Iterator[str]:
    """Small companies by their names, and somebody else's."""
    small = {"lines": 60, "first_year": THIS_YEAR, "customers": 3, "suppliers": 3, "assets": 2}
    companies = [{"number": number, "name": name, **small} for name, number in {"somebody else": SOMEBODY_ELSE, **names}.items()]
    described = {
        "clients": [{"id": "isv_accountflow", "secret": "simulator-secret"}],
        "customers": [{"number": CUSTOMER, "name": "Fjordregnskap AS", "companies": companies}],
    }
    with server.running(build_app(scenario.read(described), Limits(requests_per_minute=1_000_000))) as url:
        yield url


@pytest.fixture
def visma_url() -> Iterator[str]:
    with simulator(NUMBERS) as url:
        yield url


class Session:
    """All companies of the matrix, and what is done to their ledgers meanwhile."""

    def __init__(self, bench: Any, numbers: Mapping[str, int]) -> None:
        self.bench = bench
        self.numbers = numbers
        self.names: dict[UUID, str] = {}
        self.posted_at = datetime.now(UTC)
        self.completed: Counter[str] = Counter()
        self.told: dict[str, list[SyncNeedsAttention]] = defaultdict(list)
        self._seen = 0

    async def create(self, name: str, *modules: Module, months: int = 0) -> None:
        self.names[await self.bench.create(self.numbers[name], months=months, modules=modules)] = name

    async def post(self, name: str, voucher: int, action: str, amount: str = "100.10", *, seconds_ago: float = 0) -> None:
        """Add, change or delete a voucher of two lines in the newest period."""
        day = months_back(0)
        about = {} if action == "delete" else {"postedAmountDomestic": amount}
        if action == "add":
            about |= {"year": day.year, "period": day.month, "voucherNo": voucher, "voucherDate": int(f"{day:%Y%m%d}")}
        rows = [
            {"voucherJournalNo": voucher, "auditNo": 1, **about},
            {"voucherJournalNo": voucher, "auditNo": 2, **about},
        ]
        if action != "delete":
            rows[1]["postedAmountDomestic"] = f"-{amount}"
        if action == "add":
            rows[0]["accountNo"], rows[1]["accountNo"] = 6900, 1920
        for row in rows:
            await self.bench.visma.change_ledger(self.numbers[name], action, row, seconds_ago=seconds_ago)

    async def hint(self, name: str, *kinds: ChangeKind) -> None:
        """Say of a change that it was made, as visma-connector does."""
        for kind in kinds:
            changed = VismaDataChanged(
                organization_id=self.bench.organization_id,
                visma_customer_id=CUSTOMER,
                visma_company_id=self.numbers[name],
                changes=[DataSetChange(data_set=DataSet.LEDGER_LINES, kind=kind)],
                noticed_at=datetime.now(UTC),
            )
            await self.bench.gateway.event(changed, source="/visma-connector")

    async def overlap_has_passed(self) -> bool:
        """Since everything was read: until then more may come."""
        agreed = await self.bench.pool.fetchval("SELECT max(succeeded_at) FROM sync.work_item")
        return bool(agreed + OVERLAP < datetime.now(UTC))

    async def until_complete(self, *names: str, times: int = 1) -> None:
        """Take in what is published, and ask for another attempt whenever something needs attention."""
        while any(self.completed[name] < times for name in names):
            events = await self.bench.gateway.published(SyncEvent, count=self._seen + 1, within=240)
            for event in events[self._seen :]:
                await self._note(event, self.names[event.company_id])
            self._seen = len(events)

    async def _note(self, event: Any, name: str) -> None:
        match event:
            case SyncPlanned() if name == "rows changed while paging":
                await self.post(name, FIRST, "change", "77.77")
            case SyncPlanned() if name == "deleted rows":
                await self.post(name, FIRST, "delete")
            case SyncCompleted():
                self.completed[name] += 1
            case SyncNeedsAttention():
                self.told[name].append(event)
                if event.status in {ATTENTION, NOT_SUPPORTED}:
                    retry = RetrySync(company_id=event.company_id, organization_id=event.organization_id)
                    await self.bench.gateway.command(retry, actor="kari")

    async def is_proven(self, company_id: UUID) -> bool:
        """Everything is complete, and the landed ledger is what the simulator's books say."""
        statuses = await self.bench.pool.fetch("SELECT DISTINCT status FROM sync.work_item WHERE company_id = $1", company_id)
        if {row["status"] for row in statuses} != {"complete"}:
            return False
        periods = await self.bench.pool.fetchval(
            "SELECT ledger_periods FROM sync.work_item WHERE company_id = $1 AND data_set = 'account_balances'", company_id
        )
        landed = await self.bench.pool.fetch(
            "SELECT account_no, year, period, sum(amount), count(*) FROM sync.ledger_line WHERE company_id = $1 GROUP BY 1, 2, 3",
            company_id,
        )
        stated = await self.bench.visma.totals(self.numbers[self.names[company_id]])
        return {tuple(row) for row in landed} == {
            (each["accountNo"], each["year"], each["period"], Decimal(each["sum"]), each["lines"])
            for each in stated
            if [each["year"], each["period"]] in periods
        }

    def struck(self, name: str) -> dict[DataSet, set[str]]:
        """What users read of each data set while it was tried again."""
        found: dict[DataSet, set[str]] = defaultdict(set)
        for each in self.bench.gateway.seen:
            if isinstance(each.message, SyncProgressed) and self.names[each.message.company_id] == name and each.message.message:
                found[each.message.data_set].add(each.message.message)
        return found


VISMA_SETTINGS = {
    "retry_attempts": 1,
    "page_size": 2000,
    "minute": timedelta(seconds=1),  # after a refusal nothing is asked for a twelfth of it
    "requests_per_minute": 1000,
}
OVERLAP = timedelta(seconds=3)
RETRIEVAL_SETTINGS = {"retry_longest_seconds": 0.2, "consent_minutes": 0.005, "overlap_minutes": OVERLAP / timedelta(minutes=1)}


async def test_every_fault_on_every_data_set_ends_in_a_proof(bench: Any) -> None:
    await bench.hire()
    bench.visma_settings = VISMA_SETTINGS
    placed = [{**rule, "company": NUMBERS[strike.name]} for strike in STRIKES for rule in rules(strike)]
    await bench.visma.fault_all(placed)
    async with bench.worker(**RETRIEVAL_SETTINGS):
        session = Session(bench, NUMBERS)
        await companies_are_created(session)
        await session.until_complete(*NAMES)
        await a_change_that_comes_late_or_twice_is_found(session)
        await the_clock_of_visma_does_not_matter(session)
        met = await bench.visma.faults_met()
    assert met == [rule["times"] for rule in placed]
    for strike in STRIKES:
        troubled = session.struck(strike.name)
        if strike.told:
            assert {(each.status, each.reason) for each in session.told[strike.name]} == strike.told, strike.name
            assert all(each.hint for each in session.told[strike.name])
        else:
            assert session.told[strike.name] == [], strike.name
            assert all(strike.says in message for messages in troubled.values() for message in messages), strike.name
        if strike.told or strike.says:
            assert set(troubled) >= ALL - SHARED - {DataSet.A07_REPORTS}, strike.name
    assert {each.data_set for each in session.told["wrong company's answer"]} >= ALL - SHARED - {DataSet.A07_REPORTS}
    assert set(session.struck("A07 delayed")) == {DataSet.A07_REPORTS}
    for company_id, name in session.names.items():
        assert await session.is_proven(company_id), name


async def companies_are_created(session: Session) -> None:
    """Those whose ledgers change have two vouchers more, by which they do."""
    session.posted_at = datetime.now(UTC)
    for name in EVENTS:
        await session.post(name, FIRST, "add")
        await session.post(name, SECOND, "add")
    employer = (await session.bench.visma.facts(NUMBERS["A07 delayed"]))["organisation_number"]
    for effect in (Status(status=503), Status(status=503), Delay(seconds=0.5)):  # the client itself tries twice
        session.bench.skatteetaten.faults.add(Fault(match="report", organisation_number=employer, effect=effect))
    for strike in STRIKES:
        await session.create(strike.name, *MODULES)
    for name in EVENTS:
        await session.create(name, *([Module.PAYROLL] if name == "A07 delayed" else []))


async def a_change_that_comes_late_or_twice_is_found(session: Session) -> None:
    since_the_newest = (datetime.now(UTC) - session.posted_at).total_seconds()
    await session.post("late commits", FIRST, "change", "55.55", seconds_ago=since_the_newest + 1)
    await probe(session.overlap_has_passed, within=60)
    await session.hint("late commits", ChangeKind.UPDATED)
    await session.post("webhooks doubled and reordered", SECOND, "change", "55.55")
    await session.post("webhooks doubled and reordered", FIRST, "delete")
    await session.hint("webhooks doubled and reordered", ChangeKind.DELETED, ChangeKind.UPDATED, ChangeKind.DELETED)
    await session.until_complete("late commits", "webhooks doubled and reordered", times=2)


async def the_clock_of_visma_does_not_matter(session: Session) -> None:
    for times, ahead in enumerate((7200, -7200), 2):
        await session.bench.visma.clock(ahead)
        await session.post("clock skew", SECOND, "change", f"{times}.00")
        await session.post("clock skew", FIRST, "change", f"{times}.50")
        await session.post("clock skew", THIRD + times, "add")
        await session.hint("clock skew", ChangeKind.UPDATED)
        await session.until_complete("clock skew", times=times)
