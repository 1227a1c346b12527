"""The fixed walk of the certificate: one organisation through the guide, with whatever makes a service pass its crash points.

Each walk is an organisation of its own with the same two Visma customer IDs, which it gives up at its end, so that all walks retrieve the
same books. On the way: commands about things that do not exist (they wait in the parking place, then are refused), records that cannot be
read (dead letters), a page that fails, one that is slow, and pages that lack a line, whose voucher is then read again. When all is proven
Visma tells of a change, which is looked for, and a part is published once more. Between its steps the walk waits until every service has
heard all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import NAMESPACE_OID, UUID, uuid5

import httpx

from contracts.cloudevents import Attributes
from contracts.company import AddVismaCompany, CreateCompanyGroup, Module, PeriodType, VatFrequency
from contracts.message import Command
from contracts.org import AddMember, RegisterOrganization, RegisterVismaCustomerIds, RemoveVismaCustomerId, Role
from contracts.sync import DataSet, RepublishPeriods, RetrySync
from contracts.visma import RefreshVismaCompanies
from visma_simulator import chart

from .databases import Databases
from .observer import Observer, Seen

CONNECTED, DENIED, STRANGE = 12345, 67890, 99999
COMPANY, NOT_LISTED = 7100001, 7999999
ORGANISATION_NUMBER = "914594685"
SCENARIO = {
    "clients": [{"id": "isv_accountflow", "secret": "simulator-secret"}],
    "customers": [
        {
            "number": CONNECTED,
            "name": "Fjordregnskap AS",
            "companies": [{"number": COMPANY, "name": "Lyngen Bakeri AS", "lines": 500, "organisation_number": ORGANISATION_NUMBER}],
        },
        {"number": DENIED, "name": "Uaktivert Regnskap AS", "activated": False, "companies": []},
    ],
}
FAULTS = [
    {"effect": "delay", "ms": 700, "operation": "AvailableCompanies"},
    {"effect": "delay", "ms": 700, "operation": "GeneralLedgerAccountRows"},
    {"effect": "status", "status": 503, "operation": "GeneralLedgerTransactionRows", "skip": 1},
    {"effect": "drop_row", "operation": "GeneralLedgerTransactionRows", "index": 10, "times": None},  # of a page; no voucher has as many
]
KARI, OLA = "kari", "ola"
COMMAND_TOPICS = ("org-commands", "company-commands", "visma-connector-commands", "sync-commands")
MONTHS_BACK = 2
TOUCHED = 1920


@dataclass
class Walk:
    """One organisation's way. ``patience``: seconds for each thing that is awaited."""

    number: int
    observer: Observer
    databases: Databases
    visma_control: str
    patience: float = 60
    names: dict[str, str] = field(default_factory=dict)
    """What the ids made for this walk stand for."""
    _sent: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.organization_id = self._id("the organisation")
        self.company_id = self._id("the company")

    async def go(self) -> None:
        """Walk to the end. Raises `TooLate`, with what did not come."""
        organization = {"organization_id": self.organization_id}
        await self._send(RegisterOrganization(**organization, name="Fjordregnskap AS", administrator_name="Kari"), KARI)
        await self._send(AddMember(**organization, user_id=OLA, name="Ola", role=Role.ACCOUNTANT), KARI)
        await self._answered()
        await self.settled()
        await self._place_faults()
        await self._send_what_cannot_be_read()
        strays = await self._send_strays()
        await self._send(RegisterVismaCustomerIds(**organization, visma_customer_ids=f"{CONNECTED},{DENIED}"), KARI)
        group = CreateCompanyGroup(company_group_id=self._id("the group"), **organization, name="Månedsoppgjør")
        await self._send(group, OLA)
        await self._answered(besides=strays)
        await self._published("VismaCompaniesListed", "VismaCustomerAccessDenied")
        await self._answered()  # the strays have been refused
        await self.settled()
        await self._send(self._form(self.company_id, COMPANY, groups=[str(group.company_group_id)]), OLA)
        await self._answered()
        await self._published("SyncCompleted", "ConsistentCutVerified")
        await self._touch_an_account()
        await self._published("SyncCompleted", "ConsistentCutVerified", times=2)
        parts = {"periods": [], "data_sets": [DataSet.A07_REPORTS, DataSet.CUSTOMERS, DataSet.LEDGER_LINES]}
        await self._send(RepublishPeriods(company_id=self.company_id, **organization, **parts), OLA)
        await self._published("PeriodsRepublished")
        await self.settled()  # what the ID is still needed for has been done
        for visma_customer_id in (CONNECTED, DENIED):
            await self._send(RemoveVismaCustomerId(**organization, visma_customer_id=visma_customer_id), KARI)
        await self._answered()
        await self._published("SyncNeedsAttention")
        await self._dead_letters()
        await self.settled()

    async def settled(self) -> None:
        """Every event has been published and has reached all who consume it."""
        await self.databases.settled(list(self.names), within=self.patience)

    async def _place_faults(self) -> None:
        async with httpx.AsyncClient(base_url=self.visma_control) as control:
            (await control.delete("/faults")).raise_for_status()
            (await control.post("/faults", json=FAULTS)).raise_for_status()

    async def _touch_an_account(self) -> None:
        """Visma writes a row as it was, and tells of it: it is read again, and says nothing new."""
        row = {"accountNo": TOUCHED, "name": chart.ACCOUNTS[TOUCHED][0]}
        async with httpx.AsyncClient(base_url=self.visma_control) as control:
            said = {"company": COMPANY, "action": "change", "table": "GeneralLedgerAccount", "row": row}
            (await control.post("/ledger", json=said)).raise_for_status()

    async def _send_what_cannot_be_read(self) -> None:
        key, headers = str(self.organization_id), [("ce_organizationid", str(self.organization_id).encode())]
        for topic in COMMAND_TOPICS:
            await self.observer.send(topic, key, b"not ours", headers)

    async def _send_strays(self) -> list[str]:
        """Two of each, so that the second waits behind the first."""
        nowhere = {"company_id": self._id("no company"), "organization_id": self.organization_id}
        commands = (
            RefreshVismaCompanies(organization_id=self.organization_id, visma_customer_id=STRANGE),
            RetrySync(**nowhere),
            self._form(nowhere["company_id"], NOT_LISTED),
        )
        return [await self._send(command, OLA, turn=turn) for turn in ("first", "second") for command in commands]

    def _form(self, company_id: UUID, visma_company_id: int, *, groups: list[str] | None = None) -> AddVismaCompany:
        today = datetime.now(UTC).date()
        months = today.year * 12 + today.month - 1 - MONTHS_BACK
        return AddVismaCompany(
            company_id=company_id,
            organization_id=self.organization_id,
            visma_company_id=visma_company_id,
            name="Lyngen Bakeri AS",
            organisation_number=ORGANISATION_NUMBER,
            period_type=PeriodType.MONTH,
            reconciliation_start=date(months // 12, months % 12 + 1, 1).isoformat(),
            responsible_user=OLA,
            vat_frequency=VatFrequency.TWO_MONTHLY,
            company_groups=groups or [],
            modules=list(Module),
        )

    async def _send(self, command: Command, actor: str, *, turn: str = "") -> str:
        """Send a command; returns its id, which is the same in every walk of this number."""
        data = command.model_dump_json()
        id = str(self._id(" ".join([turn, type(command).__name__, *_distinguishing(command)]).strip()))  # noqa: A001
        attributes = Attributes(
            id=id,
            source="/ui-gateway",
            type=command.TYPE,
            time=datetime.now(UTC),
            subject=command.subject,
            organizationid=str(self.organization_id),
            correlationid=id,
            actor=actor,
        )
        await self.observer.send(command.TOPIC, command.subject, data.encode(), attributes.headers())
        self._sent.append(id)
        return id

    async def _answered(self, *, besides: list[str] | None = None) -> None:
        awaited = set(self._sent) - set(besides or ())

        def answered() -> bool:
            return awaited <= {record.key for record in self._on("command-results")}

        open_ = f"an outcome for every command of {sorted(self.names[id] for id in awaited)}"  # noqa: A001
        await self.observer.until(answered, open_, within=self.patience)

    async def _published(self, *types: str, times: int = 1) -> None:
        for type_ in types:

            def published(type_: str = type_) -> bool:
                return len({record.sequence for record in self._records() if record.type == type_}) >= times

            await self.observer.until(published, type_, within=self.patience)

    async def _dead_letters(self) -> None:
        wanted = {topic.replace("-commands", "-service-dlq") for topic in ("org-commands", "company-commands")}
        wanted |= {"visma-connector-dlq", "sync-worker-dlq"}

        def copied() -> bool:
            return wanted <= {record.topic for record in self._records()}

        await self.observer.until(copied, "a dead letter of each service", within=self.patience)

    def _records(self) -> list[Seen]:
        return self.observer.records(self.organization_id)

    def _on(self, topic: str) -> list[Seen]:
        return [record for record in self._records() if record.topic == topic]

    def _id(self, name: str) -> UUID:
        made = uuid5(NAMESPACE_OID, f"walk {self.number}: {name}")
        self.names[str(made)] = name
        return made


def _distinguishing(command: Command) -> list[str]:
    number: Mapping[str, object] = command.model_dump()
    return [str(number[name]) for name in ("visma_customer_id", "visma_company_id") if number.get(name)]
