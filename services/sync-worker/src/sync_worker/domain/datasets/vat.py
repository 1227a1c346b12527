"""Value added tax."""

from typing import Any

from contracts import accounting
from contracts.company import Module
from contracts.sync import DataSet
from sync_worker.domain.company import Company
from sync_worker.domain.dataset import COUNTED, Column, Dataset, day, text
from visma_nxt import tables
from visma_nxt.values import date_of


def _began_before_the_start(value: Any, company: Company) -> bool:
    first_day = date_of(value)
    return first_day is not None and first_day < company.reconciliation_start


VAT_CODES = Dataset(
    data_set=DataSet.VAT_CODES,
    table=tables.TAX_CODE,
    landing="vat_code",
    event=accounting.VatCodesRetrieved,
    columns=(Column("vat_code", "taxCode"), Column("description", "description", text)),
    module=Module.VAT,
    proof=COUNTED,
)

VAT_TERMS = Dataset(
    data_set=DataSet.VAT_TERMS,
    table=tables.TAX_TERM,
    landing="vat_term",
    event=accounting.VatTermsRetrieved,
    columns=(
        Column("year", "year"),
        Column("term", "taxTerm"),
        Column("first_day", "fromDate", day),
        Column("last_day", "toDate", day),
        Column("partial", "fromDate", _began_before_the_start),
    ),
    since="last_day",
    module=Module.VAT,
    proof=COUNTED,
)
