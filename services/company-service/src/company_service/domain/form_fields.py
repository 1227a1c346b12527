"""The fields of the company form: what each one accepts, and what it makes of the text that was typed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, TypeVar, cast
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from company_service.domain import financial_year, organisation_number, reconciliation_start, typed_text, visma_company
from company_service.domain.visma_company import VismaCompany
from company_service.domain.wrong_value import WrongValue, quoted
from contracts.company import Module, PeriodType, VatFrequency

COMPANY_ID_TAKEN = "company_id_taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a form is judged against: the day, what this environment allows, and what is known of the things the form points to."""

    today: date
    allow_synthetic: bool
    visma_company: VismaCompany | None
    company_id_taken: bool
    responsible_user_is_member: bool
    company_groups: frozenset[UUID]


def _against(rule: Callable[[Any, Circumstances], Any]) -> BeforeValidator:
    """A rule that needs the circumstances."""

    def judged(typed: Any, info: ValidationInfo) -> Any:
        return rule(typed, cast("Circumstances", info.context))

    return BeforeValidator(judged)


def _company_id(typed: UUID, known: Circumstances) -> UUID:
    if known.company_id_taken:
        raise WrongValue(COMPANY_ID_TAKEN, "This company id belongs to another company.", "Make a new company_id for every company.")
    return typed


def _visma_company(typed: int, known: Circumstances) -> VismaCompany:
    del typed  # the circumstances hold the company of this number
    return visma_company.choose(known.visma_company)


def _start(typed: str, known: Circumstances) -> date:
    return reconciliation_start.parse(typed, today=known.today)


def _organisation_number(typed: str, known: Circumstances) -> str:
    number = organisation_number.parse(typed, allow_synthetic=known.allow_synthetic)
    stated = known.visma_company.organisation_number if known.visma_company is not None and known.visma_company.listed else None
    if stated is not None and not organisation_number.agrees(number, stated):
        raise WrongValue(
            "differs_from_visma",
            f"Visma Business NXT has the organisation number {stated} for this company.",
            "Choose the Visma company that the number belongs to, or correct the number here or in Visma Business NXT.",
        )
    return number


def _responsible_user(typed: str, known: Circumstances) -> str:
    user = typed.strip()
    if not user:
        raise WrongValue("empty", "The responsible user is missing.", "Choose a member of the organisation.")
    if not known.responsible_user_is_member:
        raise WrongValue(
            "not_a_member",
            f"{quoted(user)} is not a member of the organisation.",
            "Choose a member, or ask an administrator to add this user first.",
            may_arrive=True,
        )
    return user


def _company_group(typed: str, known: Circumstances) -> UUID:
    try:
        group = UUID(typed.strip())
    except ValueError:
        raise _unknown_group(typed, may_arrive=False) from None
    if group not in known.company_groups:
        raise _unknown_group(typed, may_arrive=True)  # the command that creates it has another key and may be handled after this one
    return group


def _unknown_group(typed: str, *, may_arrive: bool) -> WrongValue:
    return WrongValue(
        "unknown_company_group",
        f"{quoted(typed)} is not a company group of the organisation.",
        "Choose a company group from the list, or create it first.",
        may_arrive=may_arrive,
    )


def _one_of(choices: type[StrEnum], what: str) -> BeforeValidator:
    def chosen(typed: str) -> StrEnum:
        try:
            return choices(typed.strip())
        except ValueError:
            raise WrongValue("not_a_choice", f"{quoted(typed)} is not {what}.", f"Choose one of: {', '.join(choices)}.") from None

    return BeforeValidator(chosen)


def _a_few(what: str, most: int) -> BeforeValidator:
    # Every wrong entry is answered with an error of its own, and the answer has to fit into one message.
    def counted(typed: list[str]) -> list[str]:
        if len(typed) > most:
            raise WrongValue("too_many", f"{len(typed)} {what} are given; at most {most} can be.", "Leave some out.")
        return typed

    return BeforeValidator(counted)


Value = TypeVar("Value")


def _each_once(values: tuple[Value, ...]) -> tuple[Value, ...]:
    return tuple(dict.fromkeys(values))


CompanyId = Annotated[UUID, _against(_company_id)]
ChosenVismaCompany = Annotated[VismaCompany, _against(_visma_company)]
Name = Annotated[str, BeforeValidator(typed_text.name)]
Comment = Annotated[str, BeforeValidator(typed_text.comment)]
OrganisationNumber = Annotated[str, _against(_organisation_number)]
ChosenPeriodType = Annotated[PeriodType, _one_of(PeriodType, "a period type")]
StartMonth = Annotated[int, BeforeValidator(financial_year.start_month)]
TypedStart = Annotated[date, _against(_start)]
ResponsibleUser = Annotated[str, _against(_responsible_user)]
ChosenVatFrequency = Annotated[VatFrequency, _one_of(VatFrequency, "a VAT reporting frequency")]
CompanyGroups = Annotated[tuple[Annotated[UUID, _against(_company_group)], ...], _a_few("company groups", 100), AfterValidator(_each_once)]
Modules = Annotated[tuple[Annotated[Module, _one_of(Module, "a module")], ...], _a_few("modules", 20), AfterValidator(_each_once)]
