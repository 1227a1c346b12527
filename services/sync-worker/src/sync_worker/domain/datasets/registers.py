"""Registers that ledger lines refer to: who, which series and type of voucher, which dimension."""

from typing import Any

from contracts import accounting
from contracts.sync import DataSet
from sync_worker.domain.company import Company
from sync_worker.domain.dataset import COUNTED, Column, Dataset, text
from visma_nxt import tables
from visma_nxt.filters import not_eq
from visma_nxt.tables import Table
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


def _org_units(data_set: DataSet, table: Table, dimension: int) -> Dataset:
    key = table.key[0]
    return Dataset(
        data_set=data_set,
        table=table,
        landing=f"org_unit_{dimension}",
        event=accounting.OrgUnitsRetrieved,
        columns=(Column("org_unit", key), Column("dimension", key, lambda _value, _company: dimension), Column("name", "name", text)),
        proof=COUNTED,
    )


ORG_UNITS_1 = _org_units(DataSet.ORG_UNITS_1, tables.ORG_UNIT_1, 1)
ORG_UNITS_2 = _org_units(DataSet.ORG_UNITS_2, tables.ORG_UNIT_2, 2)
