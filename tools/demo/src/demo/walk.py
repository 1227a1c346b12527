"""The six steps of the guide, walked as a UI gateway would."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid4

from contracts.company import AddVismaCompany, CreateCompanyGroup, Module, PeriodType, VatFrequency
from contracts.message import Command, Message
from contracts.org import AddMember, RegisterOrganization, RegisterVismaCustomerIds, Role
from contracts.results import CommandRejected, CommandSucceeded
from contracts.visma import VismaCompaniesListed, VismaCompany, VismaCustomerAccessDenied
from demo.display import Display
from demo.gateway import Gateway

KARI, OLA, STRANGER = "kari@fjordregnskap.example", "ola@fjordregnskap.example", "per@konkurrenten.example"


class Unexpected(Exception):
    """A step did not go as the guide says."""


@dataclass(frozen=True)
class Choice:
    """What is filled in for one company; months are counted back from the current one."""

    period_type: PeriodType
    months_back: int
    day: int
    modules: tuple[Module, ...]
    financial_year_start_month: int = 1


CHOICES = (
    Choice(PeriodType.MONTH, 10, 1, (Module.PAYROLL, Module.VAT, Module.ASSETS)),
    Choice(PeriodType.QUARTER, 14, 17, (Module.VAT, Module.ASSETS)),
    Choice(PeriodType.TWO_MONTHS, 8, 1, (Module.PAYROLL,), financial_year_start_month=7),
)


class Walk:
    """Keeps the organisation of the walk; ``today`` decides the start dates, ``new_id`` makes the ids a gateway makes."""

    def __init__(self, gateway: Gateway, display: Display, *, today: date, new_id: Callable[[], UUID] = uuid4) -> None:
        self._gateway = gateway
        self._display = display
        self._today = today
        self._new_id = new_id
        self.organization_id = new_id()
        self.companies: dict[UUID, str] = {}

    async def find_and_activate(self) -> None:
        """Steps 1 and 2 happen in Visma."""
        self._display.step(1, "Find the Visma customer ID")
        self._display.say("done by the system administrator in Visma.net: 12345 and 67890")
        self._display.step(2, "Activate the integration in Business NXT with our client key")
        self._display.say("done for 12345, forgotten for 67890")

    async def register(self) -> None:
        """Step 3: organisation, members, IDs; and what each ID gave."""
        display = self._display
        display.step(3, "Organization → pencil → 12345,67890 → Submit")
        await self._succeed(
            RegisterOrganization(organization_id=self.organization_id, name="Fjordregnskap AS", administrator_name="Kari"), KARI
        )
        await self._succeed(AddMember(organization_id=self.organization_id, user_id=OLA, name="Ola", role=Role.ACCOUNTANT), KARI)
        display.say("organisation Fjordregnskap AS registered, Kari is its administrator, Ola an accountant")
        await self._succeed(RegisterVismaCustomerIds(organization_id=self.organization_id, visma_customer_ids="12345,67890"), KARI)
        listed = await self._gateway.until(lambda screens: _listed(screens.seen), "the list of companies")
        display.say(f"12345  [green]connected[/], {len(listed.companies)} companies")
        denied = await self._gateway.until(
            lambda screens: next((m for m in screens.seen if isinstance(m, VismaCustomerAccessDenied)), None), "the answer for 67890"
        )
        display.say(f"{denied.visma_customer_id}  [yellow]{denied.reason}[/]: {denied.message}")
        for line in denied.hint.splitlines():
            display.say(f"       {line}")

    async def drop_down(self) -> list[VismaCompany]:
        """Step 4: what can be picked."""
        self._display.step(4, "Company → + Add company → Add Visma Business NXT")
        listed = await self._gateway.until(lambda screens: _listed(screens.seen), "the list of companies")
        for company in listed.companies:
            self._display.say(
                f"{company.visma_company_id}  {company.name:<24} {company.organisation_number or 'organisation number not given'}"
            )
        return [company for company in listed.companies if company.readable]

    async def refused_forms(self, company: VismaCompany) -> None:
        """Step 5 done wrong, twice."""
        self._display.step(5, "Fill in the form, with mistakes first")
        wrong = self._form(company, CHOICES[0]).model_copy(update={"organisation_number": "123456789"})
        self._display.refused(await self._refusal(wrong, OLA))
        other = self._new_id()
        await self._succeed(RegisterOrganization(organization_id=other, name="Konkurrenten AS"), STRANGER)
        self._display.refused(await self._refusal(RegisterVismaCustomerIds(organization_id=other, visma_customer_ids="12345"), STRANGER))

    async def add_companies(self, listed: list[VismaCompany]) -> None:
        """Step 6: three companies, each with other choices."""
        self._display.step(6, "Save three companies")
        group = CreateCompanyGroup(company_group_id=self._new_id(), organization_id=self.organization_id, name="Månedsoppgjør")
        await self._succeed(group, OLA)
        for company, choice in zip(listed, CHOICES, strict=False):
            form = self._form(company, choice).model_copy(update={"company_groups": [str(group.company_group_id)]})
            self.companies[form.company_id] = company.name
            outcome = await self._succeed(form, OLA)
            modules = ", ".join(choice.modules) or "no modules"
            asked, aligned = form.reconciliation_start, outcome.result["reconciliation_start"]
            start = aligned if asked == aligned else f"{aligned} (aligned from {asked})"
            self._display.say(f"[green]saved[/] {company.name:<24} {choice.period_type:<12} from {start}  {modules}")

    def _form(self, company: VismaCompany, choice: Choice) -> AddVismaCompany:
        months = self._today.year * 12 + self._today.month - 1 - choice.months_back
        return AddVismaCompany(
            company_id=self._new_id(),
            organization_id=self.organization_id,
            visma_company_id=company.visma_company_id,
            name=company.name,
            organisation_number=company.organisation_number or "",
            period_type=choice.period_type,
            financial_year_start_month=choice.financial_year_start_month,
            reconciliation_start=date(months // 12, months % 12 + 1, choice.day).isoformat(),
            responsible_user=OLA,
            vat_frequency=VatFrequency.TWO_MONTHLY,
            modules=list(choice.modules),
        )

    async def _succeed(self, command: Command, actor: str) -> CommandSucceeded:
        outcome = await self._gateway.ask(command, actor=actor)
        if isinstance(outcome, CommandRejected):
            raise Unexpected(f"{type(command).__name__} was refused: {outcome.message} {[error.message for error in outcome.errors]}")
        return outcome

    async def _refusal(self, command: Command, actor: str) -> CommandRejected:
        outcome = await self._gateway.ask(command, actor=actor)
        if isinstance(outcome, CommandSucceeded):
            raise Unexpected(f"{type(command).__name__} should have been refused")
        return outcome


def _listed(seen: Sequence[Message]) -> VismaCompaniesListed | None:
    return next((message for message in reversed(seen) if isinstance(message, VismaCompaniesListed) and message.companies), None)
