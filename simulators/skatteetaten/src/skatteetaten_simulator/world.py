"""The state of one running simulator: the scenario, what control calls changed since, tokens' keys, and the log."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from stdnum.no import orgnr

from skatteetaten_simulator.faults import Faults
from skatteetaten_simulator.journal import Journal
from skatteetaten_simulator.keys import RegisteredClient, new_key
from skatteetaten_simulator.payroll import MonthOnRequest
from skatteetaten_simulator.scenario import Scenario


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Addresses:
    """`base` is where the simulator is reached, without a slash at the end."""

    base: str

    @property
    def issuer(self) -> str:
        return f"{self.base}/"

    @property
    def token_url(self) -> str:
        return f"{self.base}/token"

    @property
    def a07_base_url(self) -> str:
        return self.base

    @property
    def control_url(self) -> str:
        return f"{self.base}/_control"


class SystemUsers:
    """Which organisations have approved the system, and the externalRef their approval was given with, if any."""

    def __init__(self, scenario: Scenario) -> None:
        self._lacking = set(scenario.without_system_user)
        self._external_refs = dict(scenario.external_refs)

    def grant(self, organisation_number: str, external_ref: str | None = None) -> None:
        self._lacking.discard(organisation_number)
        self._external_refs.pop(organisation_number, None)
        if external_ref is not None:
            self._external_refs[organisation_number] = external_ref

    def withdraw(self, organisation_number: str) -> None:
        self._lacking.add(organisation_number)

    def has(self, organisation_number: str) -> bool:
        return bool(orgnr.is_valid(organisation_number)) and organisation_number not in self._lacking

    def external_ref(self, organisation_number: str) -> str | None:
        return self._external_refs.get(organisation_number)


class World:
    def __init__(
        self,
        scenario: Scenario,
        clients: Iterable[RegisteredClient],
        addresses: Addresses,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.clients = {client.client_id: client for client in clients}
        self.addresses = addresses
        self.now = now
        self.signing_key = _signing_key()
        self.start_over(scenario)

    def start_over(self, scenario: Scenario) -> None:
        """Forgets everything that happened; tokens given out before stay valid until their end."""
        self.scenario = scenario
        self.system_users = SystemUsers(scenario)
        self.faults = Faults(scenario.faults)
        self.journal = Journal()
        self.months: dict[tuple[str, str], MonthOnRequest] = {}
        for month in scenario.months:
            self.ask_for(month)
        self.used_grants: dict[str, float] = {}
        self._today = scenario.today

    @property
    def today(self) -> date:
        return self._today or self.now().date()

    def set_today(self, today: date | None) -> None:
        """None goes back to the clock's date."""
        self._today = today

    def ask_for(self, month: MonthOnRequest) -> None:
        """The organisation's month is like this from now on."""
        self.months[month.organisation_number, month.month] = month


@cache
def _signing_key() -> RSAPrivateKey:
    """One for all worlds of a process: making one takes 60 ms, as long as many a test."""
    return new_key()
