"""What others write into a company, said from outside."""

from collections.abc import Mapping
from typing import Any

from visma_simulator.company import CompanyData
from visma_simulator.scenario import Company
from visma_simulator.table import Table
from visma_simulator.webhooks import Change, RowEvent

LEDGER = "GeneralLedgerTransaction"
EVENTS: dict[str, RowEvent] = {"add": "INSERT", "change": "UPDATE", "delete": "DELETE"}


def write(data: CompanyData, said: Mapping[str, Any], now: int) -> list[Change]:
    """`{"action": add | change | delete, "row" (key and values, or a list of them), "table"}` in the company's data; `now` in microseconds.

    The table is the ledger unless named. A new ledger line that names no key starts a journal of its own.
    """
    table = data.tables()[said.get("table", LEDGER)]
    rows = said["row"] if isinstance(said["row"], list) else [said["row"]]
    return [_changed(data.company, table, said["action"], dict(row), now) for row in rows]


def _changed(company: Company, table: Table, action: str, row: dict[str, Any], now: int) -> Change:
    match action:
        case "add":
            if table.shape.name == LEDGER:
                row = {"voucherJournalNo": table["voucherJournalNo"].data[-1] + 1, "auditNo": 1, "exchangeRate": 1} | row
            table.insert(row, now)
        case "change":
            values = {name: value for name, value in row.items() if name not in table.shape.key}
            table.change(table.find(row), values, now)
        case "delete":
            table.delete(table.find(row))
        case other:
            raise ValueError(f"action is add, change or delete, not {other!r}")
    columns = tuple(name for name in row if name not in table.shape.key)
    return Change(
        company=company,
        table=table.shape.name,
        event=EVENTS[action],
        key={name: row[name] for name in table.shape.key},
        columns=columns,
    )
