"""Registers that ledger lines refer to: who, which series and type of voucher, which dimension."""

from typing import Any

from contracts import accounting
from contracts.sync import DataSet
from sync_worker.domain.company import Company
from sync_worker.domain.dataset import COUNTED, Column, Dataset, text
from visma_nxt import tables
from visma_nxt.filters import not_eq
from visma_nxt.values import organisation_number_of


def _organisation_number(value: Any, _: Company) -> str | None:
    return organisation_number_of(value)


CUSTOMERS = Dataset(
    data_set=DataSet.CUSTOMERS,
    table=tables.ASSOCIATE,
    landing="customer",
    event=accounting.CustomersRetrieved,
    columns=(
        Column("associate_no", "associateNo"),
        Column("customer_no", "customerNo"),
        Column("name", "name", text),
        Column("organisation_number", "companyNo", _organisation_number),
    ),
    where=lambda _: not_eq("customerNo", 0),
    proof=COUNTED,
)

SUPPLIERS = Dataset(
    data_set=DataSet.SUPPLIERS,
    table=tables.ASSOCIATE,
    landing="supplier",
    event=accounting.SuppliersRetrieved,
    columns=(
        Column("associate_no", "associateNo"),
        Column("supplier_no", "supplierNo"),
        Column("name", "name", text),
        Column("organisation_number", "companyNo", _organisation_number),
    ),
    where=lambda _: not_eq("supplierNo", 0),
    proof=COUNTED,
)

VOUCHER_SERIES = Dataset(
    data_set=DataSet.VOUCHER_SERIES,
    table=tables.VOUCHER_SERIES,
    landing="voucher_series",
    event=accounting.VoucherSeriesRetrieved,
    columns=(
        Column("voucher_series_no", "voucherSeriesNo"),
        Column("name", "name", text),
        Column("last_voucher_no", "lastVoucherNo"),
        Column("next_voucher_no", "nextVoucherNo"),
    ),
    proof=COUNTED,
)

VOUCHER_TYPES = Dataset(
    data_set=DataSet.VOUCHER_TYPES,
    table=tables.VOUCHER_TYPE,
    landing="voucher_type",
    event=accounting.VoucherTypesRetrieved,
    columns=(
        Column("voucher_type", "voucherTypeNo"),
        Column("name", "name", text),
    ),
    proof=COUNTED,
)


ORG_UNITS = Dataset(
    data_set=DataSet.ORG_UNITS,
    table=tables.ORG_UNIT,
    landing="org_unit",
    event=accounting.OrgUnitsRetrieved,
    columns=(
        Column("dimension", "dimension"),
        Column("code", "orgUnitNo", lambda value, _: str(value)),
        Column("org_unit", "orgUnitNo", lambda value, _: value if isinstance(value, int) else None),
        Column("name", "name", text),
    ),
    proof=COUNTED,
)
