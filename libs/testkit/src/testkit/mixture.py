"""Good and bad messages mixed, and the account of them: what was sent, what must have become of each."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from uuid import UUID, uuid4

from contracts.company import CreateCompanyGroup
from contracts.org import MemberAdded, OrganizationRegistered, Role
from testkit.bad_messages import Fate, Kind, Raw, good, kinds

Copy = tuple[bytes | None, bytes | None, tuple[tuple[str, bytes | None], ...]]
"""Key, value and headers of a record."""


@dataclass
class Mixture:
    """Messages for company-service. Each bad event stands between good ones of its own subject, each command has a subject of its own.

    ``firm`` is an organisation of which `ACTOR` is a member, for the commands.
    """

    firm: UUID
    members: set[tuple[UUID, str]] = field(default_factory=set)
    groups: set[UUID] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    dead: Counter[Copy] = field(default_factory=Counter)
    waiting: int = 0
    sent: int = 0
    bad: int = 0

    def messages(self, count: int) -> Iterator[Raw]:
        """At least ``count``; more than half of them are good. What must become of them is noted on the way."""
        for kind in cycle(tuple(kinds())):
            if self.sent >= count:
                return
            for raw in (*self._facts(kind), *self._good_facts(), *self._commands(kind)):
                self.sent += 1
                yield raw

    def _facts(self, kind: Kind) -> Sequence[Raw]:
        organization, change = uuid4(), kind.event
        self.bad += 1
        spoilt = kind.spoil(self._member(organization, "spoilt", 2))
        first = OrganizationRegistered(organization_id=organization, name="Regnskap AS", registered_by="boss")
        found = [good(first, id=str(uuid4()), source="/org-service", sequence=1), spoilt]
        if change in (Fate.HANDLED, Fate.GAP):
            self.members.add((organization, "spoilt"))
        if change in (Fate.DEAD, Fate.PARKED):
            self.dead[copy_of(spoilt)] += 1
        if change is Fate.PARKED:
            self.waiting += 2  # itself, and the next of its key
        elif change is not Fate.GAP:
            self.members.add((organization, "next"))
        return found if change is Fate.GAP else [*found, self._member(organization, "next", 3)]

    def _good_facts(self) -> Sequence[Raw]:
        """Company enough that the share of broken records stays below what makes a service stop."""
        organization = uuid4()
        self.members.add((organization, "only"))
        first = OrganizationRegistered(organization_id=organization, name="Regnskap AS", registered_by="boss")
        return [good(first, id=str(uuid4()), source="/org-service", sequence=1), self._member(organization, "only", 2)]

    def _member(self, organization: UUID, user: str, sequence: int) -> Raw:
        event = MemberAdded(organization_id=organization, user_id=user, name=user, role=Role.READER)
        return good(event, id=str(uuid4()), source="/org-service", sequence=sequence)

    def _commands(self, kind: Kind) -> Sequence[Raw]:
        fine, spoilt = (CreateCompanyGroup(company_group_id=uuid4(), organization_id=self.firm, name=f"G {uuid4()}") for _ in range(2))
        self.bad += 1
        name = str(uuid4())
        bad = kind.spoil(good(spoilt, id=name, actor=ACTOR))
        self.groups.add(fine.company_group_id)
        if kind.command is Fate.HANDLED:
            self.groups.add(spoilt.company_group_id)
        elif isinstance(kind.command, str):
            self.refused[name] = kind.command
        else:
            self.dead[copy_of(bad)] += 1
        return [bad, good(fine, id=str(uuid4()), actor=ACTOR)]


ACTOR = "anne@regnskap.example"


def copy_of(raw: Raw) -> Copy:
    """As its dead letter has it. A NUL in a header's name is the one thing that is written out."""
    return raw.key, raw.value, tuple((name.replace("\0", "\\x00"), value) for name, value in raw.headers)
