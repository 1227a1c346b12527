"""The A07 report in the JSON shape seen in real files: a summary, the workplaces, and the people behind them.

The shape is not an official one; the service's own schema is not published in text form. Decimals come as text in every
other month, because both writings occur. The bytes depend on seed, organisation number, month and today alone.
"""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import orjson

from skatteetaten_simulator.employer import Employer, Person
from skatteetaten_simulator.payroll import RATES, Income, Message, Pay, WorkplacePay, by_zone, counting

Json = dict[str, Any]
Decimals = Callable[[int], float | str]


def report(employer: Employer, month: str, sent: list[Message], today: date) -> bytes:
    decimal = _as_text if int(month[5:]) % 2 else _as_number
    counted = counting(sent)
    units = _merged(employer, counted)
    document = {
        "mottatt": {
            "avstemmingstidspunkt": f"{today.isoformat()}T06:00:00.000Z",
            "fomKalendermaaned": month,
            "tomKalendermaaned": month,
            "opplysningspliktig": {
                "norskIdentifikator": employer.organisation_number,
                "navn": employer.name,
                "innsendinger": [_submission(message, month) for message in sent],
            },
            "oppgave": {
                "betalingsinformasjon": {
                    "sumForskuddstrekk": sum(message.withholding_tax for message in counted),
                    "sumArbeidsgiveravgift": sum(message.employer_contribution for message in counted),
                    "sumFinansskattLoenn": sum(message.financial_tax for message in counted),
                },
                "oppsummerteVirksomheter": _summary(units, counted, decimal),
                "virksomhet": [_workplace(unit, decimal) for unit in units],
                "pensjonsinnretning": [{"identifikator": "938708606"}],
            },
        }
    }
    return orjson.dumps(document)


def _merged(employer: Employer, counted: list[Message]) -> list[WorkplacePay]:
    """Per workplace everything the counting messages say, each person once; the refund and pension bases added up."""
    merged = []
    for workplace in employer.workplaces:
        parts = [unit for message in counted for unit in message.workplaces if unit.workplace == workplace]
        if parts:
            people: dict[Person, list[Pay]] = {pay.person: [] for unit in parts for pay in unit.pay}
            for unit in parts:
                for pay in unit.pay:
                    people[pay.person].append(pay)
            merged.append(
                WorkplacePay(
                    workplace,
                    tuple(
                        Pay(person, tuple(line for pay in paid for line in pay.income), sum(pay.withheld for pay in paid))
                        for person, paid in people.items()
                    ),
                    pension=sum(unit.pension for unit in parts),
                    refund=sum(unit.refund for unit in parts),
                )
            )
    return merged


def _submission(message: Message, month: str) -> Json:
    return {
        "kalendermaaned": month,
        "status": "GODKJENT" if message.accepted else "AVVIST",
        "kildesystem": "Syntetisk lønn 1.0",
        "altinnReferanse": f"AR{int(message.id[:7], 16):09d}",
        "innsendingsId": message.id[:8],
        "meldingsId": message.id,
        "erstatterMeldingsId": message.replaces,
        "leveringstidspunkt": f"{message.delivered.isoformat()}T10:15:30.123Z",
        "tidsstempelFraAltinn": f"{message.delivered.isoformat()}T10:15:36.000Z",
        "antallInntektsmottakere": message.recipients,
        "mottattAvgiftOgTrekkTotalt": {
            "sumForskuddstrekk": message.withholding_tax,
            "sumArbeidsgiveravgift": message.employer_contribution,
            "sumFinansskattLoenn": message.financial_tax,
        },
        "innbetalingsinformasjon": {
            "kontonummer": "76940512057",
            "kidForForskuddstrekk": "135100000123451",
            "kidForArbeidsgiveravgift": "13510000012345-",
            "kidForFinansskattLoenn": "135100000123451" if message.finance_sector else None,
            "forfallsdato": _due(month).isoformat(),
        },
    }


