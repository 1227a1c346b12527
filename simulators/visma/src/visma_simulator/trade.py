"""Invoices out and in, and their payments."""

from collections import defaultdict
from datetime import date, timedelta

from visma_simulator import chart, fiscal, vouchers
from visma_simulator.books import BANK, PAYABLES, RECEIVABLES, Books
from visma_simulator.fiscal import Period
from visma_simulator.vouchers import AssetEntry, Line, OpenItem

FIRST_CUSTOMER, FIRST_SUPPLIER = 10_000, 50_000
UNITS1, UNITS2 = 4, 8
NEVER_PAID, HALF_PAID, LATE_BOOKED, CREDITED = 0.03, 0.02, 0.02, 0.03
INVOICES_PER_PAYMENT = 7


class Trade:
    def __init__(self, books: Books) -> None:
        self._books, self._draw = books, books.random.random
        self._payments: dict[int, list[tuple[date, OpenItem, int]]] = defaultdict(list)
        self._invoice_no = 20_000

    def happen(self) -> None:
        """One more event of the open month."""
        kind = self._draw()
        if kind < 0.5:
            self._sell()
        elif kind < 0.95:
            lines, gross = self._priced(chart.PURCHASES, 1)
            self.buy(self._books.any_day(), lines, gross)
        else:
            fee = 500 + int(self._draw() * 20_000)
            self._books.add(vouchers.PAYMENT, self._books.any_day(), "Gebyr", [Line(7770, fee), Line(BANK, -fee)])

    def buy(self, day: date, lines: list[Line], gross: int, assets: tuple[AssetEntry, ...] = ()) -> None:
        """An incoming invoice. A few arrive after their month is over and are booked in it all the same, within one VAT term."""
        books, dated, period = self._books, day, self._books.period
        if not assets and books.month % 2 and period.period > 1 and books.month > books.first_month and self._draw() < LATE_BOOKED:
            dated, period = fiscal.last_day(books.month - 1), Period(period.year, period.period - 1)
        supplier, invoice = self._one_of(FIRST_SUPPLIER, books.company.suppliers), 1000 + int(self._draw() * 9_000_000)
        item = OpenItem(PAYABLES, supplier, invoice, fiscal.number(dated + timedelta(days=30)), -gross)
        payable = Line(PAYABLES, -gross, item=item)
        books.add(vouchers.PURCHASE, day, "Inngående faktura", [*lines, payable], dated=dated, period=period, assets=assets)
        self._expect_payment(day + timedelta(days=30), item)

    def pay(self) -> None:
        """The payments that fall in the open month, several invoices of one side in one voucher."""
        due = sorted(self._payments.pop(self._books.month, ()), key=lambda payment: (payment[1].account, payment[0], payment[1].invoice))
        due = [payment for payment in due if payment[0] <= self._books.today]
        start = 0
        while start < len(due):
            account, count = due[start][1].account, 1 + int(self._draw() * INVOICES_PER_PAYMENT)
            run = [payment for payment in due[start : start + count] if payment[1].account == account]
            lines = [Line(account, amount, item=item) for _, item, amount in run]
            lines.append(Line(BANK, -sum(line.amount for line in lines)))
            self._books.add(vouchers.PAYMENT, run[-1][0], "Innbetaling" if account == RECEIVABLES else "Utbetaling", lines)
            start += len(run)

    def _sell(self) -> None:
        sign, kind = (1, vouchers.CREDIT_NOTE) if self._draw() < CREDITED else (-1, vouchers.SALE)
        lines, gross = self._priced(chart.SALES, sign, 6_500_000)
        self._invoice_no += 1
        day = self._books.any_day()
        due = day + timedelta(days=14)
        customer = self._one_of(FIRST_CUSTOMER, self._books.company.customers)
        item = OpenItem(RECEIVABLES, customer, self._invoice_no, fiscal.number(due), -gross)
        self._books.add(kind, day, kind.name, [Line(RECEIVABLES, -gross, item=item), *lines])
        self._expect_payment(due, item)

    def _priced(self, accounts: tuple[int, ...], sign: int, spread: int = 4_000_000) -> tuple[list[Line], int]:
        """One to four lines with their VAT lines, and the sum of them all."""
        draw = self._draw
        lines: list[Line] = []
        vat: dict[int, int] = {}
        for _ in range(1 + int(draw() * 4)):
            account = accounts[int(draw() * len(accounts))]
            tax = chart.ACCOUNTS[account][1]
            net = sign * (5_000 + int(draw() ** 3 * spread))
            lines.append(Line(account, net, tax, 1 + int(draw() * UNITS1), int(draw() * (UNITS2 + 1))))
            if chart.TAX_CODES[tax].rate:
                vat[tax] = vat.get(tax, 0) + chart.vat(net, tax)
        lines += [Line(chart.TAX_CODES[tax].account, amount, tax) for tax, amount in vat.items()]
        return lines, sum(line.amount for line in lines)

    def _one_of(self, first: int, count: int) -> int:
        """A few parties have most of the trade."""
        return first + 1 + int(self._draw() ** 2 * count)

    def _expect_payment(self, due: date, item: OpenItem) -> None:
        """Most invoices are paid around their due date, never in the month they are posted; some in part, some not at all."""
        fate = self._draw()
        if fate < NEVER_PAID:
            return
        paid = max(due + timedelta(days=int(self._draw() ** 2 * 45) - 5), fiscal.first_day(self._books.month + 1))
        amount = item.amount // 2 if fate < NEVER_PAID + HALF_PAID else item.amount
        self._payments[fiscal.month_of(paid)].append((paid, item, -amount))
