"""What came and went of a period, by voucher."""

from typing import Any

from sync_worker.domain import changes
from sync_worker.domain.changes import NOTHING, Changes, VoucherChange
from sync_worker.domain.datasets import LEDGER_LINES
from sync_worker.domain.proof import Landed

JUNE, JULY = (2026, 6), (2026, 7)
NAMES = LEDGER_LINES.names


def line(**values: Any) -> tuple[Any, ...]:
    """Of a voucher 7 in journal 5, in June."""
    known = {"voucher_journal_no": 5, "audit_no": 1, "voucher_no": 7, "year": 2026, "period": 6, "text": "", "amount": 1}
    return tuple((known | values).get(name) for name in NAMES)


def came(*pairs: tuple[tuple[Any, ...], tuple[Any, ...] | None]) -> Changes:
    return changes.came(LEDGER_LINES, [JUNE], [now for now, _ in pairs], {now: was for now, was in pairs if was is not None})


def test_a_line_that_says_something_else() -> None:
    found = came((line(text="ny", vat_code=6), line(text="gammel")))
    assert found == Changes(different=1, fields=("text", "vat_code"), vouchers=(VoucherChange(voucher=(5, 7), different=1),))


def test_a_line_of_another_period_is_new_to_this_one() -> None:
    assert came((line(), line(period=7))).vouchers == (VoucherChange(voucher=(5, 7), new=1),)


def test_a_line_that_moves_is_new_to_one_voucher_and_gone_from_the_other() -> None:
    found = came((line(voucher_no=8), line()))
    assert found.fields == ("voucher_no",)
    assert found.vouchers == (VoucherChange(voucher=(5, 7), gone=1), VoucherChange(voucher=(5, 8), new=1))


def test_vouchers_are_told_with_the_lines_they_had_and_have() -> None:
    found = came((line(audit_no=1), None), (line(audit_no=2, text="ny"), line(audit_no=2)))
    found = found.and_(changes.went(LEDGER_LINES, [line(audit_no=3), line(audit_no=4)]))
    [repaired] = found.repaired({(5, 7): Landed(4)})
    assert (repaired.lines_before, repaired.lines_after, repaired.lines_changed) == (5, 4, 4)


def test_of_very_many_vouchers_the_first_are_named(monkeypatch: Any) -> None:
    monkeypatch.setattr(changes, "MOST_PLACES", 2)
    found = came(*((line(voucher_no=number), None) for number in (1, 2, 3, 2)))
    assert [(each.voucher, each.new) for each in found.vouchers] == [((5, 1), 1), ((5, 2), 2)]


def test_nothing() -> None:
    assert came() == changes.went(LEDGER_LINES, []) == NOTHING
