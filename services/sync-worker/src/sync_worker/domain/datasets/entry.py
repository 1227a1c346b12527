"""What is entered and not posted: a warning beside the ledger, by accounting period."""

from contracts import accounting
from contracts.sync import DataSet
from sync_worker.domain.dataset import Column, Dataset, amount
from visma_nxt.tables import Table

_SUMS = Table(
    name="voucher",
    key=("year", "period"),
    columns=("year", "period", "batches", "count", "amountDomestic"),
    amounts=frozenset({"amountDomestic"}),
)
"""The vouchers of all batches as `unposted_vouchers` sums them up."""

UNPOSTED_VOUCHERS = Dataset(
    data_set=DataSet.UNPOSTED_VOUCHERS,
    table=_SUMS,
    landing="unposted_vouchers",
    event=accounting.UnpostedVouchersFound,
    columns=(
        Column("year", "year"),
        Column("period", "period"),
        Column("batches", "batches"),
        Column("vouchers", "count"),
        Column("amount", "amountDomestic", amount),
    ),
    sums=("batches", "vouchers", "amount"),
    proof="Visma's own sums, for information",
)
