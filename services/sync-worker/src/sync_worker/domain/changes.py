"""What was read of a period of the ledger since it was verified: lines that came new, came different, or went, by voucher."""

from collections.abc import Collection, Iterable, Mapping

from contracts.message import Record
from contracts.sync import RepairedVoucher
from sync_worker.domain.dataset import Dataset, LandedRow
from sync_worker.domain.locating import MOST_PLACES, voucher_key
from sync_worker.domain.periods import YearAndPeriod
from sync_worker.domain.proof import Group, Landed

IN_SUMS = frozenset({"account_no", "year", "period", "amount"})
"""What the sums of a proof tell of."""


class VoucherChange(Record):
    """Lines of a voucher that came new, came different, or went."""

    voucher: Group
    new: int = 0
    different: int = 0
    gone: int = 0


class Changes(Record):
    """``fields`` are those in which lines came different. Of very many vouchers only the first are named."""

    different: int = 0
    fields: tuple[str, ...] = ()
    vouchers: tuple[VoucherChange, ...] = ()

    def and_(self, other: "Changes") -> "Changes":
        """Both together."""
        return Changes(
            different=self.different + other.different,
            fields=tuple(sorted({*self.fields, *other.fields})),
            vouchers=_by_voucher([*self.vouchers, *other.vouchers]),
        )

    def repaired(self, landed: Mapping[Group, Landed]) -> list[RepairedVoucher]:
        """The vouchers with the lines they had and have, of which ``landed`` is what there is now."""
        return [
            RepairedVoucher(
                voucher_journal_no=each.voucher[0],
                voucher_no=each.voucher[1],
                lines_before=after - each.new + each.gone,
                lines_after=after,
                lines_changed=each.new + each.different + each.gone,
            )
            for each in self.vouchers
            for after in [landed.get(each.voucher, Landed(0)).rows]
        ]


NOTHING = Changes()


def came(
    dataset: Dataset, ledger_periods: Collection[YearAndPeriod], rows: Iterable[LandedRow], before: Mapping[LandedRow, LandedRow]
) -> Changes:
    """Lines that came new or different to a period, of which ``before`` has what they were.

    One that was in another period is new to this one, one that was in another voucher is new to the one and gone from the other.
    """
    found: list[VoucherChange] = []
    fields: set[str] = set()
    for row in rows:
        old, voucher = before.get(row), _voucher(dataset, row)
        if old is None or _values(dataset, old, ("year", "period")) not in ledger_periods:
            found.append(VoucherChange(voucher=voucher, new=1))
            continue
        fields.update(name for name, now, was in zip(dataset.names, row, old, strict=True) if now != was)
        if (left := _voucher(dataset, old)) == voucher:
            found.append(VoucherChange(voucher=voucher, different=1))
        else:
            found += [VoucherChange(voucher=voucher, new=1), VoucherChange(voucher=left, gone=1)]
    return Changes(different=len(before), fields=tuple(sorted(fields)), vouchers=_by_voucher(found))


def went(dataset: Dataset, rows: Iterable[LandedRow]) -> Changes:
    """Lines that are there no more."""
    return Changes(vouchers=_by_voucher(VoucherChange(voucher=_voucher(dataset, row), gone=1) for row in rows))


def _voucher(dataset: Dataset, row: LandedRow) -> Group:
    return _values(dataset, row, voucher_key(dataset))


def _values(dataset: Dataset, row: LandedRow, names: Iterable[str]) -> Group:
    return tuple(row[dataset.names.index(name)] for name in names)


def _by_voucher(found: Iterable[VoucherChange]) -> tuple[VoucherChange, ...]:
    gathered: dict[Group, VoucherChange] = {}
    for each in found:
        known = gathered.get(each.voucher)
        if known is None and len(gathered) == MOST_PLACES:
            continue
        gathered[each.voucher] = each if known is None else _together(known, each)
    return tuple(gathered[voucher] for voucher in sorted(gathered))


def _together(one: VoucherChange, other: VoucherChange) -> VoucherChange:
    return VoucherChange(
        voucher=one.voucher, new=one.new + other.new, different=one.different + other.different, gone=one.gone + other.gone
    )
