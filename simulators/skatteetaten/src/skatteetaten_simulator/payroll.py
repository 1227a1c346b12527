"""The a-meldinger an employer sends for one month, and which of them count.

Every organisation goes through the same twelve kinds of months in a cycle, shifted by its number, so that each calendar
year of each organisation shows every kind once or more. Wages are kept in øre, tax and contribution in whole kroner.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from skatteetaten_simulator.employer import Employer, Person, Workplace, dice

MonthKind = Literal["ordinary", "addition", "correction", "replaced", "rejected", "none", "resubmitted", "refused"]
CYCLE: tuple[MonthKind, ...] = (
    *("ordinary", "addition", "ordinary", "replaced", "ordinary", "rejected"),
    *("ordinary", "correction", "ordinary", "none", "ordinary", "addition"),
)


class MonthOnRequest(BaseModel):
    """What an organisation sends for a month, whatever the cycle says.

    On request alone: `resubmitted` is an ordinary month whose message is replaced by one with other figures, `refused` has
    a rejected message and nothing else. With `days_late` everything comes so long after the 5th of the next month.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    organisation_number: str
    month: str = Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")
    kind: MonthKind = "ordinary"
    days_late: int = Field(default=0, ge=0)


# Tenths of a percent, those of 2026 for every year; real reports carry the rate of their own year.
RATES = {"1": 141, "1a": 106, "2": 106, "3": 64, "4": 51, "4a": 79, "5": 0}
FINANCIAL_TAX = 50


@dataclass(frozen=True)
class Income:
    type: str
    benefit: str
    amount: int
    contribution: bool = True
    withholding: bool = True
    count: int | None = None


@dataclass(frozen=True)
class Pay:
    """One person's income (øre) and withheld tax (whole kroner, positive) in one message."""

    person: Person
    income: tuple[Income, ...]
    withheld: int


@dataclass(frozen=True)
class WorkplacePay:
    """`pension` is the premium the employer paid, `refund` the deduction in the base for wages paid back by NAV (øre)."""

    workplace: Workplace
    pay: tuple[Pay, ...]
    pension: int = 0
    refund: int = 0

    @property
    def base(self) -> int:
        return sum(income.amount for pay in self.pay for income in pay.income if income.contribution)


@dataclass(frozen=True)
class Message:
    id: str
    replaces: str | None
    accepted: bool
    delivered: date
    finance_sector: bool
    workplaces: tuple[WorkplacePay, ...]

    @property
    def withholding_tax(self) -> int:
        return sum(pay.withheld for unit in self.workplaces for pay in unit.pay)

    @property
    def employer_contribution(self) -> int:
        """Whole kroner; rounded per zone and kind of base."""
        plus = [by_zone(self.workplaces, "base"), by_zone(self.workplaces, "pension")]
        minus = by_zone(self.workplaces, "refund")
        return sum(_share(base, RATES[zone]) for bases in plus for zone, base in bases.items()) - sum(
            _share(base, RATES[zone]) for zone, base in minus.items()
        )

    @property
    def financial_tax(self) -> int:
        if not self.finance_sector:
            return 0
        return _share(sum(unit.base + unit.pension - unit.refund for unit in self.workplaces), FINANCIAL_TAX)

    @property
    def recipients(self) -> int:
        return len({pay.person.number for unit in self.workplaces for pay in unit.pay})


def by_zone(units: Iterable[WorkplacePay], figure: Literal["base", "pension", "refund"]) -> dict[str, int]:
    """Sums of one figure in øre per zone; zones without any are left out."""
    sums: defaultdict[str, int] = defaultdict(int)
    for unit in units:
        sums[unit.workplace.zone] += getattr(unit, figure)
    return {zone: amount for zone, amount in sorted(sums.items()) if amount}


def month_kind(seed: int, organisation_number: str, month: str) -> MonthKind:
    shift = dice(seed, organisation_number, "shift").randrange(len(CYCLE))
    return CYCLE[(_index(month) + shift) % len(CYCLE)]


