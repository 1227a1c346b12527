"""What returns every month, term and year: wages, taxes on them, VAT and the closing of the financial year."""

from datetime import date

from visma_simulator import chart, fiscal, vouchers
from visma_simulator.books import BANK, Books
from visma_simulator.fiscal import Period
from visma_simulator.vouchers import Line

WAGE_DAY, VAT_DAY, TERM_DAY, CLOSING_DAY = 20, 10, 15, 28
MONTHS_TO_CLOSE = 3
WITHHOLDING_PAID_AT_ONCE_FROM = 2026  # until then it was paid per two-month term
LINES_PER_EMPLOYEE = 2500
MONTHLY_WAGE = 4_800_000


class Duties:
    def __init__(self, books: Books) -> None:
        self._books = books
        self._employees = max(2, min(60, books.company.lines // LINES_PER_EMPLOYEE))
        self._vat_payable: dict[int, int] = {}  # by the month of payment

    def pay_taxes(self) -> None:
        """Payroll taxes of the term before on the 15th, VAT of the term before last month on the 10th."""
        books = self._books
        if books.month % 2 == 0 and books.days >= TERM_DAY:
            owed = [(account, -books.balances[account]) for account in (2600, 2770) if books.balances[account]]
            self._pay(TERM_DAY, "Forskuddstrekk og arbeidsgiveravgift", owed)
        if books.days >= VAT_DAY and (amount := self._vat_payable.pop(books.month, 0)):
            self._pay(VAT_DAY, "Merverdiavgift", [(2740, amount)])

    def pay_wages(self) -> None:
        books = self._books
        if books.days <= WAGE_DAY:
            return
        gross = self._employees * MONTHLY_WAGE + int(books.random.random() * 500_000)
        tax, holiday_pay = gross * 30 // 100, gross * 12 // 100
        levy, holiday_levy = gross * 141 // 1000, holiday_pay * 141 // 1000
        lines = [
            Line(5000, gross),
            Line(2600, -tax),
            Line(2930, tax - gross),
            Line(5092, holiday_pay),
            Line(2940, -holiday_pay),
            Line(5400, levy + holiday_levy),
            Line(2770, -levy),
            Line(2780, -holiday_levy),
        ]
        day = self._day(WAGE_DAY)
        books.add(vouchers.PAYROLL, day, f"Lønn {day:%m.%Y}", lines)
        self._pay(WAGE_DAY, "Nettolønn", [(2930, gross - tax)])
        if day.year >= WITHHOLDING_PAID_AT_ONCE_FROM:
            self._pay(WAGE_DAY + 1, "Forskuddstrekk", [(2600, tax)])

    def settle_vat(self) -> None:
        """At the end of a term the VAT accounts are emptied into the settlement account."""
        books = self._books
        owed = [(account, -books.balances[account]) for account in chart.VAT_ACCOUNTS if books.balances[account]]
        if books.month % 2 == 0 or not owed:
            return
        payable = sum(amount for _, amount in owed)
        lines = [*(Line(account, amount) for account, amount in owed), Line(2740, -payable)]
        books.add(vouchers.AUTOMATIC, fiscal.last_day(books.month), f"Merverdiavgift termin {fiscal.vat_term(books.month)}", lines)
        self._vat_payable[books.month + 2] = payable

    def close_year(self) -> None:
        """Three months after its end a year gets its tax and its result, posted now and booked in period 13."""
        books = self._books
        ended = books.month - MONTHS_TO_CLOSE
        year, period = fiscal.period_of(ended, books.company.fiscal_year_start_month)
        if period != 12 or ended < books.first_month or books.days < CLOSING_DAY:
            return
        result = books.results[year]
        tax = max(0, -result * 22 // 100)
        if tax:
            self._book_in_closing(year, "Skattekostnad", [Line(8300, tax), Line(2500, -tax)], fiscal.last_day(ended))
        self._book_in_closing(year, "Årsresultat", [Line(8800, -result - tax), Line(2050, result + tax)], fiscal.last_day(ended))
        books.closed_years.append(year)

    def _book_in_closing(self, year: int, text: str, lines: list[Line], dated: date) -> None:
        self._books.add(vouchers.AUTOMATIC, self._day(CLOSING_DAY), text, lines, dated=dated, period=Period(year, 13))

    def _pay(self, day: int, text: str, debts: list[tuple[int, int]]) -> None:
        if debts:
            lines = [Line(account, amount) for account, amount in debts]
            self._books.add(vouchers.PAYMENT, self._day(day), text, [*lines, Line(BANK, -sum(line.amount for line in lines))])

    def _day(self, day: int) -> date:
        return self._books.first_day.replace(day=day)