def _due(month: str) -> date:
    """The 15th after the two-month term that the month is in; weekends are not moved here."""
    last = (int(month[5:]) + 1) // 2 * 2
    return date(int(month[:4]) + last // 12, last % 12 + 1, 15)


def _summary(units: list[WorkplacePay], counted: list[Message], decimal: Decimals) -> Json:
    withheld = sum(pay.withheld for unit in units for pay in unit.pay)
    return {
        "antallPersonerInnrapportert": {
            "antall": sum(message.recipients for message in counted),
            "unike": len({pay.person.number for unit in units for pay in unit.pay}),
        },
        "inntekt": _income(_lines(units), decimal),
        "forskuddstrekk": [{"beskrivelse": "ordinaert", "beloep": -withheld}] if withheld else [],
        "arbeidsgiveravgift": _contribution(units, decimal),
    }


def _contribution(units: list[WorkplacePay], decimal: Decimals) -> Json:
    return {
        "loennOgGodtgjoerelse": _zones(by_zone(units, "base"), "avgiftsgrunnlagBeloep", decimal),
        "tilskuddOgPremieTilPensjon": _zones(by_zone(units, "pension"), "avgiftsgrunnlagBeloep", decimal),
        "fradragIGrunnlagetForSone": _zones(by_zone(units, "refund"), "avgiftsfradragBeloep", decimal),
    }


def _zones(bases: dict[str, int], base_name: str, decimal: Decimals) -> list[Json]:
    return [
        {
            "beregningskodeForArbeidsgiveravgift": "generelleNaeringer",
            "sone": zone,
            base_name: decimal(base),
            "prosentsats": RATES[zone] / 10,
        }
        for zone, base in bases.items()
    ]


def _workplace(unit: WorkplacePay, decimal: Decimals) -> Json:
    return {
        "norskIdentifikator": unit.workplace.organisation_number,
        "navn": unit.workplace.name,
        "inntekt": _income(_lines([unit]), decimal),
        "arbeidsgiveravgift": _contribution([unit], decimal),
        "inntektsmottaker": [_recipient(pay, decimal) for pay in unit.pay],
    }


def _recipient(pay: Pay, decimal: Decimals) -> Json:
    person = pay.person
    return {
        "norskIdentifikator": person.number,
        "identifiserendeInformasjon": {
            "navn": person.name,
            "foedselsdato": person.born,
            "ansattnummer": person.employee_number,
        },
        "arbeidsforhold": [
            {
                "typeArbeidsforhold": "ordinaertArbeidsforhold",
                "startdato": "2018-08-01",
                "sluttdato": None,
                "stillingsprosent": 100,
                "permisjon": [],
            }
        ],
        "inntekt": [_income_line(line, decimal) for line in pay.income],
        "forskuddstrekk": [{"beskrivelse": "ordinaert", "beloep": -pay.withheld}] if pay.withheld else [],
        "fradrag": [],
    }


def _lines(units: Iterable[WorkplacePay]) -> Iterable[Income]:
    return (line for unit in units for pay in unit.pay for line in pay.income)


def _income(lines: Iterable[Income], decimal: Decimals) -> list[Json]:
    """One line per income type."""
    sums: dict[tuple[str, str, bool, bool], tuple[int, int]] = {}
    for line in lines:
        key = (line.type, line.benefit, line.contribution, line.withholding)
        amount, count = sums.get(key, (0, 0))
        sums[key] = (amount + line.amount, count + (line.count or 0))
    return [
        _income_line(Income(type_, benefit, amount, contribution, withholding, count or None), decimal)
        for (type_, benefit, contribution, withholding), (amount, count) in sorted(sums.items())
    ]


def _income_line(line: Income, decimal: Decimals) -> Json:
    return {
        "fordel": line.benefit,
        "utloeserArbeidsgiveravgift": line.contribution,
        "inngaarIGrunnlagForTrekk": line.withholding,
        "beloep": decimal(line.amount),
        "loennsinntekt": {"beskrivelse": line.type, "antall": line.count},
    }


def _as_number(amount: int) -> float:
    return amount / 100


def _as_text(amount: int) -> str:
    return f"{'-' if amount < 0 else ''}{abs(amount) // 100}.{abs(amount) % 100:02d}"
