"""Reads the JSON of Skatteetaten into an `A07Report`.

One source per figure: the summary (oppsummerteVirksomheter) already holds the sum of the workplaces (virksomhet), and
these that of the recipients (inntektsmottaker). The next level is read only where the one above is missing, and its
lines are added up to company level at once, so that nothing in the report can be traced to a person.
"""

from collections.abc import Callable, Hashable, Iterable
from datetime import date, datetime
from decimal import Decimal

from skatteetaten import document
from skatteetaten.document import Node, UnreadableValueError
from skatteetaten.report import (
    A07Report,
    EmployerContributionKind,
    EmployerContributionLine,
    IncomeLine,
    Payment,
    Submission,
    Totals,
    WithholdingLine,
    Workplace,
)

RECIPIENTS = "inntektsmottaker"
INCOME_KINDS = ("loennsinntekt", "ytelseFraOffentlige", "pensjonEllerTrygd", "naeringsinntekt")
CONTRIBUTIONS: tuple[tuple[str, EmployerContributionKind], ...] = (
    ("loennOgGodtgjoerelse", "wages"),
    ("tilskuddOgPremieTilPensjon", "pension"),
    ("fradragIGrunnlagetForSone", "deduction"),
    ("utenlandskeMedSaerskiltProsentsats", "foreign_rate"),
    ("utenlandskeMedFastAvgiftsbeloep", "foreign_fixed"),
    ("fradragIGrunnlagetForUtenlandsk", "foreign_deduction"),
)
ACCEPTED = "godkjent"
ZERO = Decimal(0)


def read_report(
    body: bytes, organisation_number: str, month: str, *, fetched_at: datetime, keep_personal_data: bool = False
) -> A07Report | None:
    """The report in `body`, or None when it holds no submission.

    Raises ValueError when the body is not JSON, and `UnreadableValueError` (one of them) when it is JSON but not
    understood, or is a report of another organisation or other months than asked for. `fetched_at` stands in for a
    snapshot time that the report does not state.
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
    people = [person for unit in units for person in document.nodes(unit, RECIPIENTS)]
    withholding = _withholding(summary, units, people)
    contribution = _employer_contribution(summary, units)
    workplaces = tuple(_workplace(unit) for unit in units)
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
        totals=_totals(document.node(content, "betalingsinformasjon"), submissions, withholding, contribution),
        raw=body if keep_personal_data else document.write(document.without(parsed, RECIPIENTS)).encode(),
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
    replaced = {
        document.text(item, "erstatterMeldingsId")
        for item in messages
        if _accepted(item) and document.text(item, "erstatterMeldingsId") != document.text(item, "meldingsId")
    } - {None}
    return tuple(_submission(item, replaced=document.text(item, "meldingsId") in replaced) for item in messages)


def _accepted(message: Node) -> bool:
    return (document.text(message, "status") or "").casefold() == ACCEPTED


def _submission(message: Node, *, replaced: bool) -> Submission:
    sums = document.node(message, "mottattAvgiftOgTrekkTotalt")
    payment = document.node(message, "innbetalingsinformasjon")
    return Submission(
        message_id=document.text(message, "meldingsId"),
        replaces=document.text(message, "erstatterMeldingsId"),
        status=document.text(message, "status"),
        counts=_accepted(message) and not replaced,
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
    income: tuple[IncomeLine, ...] | None = None
    if unit.get("inntekt") is not None:
        income = tuple(map(_income_line, document.nodes(unit, "inntekt")))
    elif unit.get(RECIPIENTS) is not None:
        people = document.nodes(unit, RECIPIENTS)
        income = _added_up(_income_line(item) for person in people for item in document.nodes(person, "inntekt"))
    return Workplace(organisation_number=document.text(unit, "norskIdentifikator"), name=document.text(unit, "navn"), income=income)


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


def _withholding(summary: Node, units: list[Node], people: list[Node]) -> tuple[WithholdingLine, ...]:
    if summary.get("forskuddstrekk") is not None:
        items = document.nodes(summary, "forskuddstrekk")
        return tuple(
            WithholdingLine(type=document.text(item, "beskrivelse"), amount=document.number(item, "beloep") or ZERO) for item in items
        )
    split_by_unit = bool(units) and all(unit.get("forskuddstrekk") is not None for unit in units)
    sums: dict[str | None, Decimal] = {}
    for holder in units if split_by_unit else people:
        for item in document.nodes(holder, "forskuddstrekk"):
            type_ = document.text(item, "beskrivelse")
            sums[type_] = sums.get(type_, ZERO) + (document.number(item, "beloep") or ZERO)
    return tuple(WithholdingLine(type=type_, amount=amount) for type_, amount in sums.items())


def _employer_contribution(summary: Node, units: list[Node]) -> tuple[EmployerContributionLine, ...]:
    summed = summary.get("arbeidsgiveravgift") is not None
    lines: list[EmployerContributionLine] = []
    for holder in [summary] if summed else units:
        contribution = document.node(holder, "arbeidsgiveravgift")
        for name, kind in CONTRIBUTIONS:
            lines += [_contribution_line(item, kind) for item in document.nodes(contribution, name)]
    return tuple(lines)


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
