"""Who an organisation number is in the simulated world: its workplaces and their people, from the seed alone."""

import random
from dataclasses import dataclass

from stdnum.no import orgnr

ZONES = ("1", "1", "1", "1", "1a", "2", "3", "4", "4a", "5")
TOWNS = ("OSLO", "BERGEN", "TRONDHEIM", "BODØ", "TROMSØ", "HAMAR", "ALTA", "VADSØ", "LILLEHAMMER", "NAMSOS")
FIRST_NAMES = ("KARI", "OLA", "INGRID", "PER", "SILJE", "ARNE", "AUD", "BJØRN", "LIV", "TOR")
LAST_NAMES = ("ØDEGÅRD", "BAKKE", "SÆTHER", "HAUGEN", "LIE", "MOEN", "STRAND", "AASEN")


@dataclass(frozen=True)
class Person:
    """`wage` is the fixed monthly pay in øre. The number is synthetic: 80 is added to its month."""

    number: str
    name: str
    born: str
    employee_number: str
    wage: int


@dataclass(frozen=True)
class Workplace:
    organisation_number: str
    name: str
    zone: str
    people: tuple[Person, ...]


@dataclass(frozen=True)
class Employer:
    organisation_number: str
    name: str
    finance_sector: bool
    workplaces: tuple[Workplace, ...]


def dice(*parts: object) -> random.Random:
    """Random numbers that depend on `parts` alone, on every machine and in every process."""
    return random.Random("/".join(map(str, parts)))  # noqa: S311 - repeatable on purpose


def employer(seed: int, organisation_number: str, *, finance_sector: bool = False) -> Employer:
    """Two to four workplaces, at least two of them in different zones, with two to eight people each."""
    luck = dice(seed, organisation_number)
    name = f"SYNTETISK {luck.choice(('FISK', 'BYGG', 'HANDEL', 'REGNSKAP', 'TRANSPORT'))} {organisation_number[-4:]} AS"
    zones = luck.sample(ZONES[3:], k=luck.randint(2, 4))
    towns = luck.sample(TOWNS, k=len(zones))
    workplaces = tuple(
        Workplace(
            organisation_number=_organisation_number(luck),
            name=f"{name} AVD {town}",
            zone=zone,
            people=tuple(_person(luck, 100 * place + number) for number in range(1, luck.randint(2, 8) + 1)),
        )
        for place, (zone, town) in enumerate(zip(zones, towns, strict=True), start=1)
    )
    return Employer(organisation_number, name, finance_sector, workplaces)


def _person(luck: random.Random, number: int) -> Person:
    year, month, day = luck.randint(1960, 2003), luck.randint(1, 12), luck.randint(1, 28)
    return Person(
        number=f"{day:02d}{month + 80:02d}{year % 100:02d}{luck.randint(0, 99999):05d}",
        name=f"{luck.choice(FIRST_NAMES)} {luck.choice(LAST_NAMES)}",
        born=f"{year}-{month:02d}-{day:02d}",
        employee_number=str(number),
        wage=luck.randint(28_000_00, 75_000_00),
    )


def _organisation_number(luck: random.Random) -> str:
    """Starts with 3, as published synthetic numbers do. One number in eleven has no check digit; the next is tried."""
    while True:
        number = f"{luck.randint(310_000_00, 319_999_99)}"
        for check in "0123456789":
            if orgnr.is_valid(number + check):
                return number + check
