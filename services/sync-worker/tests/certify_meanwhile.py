"""What others write into Visma while it is read: every such change in every table, between two pages of that very table.

Pages have two rows, and there is a company for each change. When the second page of a table is asked for, the first row or the last one is
written, which was read before or is still to come; of the ledger in the newest period, which is read to its end in one step, and in the one
before. However it came about, what has landed in the end is what Visma has, and everything is proven without a person.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from contracts.sync import DataSet
from sync_worker.domain.dataset import Dataset
from sync_worker.domain.datasets import DATASETS
from sync_worker.store.companies import company_of
from testkit.probe import probe
from visma_nxt import VismaClient
from visma_nxt.documents import CHANGED
from visma_nxt.tables import Table as VismaTable
from visma_simulator import scenario, server
from visma_simulator.app import build_app
from visma_simulator.columns import Amount, Wording
from visma_simulator.installation import Installation
from visma_simulator.limits import Limits
from visma_simulator.scalars import kroner
from visma_simulator.table import Table
from visma_simulator.writing import write

from .certify_fault_matrix import ALL, MODULES, Session
from .conftest import CUSTOMER, THIS_YEAR, months_back

pytestmark = [pytest.mark.long, pytest.mark.timeout(540)]

PAGE = 2
LATE, OVERLAP = timedelta(seconds=140), timedelta(seconds=150)
"""All tables have their second page within the first of these, so that what is dated so long ago lies behind what was known before."""
BEFORE, TO_COME = "read before", "to come"


@dataclass(frozen=True, slots=True)
class Writing:
    """What is done to which row, and which time the row carries: so long before it can be seen, or after."""

    action: str
    place: str = BEFORE
    seconds_ago: float = 0


WRITINGS = {
    "changed": Writing("change"),
    "changed ahead": Writing("change", TO_COME),
    "added": Writing("add"),
    "added ahead": Writing("add", TO_COME),
    "deleted": Writing("delete"),
    "deleted ahead": Writing("delete", TO_COME),
    "changed, committed late": Writing("change", seconds_ago=LATE.total_seconds()),
    "added, committed late": Writing("add", seconds_ago=LATE.total_seconds()),
    "changed by a clock ahead": Writing("change", seconds_ago=-7200),
    "added by a clock behind": Writing("add", seconds_ago=7200),
}
NO_MEANING = {
    DataSet.OPENING_BALANCES: "sums of the ledger, which have neither pages nor rows of their own",
    DataSet.VAT_FIGURES: "sums of the ledger, which have neither pages nor rows of their own",
    DataSet.UNPOSTED_VOUCHERS: "sums of the batches, which have neither pages nor rows of their own",
    DataSet.ACCOUNT_BALANCES: "sums of the ledger, which have neither pages nor rows of their own",
    DataSet.A07_REPORTS: "one document a month, which is read whole",
}
READ_BY_PAGES = sorted(ALL - set(NO_MEANING))
NUMBERS = {name: 7100000 + place for place, name in enumerate(WRITINGS, 1)}
STARTED = months_back(4)
ROLES = {DataSet.CUSTOMERS: "customerNo", DataSet.SUPPLIERS: "supplierNo"}
"""Both are read from one table: rows that have the number."""


def described() -> scenario.Scenario:
    size = {"lines": 400, "first_year": THIS_YEAR - 1, "customers": 12, "suppliers": 12, "assets": 6}
    companies = [{"number": number, "name": name, **size} for name, number in NUMBERS.items()]
    return scenario.read(
        {
            "clients": [{"id": "isv_accountflow", "secret": "simulator-secret"}],
            "customers": [{"number": CUSTOMER, "name": "Fjordregnskap AS", "companies": companies}],
        }
    )


@pytest.fixture
def visma_url() -> Iterator[str]:
    with server.running(build_app(described(), Limits(requests_per_minute=1_000_000))) as url:
        yield url


async def test_whatever_is_written_while_a_table_is_read_ends_in_a_proof(bench: Any) -> None:
    await bench.hire()
    bench.visma_settings = {"page_size": PAGE}
    installation = Installation(described())
    await everything_has_pages(bench, installation)
    rules = [rule for name in WRITINGS for data_set in READ_BY_PAGES for rule in rules_for(name, data_set, installation)]
    await bench.visma.fault_all(rules)
    async with bench.worker(smallest_page=1, freshness_minutes=0.03, overlap_minutes=OVERLAP / timedelta(minutes=1)):
        session = Session(bench, NUMBERS)
        for name in WRITINGS:
            await session.create(name, *MODULES, months=4)
        await session.until_complete(*WRITINGS)
        assert await bench.visma.faults_met() == [1] * len(rules)
        with suppress(pytest.fail.Exception):  # what differs is told below
            await probe(lambda: as_in_visma(bench, session), within=OVERLAP.total_seconds() + 60, every=0.5)
        assert await differing(bench, session) == {}
        assert [(name, each.data_set, each.reason, each.message) for name, told in session.told.items() for each in told] == []
        for company_id in session.names:  # which are looked at all the time
            await probe(partial(session.is_proven, company_id), within=20)


async def everything_has_pages(bench: Any, installation: Installation) -> None:
    """Also what the simulator has few of in small companies, and the newest period on the first day of its month."""
    day = months_back(0)
    about = {"voucherDate": int(f"{day:%Y%m%d}")}
    keys = [{"voucherJournalNo": 990000 + voucher, "auditNo": 1} for voucher in range(PAGE + 1)]
    pairs = [
        {**key, **about, **each, "voucherNo": key["voucherJournalNo"], "year": day.year, "period": day.month}
        for key in keys
        for each in (
            {"accountNo": 6900, "postedAmountDomestic": "100.10"},
            {"auditNo": 2, "accountNo": 1920, "postedAmountDomestic": "-100.10"},
        )
    ]
    kept = {"GeneralLedgerTransaction": pairs}
    for role, no in (("Customer", "customerNo"), ("Supplier", "supplierNo")):
        kept[f"{role}Transaction"] = [{**key, **about, no: 10001, "amountDomestic": "100.10"} for key in keys]
        kept[f"Open{role}Entry"] = [{**key, no: 10001, "outstandingAmountDomestic": "100.10"} for key in keys]
    for number in NUMBERS.values():
        for table, rows in kept.items():
            await bench.visma.change_ledger(number, "add", rows, table)
            write(installation.data(number), {"action": "add", "row": rows, "table": table}, 0)
        await something_newer_is_known(bench, number, installation)


async def something_newer_is_known(bench: Any, number: int, installation: Installation) -> None:
    """In every table a row is written now: what is dated earlier and seen later is not the newest."""
    for data_set in READ_BY_PAGES:
        [source, *_] = DATASETS[data_set].table.parts or [DATASETS[data_set].table]
        [*_, before_last, _] = rows_of(installation.data(number).tables()[source.type_name], source)
        await bench.visma.change_ledger(number, "change", {name: before_last[name] for name in source.key}, source.type_name)


def rules_for(name: str, data_set: DataSet, installation: Installation) -> list[dict[str, Any]]:
    """The writing as faults of the simulator: each before the second page of the data set, of the ledger that of the two newest periods."""
    dataset, number = DATASETS[data_set], NUMBERS[name]
    source = (dataset.table.parts or [dataset.table])[0]
    table = installation.data(number).tables()[source.type_name]
    rows = rows_of(table, source)
    if dataset.since:
        rows = [row for row in rows if row[dataset.visma_name(dataset.since)] >= int(f"{STARTED:%Y%m%d}")]
    if data_set is DataSet.LEDGER_LINES:
        stretches = {
            f'"period": {{"_in": [{day.month}]}}': [row for row in rows if (row["year"], row["period"]) == (day.year, day.month)]
            for day in (months_back(0), months_back(1))
        }
    elif role := ROLES.get(data_set):
        stretches = {f'"{role}": {{"_not_eq"': [row for row in rows if row[role]]}
    else:
        stretches = {"": rows}
    assert all(len(each) > PAGE for each in stretches.values()), f"{data_set} has no second page"
    return [
        {
            "effect": "written",
            "operation": f"{dataset.table.type_name}Rows",
            "table": source.name,
            "company": number,
            "asking": asking or None,
            "skip": 1,
            "change": {
                "company": number,
                "table": source.type_name,
                "action": WRITINGS[name].action,
                "row": written(WRITINGS[name], dataset, source, table, stretch),
                "seconds_ago": WRITINGS[name].seconds_ago,
            },
        }
        for asking, stretch in stretches.items()
    ]


def rows_of(table: Table, source: VismaTable) -> list[dict[str, Any]]:
    """The rows of the simulator as its control endpoint takes them."""
    columns = {name: table[name] for name in source.columns if name != CHANGED}
    return [
        {
            name: kroner(column.data[place]) if isinstance(column, Amount) else column.plain(column.data[place])
            for name, column in columns.items()
        }
        for place in range(len(table))
    ]


def written(writing: Writing, dataset: Dataset, source: VismaTable, table: Table, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of the first page, or the last of all, as they are written; of the ledger a voucher, so that it still sums to zero."""
    chosen = [rows[-1] if writing.place == TO_COME else rows[0]]
    if dataset.data_set is DataSet.LEDGER_LINES:
        chosen = [
            row for row in rows if row["voucherJournalNo"] == chosen[0]["voucherJournalNo"] and row["voucherNo"] == chosen[0]["voucherNo"]
        ]
    match writing.action:
        case "add":
            last = source.key[-1]
            moved = len(chosen) if writing.place == TO_COME else -len(chosen)
            return [row | {last: moved_text(row[last], moved) if isinstance(row[last], str) else row[last] + moved} for row in chosen]
        case "change":
            about = [column.visma for column in dataset.columns if column.visma in source.columns and column.visma not in source.key]
            return [changed(row, source, about, table, sign) for row, sign in zip(chosen, (1, -1, *[0] * len(chosen)), strict=False)]
    return [{name: row[name] for name in source.key} for row in chosen]


