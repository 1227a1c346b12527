"""What the doctor finds: what is wrong, where, and what to do about it."""

from enum import StrEnum

from pydantic import Field

from opsctl.render import Report


class Severity(StrEnum):
    """How bad it is."""

    AWAY = "away"
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Finding(Report):
    """One thing that is not as it should be."""

    severity: Severity = Field(
        description="away: a server does not answer; error: somebody must act; warning: look soon; note: good to know"
    )
    check: str
    where: str
    what: str
    remedy: str


class Check(Report):
    """One thing that was looked at."""

    check: str
    where: str
    seen: str = Field(description="what was seen, in a few words")
    findings: list[Finding]


class Examination:
    """Collects what one check sees of one place."""

    def __init__(self, check: str, where: str) -> None:
        self.check = check
        self.where = where
        self.seen = ""
        self._findings: list[Finding] = []

    def find(self, severity: Severity, what: str, remedy: str) -> None:
        """Note something that is not as it should be."""
        self._findings.append(Finding(severity=severity, check=self.check, where=self.where, what=what, remedy=remedy))

    def done(self) -> Check:
        """What was seen and found."""
        return Check(check=self.check, where=self.where, seen=self.seen, findings=self._findings)
