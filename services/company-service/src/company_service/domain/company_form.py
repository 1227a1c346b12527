"""The company form: from the text the user typed to a company that can be created, or to every field error at once."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from company_service.domain import financial_year, form_fields, reconciliation_start, visma_company
from company_service.domain.form_fields import Circumstances
from contracts.company import AddVismaCompany
from contracts.results import FieldError
from contracts.sync import Period
from eventing.errors import NotYet, Refused

CODE = "invalid_company_form"
_ABOUT_THE_WHOLE_FORM = {visma_company.ALREADY_ADDED, form_fields.COMPANY_ID_TAKEN}

Form = TypeVar("Form", bound=BaseModel)


class CompanyForm(BaseModel):
    """A form without fault. Fields that may be left out or typed twice are settled; the start date is still the one typed."""

    model_config = ConfigDict(frozen=True)

    company_id: form_fields.CompanyId
    visma_company_id: int
    visma_company: Annotated[form_fields.ChosenVismaCompany, Field(alias="visma_company_id")]
    name: form_fields.Name
    comment: form_fields.Comment
    organisation_number: form_fields.OrganisationNumber
    period_type: form_fields.ChosenPeriodType
    financial_year_start_month: form_fields.StartMonth
    typed_start: Annotated[form_fields.TypedStart, Field(alias="reconciliation_start")]
    responsible_user: form_fields.ResponsibleUser
    vat_frequency: form_fields.ChosenVatFrequency
    company_groups: form_fields.CompanyGroups
    modules: form_fields.Modules

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
    return judged(CompanyForm, typed.model_dump(), known)


def judged(form: type[Form], typed: Mapping[str, Any], known: Circumstances) -> Form:
    """The fields typed, as a form of this kind without fault; raises as `judge` does."""
    try:
        return form.model_validate(typed, context=known)
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