def moved_text(text: str, moved: int) -> str:
    """One that comes before, or after."""
    return chr(ord(text[0]) + moved) + text[1:]


def changed(row: dict[str, Any], source: VismaTable, about: list[str], table: Table, sign: int) -> dict[str, Any]:
    """Other texts and another amount; another number where there is neither."""
    texts = {name: "Endret" for name in about if isinstance(table[name], Wording)}
    amount = next((name for name in about if isinstance(table[name], Amount) and name != "exchangeRate"), None)
    other = texts | ({amount: str(Decimal(row[amount]) + sign)} if amount else {}) or {about[0]: row[about[0]] + 1}
    return {name: row[name] for name in source.key} | other


async def as_in_visma(bench: Any, session: Session) -> bool:
    return not await differing(bench, session)


async def differing(bench: Any, session: Session) -> dict[str, Any]:
    """What has landed and is not what Visma has, or the other way round, by writing and data set."""
    settings = bench.settings().visma.model_copy(update={"page_size": 2000})
    found: dict[str, Any] = {}
    async with VismaClient(settings) as visma:
        for company_id, name in session.names.items():
            company = company_of(await bench.pool.fetchrow("SELECT * FROM sync.company WHERE company_id = $1", company_id))
            periods = await bench.pool.fetchval(
                "SELECT ledger_periods FROM sync.work_item WHERE company_id = $1 AND data_set = 'account_balances'", company_id
            )
            for data_set in READ_BY_PAGES:
                dataset = DATASETS[data_set]
                where = dataset.filter_for(company, [tuple(each) for each in periods])
                page = await visma.rows(dataset.table, company.visma_company_id, where=where)
                stated = {tuple(row) for row in dataset.translate(page.rows, company)}
                columns = ", ".join(dataset.names)
                landed = {
                    tuple(row)
                    for row in await bench.pool.fetch(f"SELECT {columns} FROM sync.{dataset.landing} WHERE company_id = $1", company_id)
                }
                if stated != landed:
                    found[f"{name} × {data_set}"] = (stated - landed, landed - stated)
    return found
