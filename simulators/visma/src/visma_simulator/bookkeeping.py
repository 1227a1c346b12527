"""The books of a company from its first year until today.

Everything follows from the seed, the company's number and today's date, in any process. Each voucher balances within one period; what is
unpaid in the sub-ledgers equals accounts 1500 and 2400, and the asset register equals the asset and depreciation accounts.
"""

from dataclasses import dataclass
from datetime import date
from random import Random

from visma_simulator import vouchers
from visma_simulator.books import BANK, Books
from visma_simulator.columns import Texts
from visma_simulator.duties import Duties
from visma_simulator.journals import Journals
from visma_simulator.register import Asset, Register
from visma_simulator.scenario import Company
from visma_simulator.trade import Trade
from visma_simulator.vouchers import Line

OPENING_BALANCE = [Line(BANK, 200_000_000), Line(2000, -10_000_000), Line(2050, -190_000_000)]


@dataclass(frozen=True, slots=True)
class Kept:
    """Books that are written up."""

    journals: Journals
    assets: list[Asset]
    closed_years: list[int]


def keep(company: Company, seed: int, today: date, texts: Texts) -> Kept:
    """Write the books; a million lines take a few seconds."""
    random = Random(f"{seed}:{company.number}")  # noqa: S311 - the same ledger for the same seed is the point
    books = Books(company, random, Journals(random, texts), today)
    trade, duties = Trade(books), Duties(books)
    register = Register(books, trade)
    months = range(books.first_month, books.last_month + 1)
    days = sum(map(books.days_of, months))
    passed = 0
    for month in months:
        passed += books.days_of(month)
        books.open_month(month)
        if month == books.first_month:
            books.add(vouchers.AUTOMATIC, books.first_day, "Inngående balanse", OPENING_BALANCE)
        duties.pay_taxes()
        trade.pay()
        duties.pay_wages()
        register.buy()
        duties.close_year()
        while books.lines < company.lines * passed // days:
            trade.happen()
        if books.month_is_over:
            register.depreciate()
            duties.settle_vat()
        books.close_month()
    return Kept(books.journals, register.assets, books.closed_years)
