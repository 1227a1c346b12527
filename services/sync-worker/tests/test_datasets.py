"""Declarations against the contracts, rows against their translation, fast JSON against the models."""

from datetime import date
from decimal import Decimal
from typing import Any, get_args
from uuid import UUID

import orjson
import pytest

from contracts.accounting import AccountingData, LedgerLine, LedgerLinesRetrieved
from contracts.company import PeriodType
from contracts.sync import RETIRED, DataSet, Period
from sync_worker.domain.company import Company
from sync_worker.domain.dataset import Dataset
from sync_worker.domain.datasets import DATASETS, LEDGER_LINES
from sync_worker.retrieval.row_events import LARGEST_EVENT, row_events

COMPANY = Company(
    company_id=UUID(int=1),
    organization_id=UUID(int=2),
    visma_company_id=7100001,
    organisation_number="999888777",
    period_type=PeriodType.MONTH,
    financial_year_start_month=1,
    reconciliation_start=date(2026, 2, 1),
    modules=frozenset(),
)
OCTOBER = Period(label="2026-10", first_day=date(2026, 10, 1), last_day=date(2026, 10, 31))
LINE = {
    "voucherJournalNo": 12,
    "auditNo": 3,
    "accountNo": 3000,
    "year": 2026,
    "period": 10,
    "voucherNo": 10044,
    "voucherType": 2,
    "voucherDate": 20261014,
    "valueDate": 0,
    "text": "Faktura «10044» Sjøgata \\ AS",
    "postedAmountDomestic": Decimal("-1234.50"),
    "currencyNo": 0,
    "taxCode": 3,
    "customerNo": 10001,
    "supplierNo": 0,
    "exchangeRate": Decimal("1.00"),
    "amountInCurrency": Decimal("-1234.50"),
    "invoiceNo": "20044",
    "dueDate": 20261028,
    "origin": 0,
    **{f"orgUnit{dimension}": "" if dimension > 6 else 0 for dimension in range(1, 13)},
    "orgUnit2": None,
    "orgUnit3": 4,
    "orgUnit7": "NORD",
    "changedTimestamp": None,
}


def a_row(dataset: Dataset) -> dict[str, Any]:
    """A row as Visma gives it: a number everywhere but in the columns of dates, amounts and texts."""
    texts = {
        "description",
        "name",
        "accountGroup",
        "companyNo",
        "invoiceNo",
        "text",
        "saftTaxCode",
        *(f"orgUnit{number}" for number in range(7, 13)),
    }
    row: dict[str, Any] = {}
    for number, column in enumerate(dataset.table.columns, start=1):
        row[column] = 20260115 if column in dataset.table.dates else "987 654 321" if column in texts else number
        row[column] = Decimal("10.50") if column in dataset.table.amounts else row[column]
    return row


def rows_model(event: type[AccountingData]) -> Any:
    return get_args(event.model_fields["rows"].annotation)[0]


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=lambda dataset: dataset.data_set.value)
def test_a_declaration_fills_its_message(dataset: Dataset) -> None:
    assert set(dataset.names) == set(rows_model(dataset.event).model_fields)
    assert {column.visma for column in dataset.columns} <= set(dataset.table.columns)
    [event] = row_events(dataset.event, COMPANY, OCTOBER, dataset.names, dataset.translate([a_row(dataset)], COMPANY))
    read = dataset.event.model_validate_json(event.model_dump_json(), strict=True)
    assert len(read.rows) == 1  # type: ignore[attr-defined]
    assert (event.TYPE, event.TOPIC, event.subject) == (read.TYPE, read.TOPIC, read.subject)


def test_every_data_set_of_visma_is_declared() -> None:
    assert set(DATASETS) == set(DataSet) - RETIRED - {DataSet.A07_REPORTS, DataSet.ACCOUNT_BALANCES}


