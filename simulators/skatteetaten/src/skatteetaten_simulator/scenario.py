"""What the simulated world looks like: given by a JSON file or in code, and changed while running by the control endpoint.

Whatever a scenario does not name follows from the seed and the organisation number alone: every valid organisation number
is an employer with a system user and a payroll.
"""

from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from skatteetaten_simulator.faults import Fault
from skatteetaten_simulator.payroll import MonthOnRequest


class Scenario(BaseModel):
    """`today` decides which submissions have been delivered; without it the clock's date (UTC) does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 1
    today: date | None = None
    oldest_year: int = 2019
    token_lifetime: int = Field(default=119, description="seconds, as expires_in")
    without_system_user: frozenset[str] = frozenset()
    external_refs: dict[str, str] = Field(default={}, description="organisation number to its system user's externalRef")
    sub_units: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    without_payroll: frozenset[str] = frozenset()
    finance_sector: frozenset[str] = Field(default=frozenset(), description="these pay finansskatt")
    months: tuple[MonthOnRequest, ...] = Field(default=(), description="months that are not as the cycle has them")
    faults: tuple[Fault, ...] = ()

    @classmethod
    def from_file(cls, path: Path) -> "Scenario":
        return cls.model_validate_json(path.read_bytes())
