"""Posting: vouchers become journals, journals become rows of the ledger, the sub-ledgers and the asset register."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from random import Random

from visma_simulator.columns import Texts
from visma_simulator.vouchers import KINDS, PAYMENT, SERIES, Line, OpenItem, Voucher

FIRST_VOUCHER_NO = 10_001  # the same in every series: a voucher number means nothing without its series
VOUCHERS_PER_JOURNAL = 25

SUBLEDGER = {
    "voucherJournalNo": "i",
    "auditNo": "h",
    "partyNo": "i",
    "invoiceNo": "i",
    "voucherNo": "i",
    "voucherType": "b",
    "voucherDate": "i",
    "dueDate": "i",
    "year": "h",
    "period": "b",
    "amountDomestic": "q",
    "outstandingAmountDomestic": "q",
    "paidStatus": "b",
    "paidLast": "i",
    "text": "i",
    "created": "q",
    "changed": "q",
}
LEDGER = {
    "voucherJournalNo": "i",
    "auditNo": "h",
    "accountNo": "h",
    "year": "h",
    "period": "b",
    "voucherNo": "i",
    "voucherSeriesNo": "b",
    "voucherType": "b",
    "voucherDate": "i",
    "text": "i",
    "postedAmountDomestic": "q",
    "taxCode": "b",
    "orgUnit1": "b",
    "orgUnit2": "b",
    "origin": "b",
    "customerNo": "i",
    "supplierNo": "i",
    "invoiceNo": "i",
    "dueDate": "i",
    "created": "q",
}
ASSETS = {
    "voucherJournalNo": "i",
    "auditNo": "h",
    "capitalAssetNo": "i",
    "transactionType": "b",
    "accountNo": "h",
    "year": "h",
    "period": "b",
    "voucherNo": "i",
    "voucherDate": "i",
    "amountDomestic": "q",
    "created": "q",
    "changed": "q",
}
DAY = 86_400_000_000
SECOND = 1_000_000


class Columns:
    """Arrays that grow by rows."""

    def __init__(self, codes: dict[str, str]) -> None:
        self.arrays = {name: array(code) for name, code in codes.items()}
        self._pending: list[tuple[int, ...]] = []
        self._flushed = 0

    def append(self, row: tuple[int, ...]) -> int:
        self._pending.append(row)
        return self._flushed + len(self._pending) - 1

    def flush(self) -> None:
        """Move the rows into the arrays, column by column: several times as fast as row by row."""
        if not self._pending:
            return
        for column, values in zip(self.arrays.values(), zip(*self._pending, strict=True), strict=True):
            column.extend(array(column.typecode, values))
        self._flushed += len(self._pending)
        self._pending.clear()


class Journals:
    """The posted books of one company."""

    def __init__(self, random: Random, texts: Texts) -> None:
        self._random, self._texts = random, texts
        self.ledger, self.assets = Columns(LEDGER), Columns(ASSETS)
        self.receivables, self.payables = Columns(SUBLEDGER), Columns(SUBLEDGER)
        self.next_voucher_no = dict.fromkeys(SERIES, FIRST_VOUCHER_NO)
        self._journal_no = 0
        self._instant = 0

    def post(self, vouchers: Sequence[Voucher], first_instant: int) -> None:
        """Post the vouchers of one month that begins at `first_instant` (microseconds since 1970)."""
        vouchers = sorted(vouchers, key=lambda voucher: (voucher.posted, voucher.kind))
        settled: list[tuple[Columns, OpenItem, int, int, int]] = []
        for journal in self._journals(vouchers):
            self._journal_no += 1
            working_time = 8 * 3600 + self._random.random() * 30_000
            instant = first_instant + (journal[0].posted - 1) * DAY + int(working_time * SECOND)
            self._instant = max(instant, self._instant + SECOND)
            audit_no = asset_no = 0
            for voucher in journal:
                kind, date, (year, period) = voucher.kind, voucher.date, voucher.period
                number = self.next_voucher_no[voucher.kind.series]
                self.next_voucher_no[voucher.kind.series] += 1
                text = self._texts.code(voucher.text)
                for line in voucher.lines:
                    audit_no += 1
                    customer, supplier, invoice, due = self._subledger(voucher, line, audit_no, number, text, settled)
                    self.ledger.append(
                        (
                            self._journal_no, audit_no, line.account, year, period, number, kind.series, kind.type, date, text, line.amount,
                            line.tax, line.unit1, line.unit2, kind.origin, customer, supplier, invoice, due, self._instant,
                        )
                    )  # fmt: skip
                for entry in voucher.assets:
                    asset_no += 1
                    self.assets.append(
                        (
                            self._journal_no, asset_no, entry.asset, entry.type, entry.account, year, period, number, date, entry.amount,
                            self._instant, self._instant,
                        )
                    )  # fmt: skip
        for columns in (self.ledger, self.assets, self.receivables, self.payables):
            columns.flush()
        for columns, item, amount, date, instant in settled:
            _settle(columns.arrays, item, amount, date, instant)

    def _journals(self, vouchers: Sequence[Voucher]) -> Iterator[list[Voucher]]:
        """Neighbours of one kind are posted together, up to a limit that differs from journal to journal."""
        journal: list[Voucher] = []
        limit = 1
        for voucher in vouchers:
            if journal and (len(journal) >= limit or (voucher.kind, voucher.posted) != (journal[0].kind, journal[0].posted)):
                yield journal
                journal = []
            if not journal:
                limit = 1 + int(self._random.random() * VOUCHERS_PER_JOURNAL)
            journal.append(voucher)
        if journal:
            yield journal

    def _subledger(
        self, voucher: Voucher, line: Line, audit_no: int, number: int, text: int, settled: list[tuple[Columns, OpenItem, int, int, int]]
    ) -> tuple[int, int, int, int]:
        """Write the line's sub-ledger row if it has one; the customer, supplier, invoice and due date of the ledger line."""
        item = line.item
        if item is None:
            return 0, 0, 0, 0
        columns, is_payment = self.receivables if line.account == 1500 else self.payables, voucher.kind is PAYMENT
        date, (year, period) = voucher.date, voucher.period
        outstanding, paid_last = (0, date) if is_payment else (line.amount, 0)
        row = columns.append(
            (
                self._journal_no, audit_no, item.party, item.invoice, number, voucher.kind.type, date, item.due, year, period, line.amount,
                outstanding, int(is_payment), paid_last, text, self._instant, self._instant,
            )
        )  # fmt: skip
        if is_payment:
            settled.append((columns, item, line.amount, date, self._instant))
        else:
            item.row = row
        return (item.party, 0, item.invoice, item.due) if columns is self.receivables else (0, item.party, item.invoice, item.due)


def _settle(columns: dict[str, "array[int]"], item: OpenItem, amount: int, date: int, instant: int) -> None:
    """A payment reduces what is outstanding on the invoice it settles, and touches that row."""
    columns["outstandingAmountDomestic"][item.row] += amount
    columns["paidStatus"][item.row] = int(columns["outstandingAmountDomestic"][item.row] == 0)
    columns["paidLast"][item.row] = date
    columns["changed"][item.row] = instant


def voucher_types() -> Iterable[tuple[int, str]]:
    return sorted((kind.type, kind.name) for kind in KINDS)