def test_a_ledger_line_is_translated_column_by_column() -> None:
    [row] = LEDGER_LINES.translate([LINE], COMPANY)
    assert dict(zip(LEDGER_LINES.names, row, strict=True)) == {
        "voucher_journal_no": 12,
        "audit_no": 3,
        "account_no": 3000,
        "year": 2026,
        "period": 10,
        "voucher_no": 10044,
        "voucher_type": 2,
        "voucher_date": date(2026, 10, 14),
        "value_date": None,
        "text": "Faktura «10044» Sjøgata \\ AS",
        "amount": Decimal("-1234.50"),
        "currency_no": None,
        "vat_code": 3,
        "customer_no": 10001,
        "supplier_no": None,
        "exchange_rate": Decimal("1.00"),
        "amount_in_currency": Decimal("-1234.50"),
        "invoice_no": "20044",
        "due_date": date(2026, 10, 28),
        "origin": 0,
        **{f"org_unit_{dimension}": None for dimension in range(1, 13)},
        "org_unit_3": 4,
        "org_unit_7": "NORD",
    }


def test_a_vat_term_that_began_before_the_start_is_partial() -> None:
    terms = DATASETS[DataSet.VAT_TERMS]
    rows = [{"year": 2026, "taxTerm": term, "fromDate": 20260100 + first, "toDate": 20260228} for term, first in ((1, 1), (2, 201 - 100))]
    translated = [dict(zip(terms.names, row, strict=True))["partial"] for row in terms.translate(rows, COMPANY)]
    assert translated == [True, False]


def test_json_written_from_rows_is_what_the_models_write() -> None:
    rows = LEDGER_LINES.translate([LINE, LINE | {"auditNo": 4, "postedAmountDomestic": Decimal(1250), "text": None}], COMPANY)
    lines = [LedgerLine(**dict(zip(LEDGER_LINES.names, row, strict=True))) for row in rows]
    written = LedgerLinesRetrieved(
        company_id=COMPANY.company_id, organization_id=COMPANY.organization_id, visma_company_id=7100001, period=OCTOBER, rows=lines
    )
    [event] = row_events(LedgerLinesRetrieved, COMPANY, OCTOBER, LEDGER_LINES.names, rows)
    assert orjson.loads(event.model_dump_json()) == {"before": []} | orjson.loads(written.model_dump_json(exclude_defaults=True))
    assert LedgerLinesRetrieved.model_validate_json(event.model_dump_json()) == written


def test_events_stay_below_the_largest_size_and_lose_no_row() -> None:
    rows = LEDGER_LINES.translate([LINE | {"auditNo": number, "text": "x" * 1000} for number in range(2000)], COMPANY)
    events = list(row_events(LedgerLinesRetrieved, COMPANY, OCTOBER, LEDGER_LINES.names, rows))
    assert len(events) > 1
    assert all(len(event.model_dump_json().encode()) <= LARGEST_EVENT + 10 for event in events)
    read = [row["audit_no"] for event in events for row in orjson.loads(event.model_dump_json())["rows"]]
    assert read == list(range(2000))


def test_no_rows_make_no_event() -> None:
    assert list(row_events(LedgerLinesRetrieved, COMPANY, OCTOBER, LEDGER_LINES.names, [])) == []


def test_ledger_lines_are_never_asked_for_without_periods() -> None:
    with pytest.raises(ValueError, match="by period"):
        LEDGER_LINES.filter_for(COMPANY, ())


def test_periods_of_two_ledger_years_are_asked_for_year_by_year() -> None:
    where = LEDGER_LINES.filter_for(COMPANY, ((2025, 13), (2026, 1), (2025, 12)))
    assert where is not None
    assert where.expression == {
        "_or": [
            {"_and": [{"year": {"_eq": 2025}}, {"period": {"_in": [12, 13]}}]},
            {"_and": [{"year": {"_eq": 2026}}, {"period": {"_in": [1]}}]},
        ]
    }
