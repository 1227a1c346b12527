"""Reads the JSON of Skatteetaten into an `A07Report`.

One source per figure: the summary (oppsummerteVirksomheter) already holds the sum of the workplaces (virksomhet), and
these that of the recipients (inntektsmottaker). The next level is read only where the one above is missing, and its
lines are added up at once, so that nothing in the report can be traced to a person; with a key they are also given one by
one, under pseudonyms.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal

from pydantic import SecretStr

from skatteetaten import document
from skatteetaten.document import Node, UnreadableValueError
from skatteetaten.people import DEVIATIONS, RECIPIENTS, pseudonym, without_people
from skatteetaten.report import (
    A07Report,
    Employee,
    EmployerContributionKind,
    EmployerContributionLine,
    Feedback,
    IncomeLine,
    Payment,
    RecipientSums,
    Submission,
    Totals,
    WithholdingLine,
    Workplace,
)

INCOME_KINDS = ("loennsinntekt", "ytelseFraOffentlige", "pensjonEllerTrygd", "naeringsinntekt")
CONTRIBUTIONS: tuple[tuple[str, EmployerContributionKind], ...] = (
    ("loennOgGodtgjoerelse", "wages"),
    ("tilskuddOgPremieTilPensjon", "pension"),
    ("fradragIGrunnlagetForSone", "deduction"),
    ("utenlandskeMedSaerskiltProsentsats", "foreign_rate"),
    ("utenlandskeMedFastAvgiftsbeloep", "foreign_fixed"),
    ("fradragIGrunnlagetForUtenlandsk", "foreign_deduction"),
)
ACCEPTED, REJECTED = "godkjent", "avvist"
ZERO = Decimal(0)


def read_report(
    body: bytes, organisation_number: str, month: str, *, fetched_at: datetime, employee_key: SecretStr | None = None
) -> A07Report | None:
    """The report in `body`, or None when it holds no submission.

    Raises ValueError when the body is not JSON, and `UnreadableValueError` (one of them) when it is JSON but not
    understood, or is a report of another organisation or other months than asked for. `fetched_at` stands in for a
    snapshot time that the report does not state. Employees are given one by one with an `employee_key` only.
    """
    parsed = document.parse(body)
    if not isinstance(parsed, dict) or not isinstance(parsed.get("mottatt"), dict):
        raise UnreadableValueError("mottatt is missing")
    received = document.node(parsed, "mottatt")
    employer = document.node(received, "opplysningspliktig")
    _must_be_what_was_asked_for(received, employer, organisation_number, month)
    submissions = _submissions(employer, month)
    content = document.node(received, "oppgave")
    if not submissions and not content:
        return None
    summary = document.node(content, "oppsummerteVirksomheter")
    units = document.nodes(content, "virksomhet")
    workplaces = tuple(map(_workplace, units))
    withholding = _withholding(summary, workplaces)
    contribution = _employer_contribution(summary, workplaces)
    return A07Report(
        organisation_number=organisation_number,
        month=month,
        name=document.text(employer, "navn"),
        snapshot_at=document.moment(received, "avstemmingstidspunkt") or fetched_at,
        recipients=_recipients(summary, submissions),
        submissions=submissions,
        income=_income(summary, workplaces),
        withholding=withholding,
        employer_contribution=contribution,
        workplaces=workplaces,
        employees=_employees(units, organisation_number, employee_key) if employee_key else (),
        totals=_totals(document.node(content, "betalingsinformasjon"), submissions, withholding, contribution),
        raw=document.write(without_people(parsed)).encode(),
    )


def _must_be_what_was_asked_for(received: Node, employer: Node, organisation_number: str, month: str) -> None:
    """A figure booked on the wrong company or month is worse than none, so a stated difference stops here."""
    if document.text(employer, "norskIdentifikator") not in (None, organisation_number):
        raise UnreadableValueError("the report is of another organisation than asked for")
    for bound in ("fomKalendermaaned", "tomKalendermaaned"):
        if document.text(received, bound) not in (None, month):
            raise UnreadableValueError(f"{bound} is not the month asked for")


def _submissions(employer: Node, month: str) -> tuple[Submission, ...]:
    messages = [item for item in document.nodes(employer, "innsendinger") if document.text(item, "kalendermaaned") in (None, month)]
    # Only an accepted message replaces: a rejected correction leaves what it meant to correct standing.
    replacements = {
        document.text(item, "erstatterMeldingsId"): document.text(item, "meldingsId")
        for item in messages
        if _accepted(item) and document.text(item, "erstatterMeldingsId") != document.text(item, "meldingsId")
    }
    replacements.pop(None, None)
    return tuple(_submission(item, replacements) for item in messages)


def _accepted(message: Node) -> bool:
    return (document.text(message, "status") or "").casefold() == ACCEPTED


def _feedback(message: Node, deviations: int) -> Feedback:
    if _accepted(message):
        return "accepted_with_deviations" if deviations else "accepted"
    return "rejected" if (document.text(message, "status") or "").casefold() == REJECTED else "unknown"


def _submission(message: Node, replacements: dict[str | None, str | None]) -> Submission:
    listed = message.get(DEVIATIONS) or ()
    message_id, deviations = document.text(message, "meldingsId"), len(listed) if isinstance(listed, (list, tuple)) else 1
    sums = document.node(message, "mottattAvgiftOgTrekkTotalt")
    payment = document.node(message, "innbetalingsinformasjon")
    return Submission(
        message_id=message_id,
        replaces=document.text(message, "erstatterMeldingsId"),
        replaced_by=replacements.get(message_id),
        status=document.text(message, "status"),
        feedback=_feedback(message, deviations),
        deviations=deviations,
        counts=_accepted(message) and message_id not in replacements,
        source_system=document.text(message, "kildesystem"),
        altinn_reference=document.text(message, "altinnReferanse"),
        delivered_at=document.moment(message, "leveringstidspunkt"),
        recipients=document.whole(message, "antallInntektsmottakere"),
        withholding_tax=document.number(sums, "sumForskuddstrekk") or ZERO,
        employer_contribution=document.number(sums, "sumArbeidsgiveravgift") or ZERO,
        financial_tax=document.number(sums, "sumFinansskattLoenn") or ZERO,
        payment=Payment(
            account=document.text(payment, "kontonummer"),
            withholding_tax_kid=document.text(payment, "kidForForskuddstrekk"),
            employer_contribution_kid=document.text(payment, "kidForArbeidsgiveravgift"),
            financial_tax_kid=document.text(payment, "kidForFinansskattLoenn"),
            due=_day(payment, "forfallsdato"),
        ),
    )


def _recipients(summary: Node, submissions: tuple[Submission, ...]) -> int | None:
    """The unique count, else the largest of the submissions: the same person may be in several, so never their sum."""
    unique = document.whole(document.node(summary, "antallPersonerInnrapportert"), "unike")
    if unique is not None:
        return unique
    return max((one.recipients for one in submissions if one.counts and one.recipients is not None), default=None)


def _income(summary: Node, workplaces: tuple[Workplace, ...]) -> tuple[IncomeLine, ...]:
    if summary.get("inntekt") is not None:
        return tuple(map(_income_line, document.nodes(summary, "inntekt")))
    return _added_up(line for workplace in workplaces for line in workplace.income or ())


def _workplace(unit: Node) -> Workplace:
    """Its own figures, else the sums of its recipients."""
    people = _recipient_sums(document.nodes(unit, RECIPIENTS)) if unit.get(RECIPIENTS) is not None else None
    return Workplace(
        organisation_number=document.text(unit, "norskIdentifikator"),
        name=document.text(unit, "navn"),
        income=tuple(map(_income_line, document.nodes(unit, "inntekt"))) if unit.get("inntekt") is not None else people and people.income,
        withholding=_withheld([unit]) if unit.get("forskuddstrekk") is not None else people and people.withholding,
        employer_contribution=_contribution_lines(unit) if unit.get("arbeidsgiveravgift") is not None else None,
        recipients=people,
    )


def _recipient_sums(people: Sequence[Node]) -> RecipientSums:
    return RecipientSums(
        income=_added_up(_income_line(item) for person in people for item in document.nodes(person, "inntekt")),
        withholding=_withheld(people),
    )


def _employees(units: Iterable[Node], organisation_number: str, key: SecretStr) -> tuple[Employee, ...]:
    found: dict[tuple[str | None, str | None], list[Node]] = {}
    for unit in units:
        for person in document.nodes(unit, RECIPIENTS):
            who = pseudonym(person, organisation_number=organisation_number, key=key)
            found.setdefault((who, document.text(unit, "norskIdentifikator")), []).append(person)
    return tuple(
        Employee(
            pseudonym=who,
            workplace=workplace,
            income=sums.income,
            withholding_tax=-sum((line.amount for line in sums.withholding), ZERO),
        )
        for (who, workplace), people in found.items()
        for sums in [_recipient_sums(people)]
    )


def _income_line(item: Node) -> IncomeLine:
    kind = next((name for name in INCOME_KINDS if item.get(name) is not None), None)
    detail = document.node(item, kind) if kind else {}
    return IncomeLine(
        kind=kind,
        type=document.text(detail, "beskrivelse"),
        benefit=document.text(item, "fordel"),
        amount=document.number(item, "beloep") or ZERO,
        count=document.number(detail, "antall"),
        subject_to_employer_contribution=document.flag(item, "utloeserArbeidsgiveravgift"),
        subject_to_withholding=document.flag(item, "inngaarIGrunnlagForTrekk"),
        tax_rule=document.text(item, "skatteOgAvgiftsregel"),
    )


def _added_up(lines: Iterable[IncomeLine]) -> tuple[IncomeLine, ...]:
    """Lines that differ in amount and count alone become one."""
    sums: dict[Hashable, IncomeLine] = {}
    for line in lines:
        key = line.model_copy(update={"amount": ZERO, "count": None})
        held = sums.setdefault(key, key)
        counts = [one.count for one in (held, line) if one.count is not None]
        sums[key] = held.model_copy(update={"amount": held.amount + line.amount, "count": sum(counts, ZERO) if counts else None})
    return tuple(sums.values())


def _withholding(summary: Node, workplaces: tuple[Workplace, ...]) -> tuple[WithholdingLine, ...]:
    if summary.get("forskuddstrekk") is not None:
        return _withholding_lines(summary)
    return _by_type(line for workplace in workplaces for line in workplace.withholding or ())


def _withheld(holders: Iterable[Node]) -> tuple[WithholdingLine, ...]:
    return _by_type(line for holder in holders for line in _withholding_lines(holder))


def _withholding_lines(holder: Node) -> tuple[WithholdingLine, ...]:
    return tuple(
        WithholdingLine(type=document.text(item, "beskrivelse"), amount=document.number(item, "beloep") or ZERO)
        for item in document.nodes(holder, "forskuddstrekk")
    )


def _by_type(lines: Iterable[WithholdingLine]) -> tuple[WithholdingLine, ...]:
    sums: dict[str | None, Decimal] = {}
    for line in lines:
        sums[line.type] = sums.get(line.type, ZERO) + line.amount
    return tuple(WithholdingLine(type=type_, amount=amount) for type_, amount in sums.items())


def _employer_contribution(summary: Node, workplaces: tuple[Workplace, ...]) -> tuple[EmployerContributionLine, ...]:
    if summary.get("arbeidsgiveravgift") is not None:
        return _contribution_lines(summary)
    return tuple(line for workplace in workplaces for line in workplace.employer_contribution or ())


def _contribution_lines(holder: Node) -> tuple[EmployerContributionLine, ...]:
    contribution = document.node(holder, "arbeidsgiveravgift")
    return tuple(_contribution_line(item, kind) for name, kind in CONTRIBUTIONS for item in document.nodes(contribution, name))


def _contribution_line(item: Node, kind: EmployerContributionKind) -> EmployerContributionLine:
    """Both spellings of base and rate are in use, and a deduction's base has a name of its own."""
    base = document.number(item, "avgiftsgrunnlagBeloep", "avgiftsfradragBeloep")
    rate = document.number(item, "prosentsats", "prosentsatsForAvgiftsberegning")
    if kind == "foreign_fixed":
        persons = document.number(item, "antallAvgiftsgrunnlagPersoner") or ZERO
        amount = persons * (document.number(item, "beloepssatsForAvgiftsberegning") or ZERO)
    else:
        amount = (base or ZERO) * (rate or ZERO) / 100
    return EmployerContributionLine(
        kind=kind,
        calculation_code=document.text(item, "beregningskodeForArbeidsgiveravgift"),
        zone=document.text(item, "sone"),
        base=base,
        rate=rate,
        amount=-amount if kind in ("deduction", "foreign_deduction") else amount,
    )


def _totals(
    stated: Node,
    submissions: tuple[Submission, ...],
    withholding: tuple[WithholdingLine, ...],
    contribution: tuple[EmployerContributionLine, ...],
) -> Totals:
    """The stated sums, else those of the submissions that count.

    Sources disagree about the sign of these sums, so it is taken from the lines below them: positive for an amount to
    pay, negative only where the lines themselves give money back.
    """

    def total(name: str, of_one: Callable[[Submission], Decimal], lines: Decimal) -> Decimal:
        size = document.number(stated, name)
        if size is None:
            size = sum((of_one(one) for one in submissions if one.counts), ZERO)
        return -abs(size) if lines < 0 else abs(size)

    withheld = -sum((line.amount for line in withholding), ZERO)
    owed = sum((line.amount for line in contribution), ZERO)
    return Totals(
        withholding_tax=total("sumForskuddstrekk", lambda one: one.withholding_tax, withheld),
        employer_contribution=total("sumArbeidsgiveravgift", lambda one: one.employer_contribution, owed),
        financial_tax=total("sumFinansskattLoenn", lambda one: one.financial_tax, owed),
    )


def _day(parent: Node, name: str) -> date | None:
    written = document.moment(parent, name)
    return None if written is None else written.date()