def messages(seed: int, employer: Employer, month: str, today: date, asked: MonthOnRequest | None = None) -> list[Message]:
    """Those delivered by `today`, in order of delivery. The first is sent on the 5th of the next month if nothing else is `asked`."""
    kind = asked.kind if asked else month_kind(seed, employer.organisation_number, month)
    if kind == "none":
        return []
    first_day = _fifth_of_next(month) + timedelta(days=asked.days_late if asked else 0)
    luck = dice(seed, employer.organisation_number, month, "messages")  # the first keeps its id when another kind is asked for

    def message(
        days_later: int, workplaces: tuple[WorkplacePay, ...], *, replaces: Message | None = None, accepted: bool = True
    ) -> Message:
        return Message(
            id=str(UUID(int=luck.getrandbits(128), version=4)),
            replaces=replaces.id if replaces else None,
            accepted=accepted,
            delivered=first_day + timedelta(days=days_later),
            finance_sector=employer.finance_sector,
            workplaces=workplaces,
        )

    full = tuple(_wages(seed, workplace, month) for workplace in employer.workplaces)
    if kind == "replaced":
        wrong = message(0, full[:-1])
        sent = [wrong, message(30, full, replaces=wrong)]
    elif kind == "resubmitted":
        first = message(0, full)
        sent = [first, message(30, (*full[:-1], _raised(full[-1])), replaces=first)]
    elif kind == "refused":
        sent = [message(0, full, accepted=False)]
    elif kind == "rejected":
        sent = [message(0, full, accepted=False), message(1, full)]
    elif kind == "addition":
        sent = [message(0, full), message(9, (_bonus(full[0]),))]
    elif kind == "correction":
        sent = [message(0, full), message(15, (_less_wage(full[-1]),))]
    else:
        sent = [message(0, full)]
    return [one for one in sent if one.delivered <= today]


def counting(sent: Iterable[Message]) -> list[Message]:
    """Accepted messages that no other accepted message replaces."""
    accepted = [one for one in sent if one.accepted]
    replaced = {one.replaces for one in accepted}
    return [one for one in accepted if one.id not in replaced]


def _wages(seed: int, workplace: Workplace, month: str) -> WorkplacePay:
    pay = tuple(_pay(seed, person, month) for person in workplace.people)
    wages = sum(person.wage for person in workplace.people)
    luck = dice(seed, workplace.organisation_number, month, "refund")
    refund = luck.randint(5_000_00, 20_000_00) if luck.random() < 0.2 else 0
    return WorkplacePay(workplace, pay, pension=wages // 50, refund=refund)


def _pay(seed: int, person: Person, month: str) -> Pay:
    luck = dice(seed, person.number, month)
    income = [Income("fastloenn", "kontantytelse", person.wage)]
    if month.endswith("-06"):
        income.append(Income("trekkILoennForFerie", "kontantytelse", -person.wage))
        income.append(Income("feriepenger", "kontantytelse", person.wage * 12 * 12 // 100, withholding=False))
    if luck.random() < 0.3:
        hours = luck.randint(1, 20)
        income.append(Income("overtidsgodtgjoerelse", "kontantytelse", hours * person.wage // 108, count=hours))
    if luck.random() < 0.4:
        income.append(Income("elektroniskKommunikasjon", "naturalytelse", 366_00))
    if luck.random() < 0.2:
        kilometres = luck.randint(20, 900)
        mileage = Income("kilometergodtgjoerelseBil", "utgiftsgodtgjoerelse", kilometres * 350, False, False, kilometres)
        income.append(mileage)
    return Pay(person, tuple(income), withheld=_withheld(income))


def _bonus(unit: WorkplacePay) -> WorkplacePay:
    pay = [replace(one, income=(Income("bonus", "kontantytelse", one.person.wage // 4),)) for one in unit.pay]
    return WorkplacePay(unit.workplace, tuple(replace(one, withheld=_withheld(one.income)) for one in pay))


def _raised(unit: WorkplacePay) -> WorkplacePay:
    """The same with a thousand kroner more for one person, tax of which is withheld."""
    first, *others = unit.pay
    more = (*first.income, Income("fastTillegg", "kontantytelse", 1000_00))
    return replace(unit, pay=(replace(first, income=more, withheld=_withheld(more)), *others))


def _less_wage(unit: WorkplacePay) -> WorkplacePay:
    """One person was paid too much; tax already withheld stays withheld."""
    first = unit.pay[0]
    return WorkplacePay(
        unit.workplace,
        (Pay(first.person, (Income("fastloenn", "kontantytelse", -(first.person.wage // 10)),), withheld=0),),
    )


def _withheld(income: Iterable[Income]) -> int:
    return max(0, sum(one.amount for one in income if one.withholding) * 31 // 100 // 100)


def _share(amount: int, rate: int) -> int:
    """`rate` tenths of a percent of `amount` øre in whole kroner, half a krone upwards."""
    return (amount * rate + 50_000) // 100_000


def _index(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:]) - 1


def _fifth_of_next(month: str) -> date:
    year, zero_based = divmod(_index(month) + 1, 12)
    return date(year, zero_based + 1, 5)
