"""Accounting data events made from landed rows: the JSON is written straight from them, without a model of every row.

The result is the same as the contract's model writes when it leaves out nulls that need not be said: a ledger line has thirty fields, and
half of them are null in most companies. A test compares the two.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Self, get_args

import orjson
from pydantic import PrivateAttr

from contracts.accounting import AccountingData, RowsRemoved
from contracts.sync import DataSet, Period
from sync_worker.domain.company import Company
from sync_worker.domain.dataset import Dataset, LandedRow
from sync_worker.domain.row_json import row_json

LARGEST_EVENT = 700_000  # bytes of JSON; Kafka's own limit is a message of a megabyte, headers included


def row_events(
    event: type[AccountingData],
    company: Company,
    period: Period | None,
    names: Sequence[str],
    rows: Iterable[LandedRow],
    *,
    before: Mapping[LandedRow, LandedRow] | None = None,
    data_set: DataSet | None = None,
) -> Iterator[AccountingData]:
    """One event, or several when the rows are too many for one; none for no rows. ``before`` has what changed rows were."""
    about: dict[str, Any] = {
        "company_id": str(company.company_id),
        "organization_id": str(company.organization_id),
        "visma_company_id": company.visma_company_id,
    }
    if period is not None:
        about["period"] = {"label": period.label, "first_day": period.first_day, "last_day": period.last_day}
    if data_set is not None:
        about["data_set"] = data_set
    head = orjson.dumps(about)[:-1] + b',"rows":['
    tail = b'],"before":[' if "before" in event.model_fields else b""
    written, said = _written(event), row_json(tuple(names), _may_be_missing(event))
    pieces: list[bytes] = []
    replaced: list[bytes] = []
    size = len(head)
    for row in rows:
        piece = said(row)
        if pieces and size + len(piece) > LARGEST_EVENT:
            yield written.of(company, _joined(head, pieces, tail, replaced))
            pieces, replaced, size = [], [], len(head)
        pieces.append(piece)
        size += len(piece) + 1
        if tail and before and row in before:
            replaced.append(said(before[row]))
            size += len(replaced[-1]) + 1
    if pieces:
        yield written.of(company, _joined(head, pieces, tail, replaced))


def removals(dataset: Dataset, company: Company, period: Period | None, rows: Iterable[LandedRow]) -> Iterator[AccountingData]:
    """Rows that Visma no longer has, in the message that the data set has for them."""
    if dataset.removal is not None:
        return row_events(dataset.removal, company, period, dataset.names, rows)
    return row_events(RowsRemoved, company, None, dataset.names, rows, data_set=dataset.data_set)


def _joined(head: bytes, pieces: Sequence[bytes], tail: bytes, replaced: Sequence[bytes]) -> bytes:
    return b"".join((head, b",".join(pieces), tail, b",".join(replaced), b"]}"))


class _WrittenEvent(AccountingData):
    """An event whose JSON is there already."""

    _json: bytes = PrivateAttr(b"")

    @classmethod
    def of(cls, company: Company, json: bytes) -> Self:
        event = cls(company_id=company.company_id, organization_id=company.organization_id, visma_company_id=company.visma_company_id)
        event._json = json
        return event

    def model_dump_json(self, **_: Any) -> str:
        return self._json.decode()


@cache
def _may_be_missing(event: type[AccountingData]) -> frozenset[str]:
    """The fields of a row that have a default; none where a row is any object."""
    (row,) = get_args(event.model_fields["rows"].annotation)
    return frozenset(name for name, field in getattr(row, "model_fields", {}).items() if not field.is_required())


@cache
def _written(event: type[AccountingData]) -> type[_WrittenEvent]:
    return type(f"Written{event.__name__}", (_WrittenEvent,), {"TYPE": event.TYPE, "__doc__": event.__doc__, "__module__": __name__})
