"""The company form: from the text the user typed to a company that can be created, or to every field error at once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, TypeVar, cast
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo

from company_service.domain import financial_year, organisation_number, reconciliation_start, typed_text, visma_company
from company_service.domain.visma_company import VismaCompany
from company_service.domain.wrong_value import WrongValue, quoted
from contracts.company import AddVismaCompany, Module, PeriodType, VatFrequency
from contracts.results import FieldError
from contracts.sync import Period
from eventing.errors import NotYet, Refused

CODE = "invalid_company_form"
COMPANY_ID_TAKEN = "company_id_taken"
_ABOUT_THE_WHOLE_FORM = {visma_company.ALREADY_ADDED, COMPANY_ID_TAKEN}


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


class CompanyForm(BaseModel):
    """A form without fault. Fields that may be left out or typed twice are settled; the start date is still the one typed."""

    model_config = ConfigDict(frozen=True)

    company_id: Annotated[UUID, _against(_company_id)]
    visma_company_id: int
    visma_company: Annotated[VismaCompany, Field(alias="visma_company_id"), _against(_visma_company)]
    name: Annotated[str, BeforeValidator(typed_text.name)]
    comment: Annotated[str, BeforeValidator(typed_text.comment)]
    organisation_number: Annotated[str, _against(_organisation_number)]
    period_type: Annotated[PeriodType, _one_of(PeriodType, "a period type")]
    financial_year_start_month: Annotated[int, BeforeValidator(financial_year.start_month)]
    typed_start: Annotated[date, Field(alias="reconciliation_start"), _against(_start)]
    responsible_user: Annotated[str, _against(_responsible_user)]
    vat_frequency: Annotated[VatFrequency, _one_of(VatFrequency, "a VAT reporting frequency")]
    company_groups: Annotated[
        tuple[Annotated[UUID, _against(_company_group)], ...], _a_few("company groups", 100), AfterValidator(_each_once)
    ]
    modules: Annotated[tuple[Annotated[Module, _one_of(Module, "a module")], ...], _a_few("modules", 20), AfterValidator(_each_once)]

    @property
    def reconciliation_start(self) -> date:
        """First day of the month of the date typed."""
        return reconciliation_start.aligned(self.typed_start)

    @property
    def aligned(self) -> bool:
        """Whether the start date had to be moved."""
        return self.reconciliation_start != self.typed_start

    @property
    def first_period(self) -> Period:
        """The reconciliation period in which the work begins."""
        return financial_year.first_period(self.reconciliation_start, self.period_type, self.financial_year_start_month)


def judge(typed: AddVismaCompany, known: Circumstances) -> CompanyForm:
    """The valid form. Raises `Refused` with every field error, or `NotYet` when all that is wrong may be cured by facts on their way."""
    try:
        return CompanyForm.model_validate(typed.model_dump(), context=known)
    except ValidationError as error:
        wrong = [(".".join(map(str, part["loc"])), part["ctx"]["error"]) for part in error.errors(include_url=False, include_input=False)]
    refused = _refusal([FieldError(field=field, code=why.code, message=why.message, hint=why.hint) for field, why in wrong])
    # What the list, the members and the groups lack is decided by others, or under another key, and a quick user is faster than their
    # events. What the user typed stays wrong however long we wait.
    raise NotYet(refused) if all(why.may_arrive for _, why in wrong) else refused


def _refusal(errors: list[FieldError]) -> Refused:
    code = next((error.code for error in errors if error.code in _ABOUT_THE_WHOLE_FORM), CODE)
    if len(errors) == 1:
        return Refused(code, errors[0].message, hint=errors[0].hint, errors=errors)
    return Refused(
        code,
        f"{len(errors)} fields of the company form cannot be accepted.",
        hint="Correct the fields that are named and save again.",
        errors=errors,
    )
