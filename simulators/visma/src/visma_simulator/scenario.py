"""Which customers and companies the stand-in has: a YAML or JSON file, or the demonstration that is built in."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from importlib import resources
from pathlib import Path
from random import Random
from typing import Any, Literal

import yaml
from stdnum.no import orgnr

Access = Literal["open", "listed", "closed"]
READ_ONLY = "business-graphql-service-api:access-group-based-readonly"


@dataclass(frozen=True, slots=True)
class Client:
    """A client registered with Visma Connect."""

    id: str
    secret: str = field(repr=False)
    scopes: tuple[str, ...] = (READ_ONLY,)


@dataclass(frozen=True, slots=True)
class Company:
    """A company. `access`: `open` = listed and readable, `listed` = listed, but reading it is refused, `closed` = neither.

    `number` is the Visma.net company ID, `lines` the least number of ledger lines (the last voucher may bring a few more).
    """

    number: int
    customer: int
    name: str
    organisation_number: str
    lines: int
    first_year: int
    fiscal_year_start_month: int = 1
    access: Access = "open"
    customers: int = 0
    suppliers: int = 0
    assets: int = 0


@dataclass(frozen=True, slots=True)
class Customer:
    """A Visma.net customer. `activated` = its administrator has added our client ID as a Connect application."""

    number: int
    name: str
    activated: bool = True
    companies: tuple[Company, ...] = ()


@dataclass(frozen=True, slots=True)
class Subscription:
    """A webhook: where notifications go, what signs them, and of which companies and tables they are (none named: all).

    A delivery is tried `attempts` times; the pause between two begins at `interval_ms` and doubles.
    """

    url: str
    key: str = field(repr=False)
    companies: tuple[int, ...] = ()
    tables: tuple[str, ...] = ()
    attempts: int = 5
    interval_ms: int = 1000

    def wants(self, company: int, table: str) -> bool:
        return company in (self.companies or (company,)) and table in (self.tables or (table,))


@dataclass(frozen=True, slots=True)
class Scenario:
    clients: tuple[Client, ...]
    customers: tuple[Customer, ...]
    seed: int
    today: date
    webhooks: tuple[Subscription, ...] = ()


def load(path: Path | None = None, *, seed: int = 7, today: date | None = None, lines: int | None = None) -> Scenario:
    """The scenario in a file, or the built-in one. `lines` scales all companies so that the largest has that many ledger lines.

    Raises ValueError when the description does not fit (unknown words, a wrong organisation number, a company ID used twice).
    """
    text = (
        path.read_text(encoding="utf-8") if path else resources.files("visma_simulator").joinpath("demo.yaml").read_text(encoding="utf-8")
    )
    return read(yaml.load(text, yaml.CSafeLoader), seed=seed, today=today, lines=lines)


def read(description: Mapping[str, Any], *, seed: int = 7, today: date | None = None, lines: int | None = None) -> Scenario:
    """The same from an already parsed description."""
    today = today or date.today()  # noqa: DTZ011 - the ledgers run until the local date
    try:
        clients = tuple(Client(**said | ({"scopes": tuple(said["scopes"])} if "scopes" in said else {})) for said in description["clients"])
        customers = tuple(_customer(said, seed, today) for said in description["customers"])
        webhooks = tuple(map(subscription, description.get("webhooks", ())))
    except (TypeError, KeyError) as error:
        raise ValueError(f"The scenario is not understood: {error}") from error
    numbers = [company.number for customer in customers for company in customer.companies]
    if len(set(numbers)) < len(numbers):
        raise ValueError("A company ID is used twice.")
    if lines:
        customers = _scaled(customers, lines)
    return Scenario(clients, tuple(map(_with_sizes, customers)), seed, today, webhooks)


def subscription(said: Mapping[str, Any]) -> Subscription:
    """A webhook subscription from its description. Raises TypeError for an unknown word."""
    return Subscription(**dict(said) | {name: tuple(said.get(name, ())) for name in ("companies", "tables")})


def organisation_number(seed: int, company: int) -> str:
    """A valid organisation number (mod 11) that stays the same for a company of a seed."""
    random = Random(f"{seed}:{company}:orgnr")  # noqa: S311
    while not orgnr.is_valid(digits := str(random.randint(810_000_000, 999_999_999))):
        pass
    return digits


def _customer(said: Mapping[str, Any], seed: int, today: date) -> Customer:
    number = int(said["number"])
    companies = tuple(_company(company, number, seed, today) for company in said.get("companies", ()))
    return Customer(**dict(said) | {"companies": companies})


def _company(said: Mapping[str, Any], customer: int, seed: int, today: date) -> Company:
    given: dict[str, Any] = {
        "organisation_number": organisation_number(seed, int(said["number"])),
        "first_year": today.year - 2,
        "lines": 3000,
    } | dict(said)
    company = Company(customer=customer, **given)
    if not orgnr.is_valid(company.organisation_number):
        raise ValueError(f"Company {company.number}: {company.organisation_number} is not an organisation number.")
    return company


def _scaled(customers: tuple[Customer, ...], lines: int) -> tuple[Customer, ...]:
    largest = max((company.lines for customer in customers for company in customer.companies), default=1)
    return tuple(
        replace(customer, companies=tuple(replace(company, lines=company.lines * lines // largest) for company in customer.companies))
        for customer in customers
    )


def _with_sizes(customer: Customer) -> Customer:
    """Numbers of customers, suppliers and assets that are not given follow the size of the ledger."""
    return replace(
        customer,
        companies=tuple(
            replace(
                company,
                customers=company.customers or max(5, min(500, company.lines // 60)),
                suppliers=company.suppliers or max(5, min(300, company.lines // 90)),
                assets=company.assets or max(3, min(60, company.lines // 400)),
            )
            for company in customer.companies
        ),
    )
