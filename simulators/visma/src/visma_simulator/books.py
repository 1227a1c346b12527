"""The open books of a company in one month: what may be written, and the balances so far."""

from collections import defaultdict
from datetime import date
from random import Random

from visma_simulator import chart, fiscal, scalars
from visma_simulator.fiscal import Period
from visma_simulator.journals import Journals
from visma_simulator.scenario import Company
from visma_simulator.vouchers import AssetEntry, Kind, Line, Voucher

BANK, RECEIVABLES, PAYABLES = 1920, 1500, 2400


class Books:
    """Collects the vouchers of a month and posts them. A month is a number, see fiscal.py; `days` of it have passed."""

    def __init__(self, company: Company, random: Random, journals: Journals, today: date) -> None:
        self.company, self.random, self.journals, self.today = company, random, journals, today
        self.first_month = company.first_year * 12 + company.fiscal_year_start_month - 1
        self.last_month = fiscal.month_of(today)
        self.balances: dict[int, int] = defaultdict(int)
        self.results: dict[int, int] = defaultdict(int)  # by financial year
        self.closed_years: list[int] = []
        self.lines = 0
        self._vouchers: list[Voucher] = []

    def open_month(self, month: int) -> None:
        self.month, self.days = month, self.days_of(month)
        self.first_day = fiscal.first_day(month)
        self.period = fiscal.period_of(month, self.company.fiscal_year_start_month)

    @property
    def month_is_over(self) -> bool:
        return self.days == fiscal.last_day(self.month).day

    def days_of(self, month: int) -> int:
        return self.today.day if month == self.last_month else fiscal.last_day(month).day

    def any_day(self) -> date:
        return self.first_day.replace(day=1 + int(self.random.random() * self.days))

    def add(
        self,
        kind: Kind,
        posted: date,
        text: str,
        lines: list[Line],
        *,
        dated: date | None = None,
        period: Period | None = None,
        assets: tuple[AssetEntry, ...] = (),
    ) -> None:
        """A voucher posted on a day of the open month; dated then and in the month's period unless said otherwise."""
        period = period or self.period
        self._vouchers.append(Voucher(kind, posted.day, fiscal.number(dated or posted), period, text, lines, assets))
        self.lines += len(lines)
        for line in lines:
            self.balances[line.account] += line.amount
            if line.account >= chart.FIRST_RESULT_ACCOUNT:
                self.results[period.year] += line.amount

    def close_month(self) -> None:
        self.journals.post(self._vouchers, scalars.instant(self.first_day))
        self._vouchers = []
