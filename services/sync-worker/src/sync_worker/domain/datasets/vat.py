"""Value added tax."""

from typing import Any

from contracts import accounting
from contracts.company import Module
from contracts.sync import DataSet
from sync_worker.domain.company import Company
from sync_worker.domain.dataset import COUNTED, LAST, Column, Dataset, amount, day, flag, reference, text
from visma_nxt import tables
from visma_nxt.tables import Table
from visma_nxt.values import date_of

_FIGURES = Table(
    name="generalLedgerTransaction",
    key=("year", "taxTerm", "taxCode"),
    columns=("year", "taxTerm", "taxCode", "saftTaxCode", "taxRate", "base", "vat", "count", "partial"),
    amounts=frozenset({"taxRate", "base", "vat"}),
)
"""The ledger and the registers of codes and terms together, as `vat_figures` sums them up."""


def _began_before_the_start(value: Any, company: Company) -> bool:
    first_day = date_of(value)
    return first_day is not None and first_day < company.reconciliation_start


VAT_CODES = Dataset(
    data_set=DataSet.VAT_CODES,
    table=tables.TAX_CODE,
    landing="vat_code",
    event=accounting.VatCodesRetrieved,
    columns=(
        Column("vat_code", "taxCode"),
        Column("description", "description", text),
        Column("rate", "taxRate"),
        Column("standard_code", "saftTaxCode", reference),
        Column("account_no", "accountNo", reference),
    ),
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

VAT_FIGURES = Dataset(
    data_set=DataSet.VAT_FIGURES,
    table=_FIGURES,
    landing="vat_figure",
    event=accounting.VatFiguresCalculated,
    columns=(
        Column("year", "year"),
        Column("term", "taxTerm"),
        Column("vat_code", "taxCode"),
        Column("standard_code", "saftTaxCode", reference),
        Column("rate", "taxRate"),
        Column("base", "base", amount),
        Column("vat", "vat", amount),
        Column("lines", "count"),
        Column("partial", "partial", flag),
    ),
    module=Module.VAT,
    of_ledger=True,
    sums=("base", "vat", "lines"),
    rank=LAST,
    proof="sum and number of lines of every term, tax code and account equal to Visma's own",
)
