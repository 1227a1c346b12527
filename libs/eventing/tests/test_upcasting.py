"""A message of an old major, from real Kafka, reaches the handler that knows the newest one only."""

from uuid import uuid4

import pytest

from contracts.org import OrgCommand, OrgEvent
from contracts.registry import MESSAGES
from contracts.results import CommandRejected, CommandSucceeded
from contracts.upcasting import UPCASTS
from testkit.probe import probe

from .conftest import Core, headers, noting


class Opened(OrgEvent):
    """As it was."""

    TYPE = "no.accountflow.org.Opened.v1"
    by: str


class OpenedToday(OrgEvent):
    """As it is."""

    TYPE = "no.accountflow.org.Opened.v2"
    opened_by: str


class Open(OrgCommand):
    """As it was."""

    TYPE = "no.accountflow.org.Open.v1"
    number: int


class OpenToday(OrgCommand):
    """As it is."""

    TYPE = "no.accountflow.org.Open.v2"
    numbers: list[int]


@pytest.fixture(autouse=True)
def old_majors(monkeypatch: pytest.MonkeyPatch) -> None:
    for message in (Opened, OpenedToday, Open, OpenToday):
        monkeypatch.setitem(MESSAGES, message.TYPE, message)
    monkeypatch.setitem(UPCASTS, Opened, lambda old: OpenedToday(organization_id=old.organization_id, opened_by=old.by))
    monkeypatch.setitem(UPCASTS, Open, lambda old: OpenToday(organization_id=old.organization_id, numbers=[old.number]))


async def test_events_of_both_majors_reach_one_handler_in_order(core: Core) -> None:
    organization = uuid4()
    await core.send(Opened(organization_id=organization, by="kari"), sequence=1)
    await core.send(OpenedToday(organization_id=organization, opened_by="ola"), sequence=2)
    await core.send(Opened(organization_id=organization, by="again kari"), sequence=1)
    await core.send(Opened(organization_id=organization, by="an old member, still running"), sequence=3)
    await core.run({OpenedToday: noting(lambda message: f"{type(message).__name__} {message.opened_by}")}, ["org-events"])

    async def handled() -> bool:
        return await core.effects() == ["OpenedToday kari", "OpenedToday ola", "OpenedToday an old member, still running"]

    await probe(handled, within=10)


async def test_an_old_command_is_answered_under_its_own_type_and_its_errors_name_its_own_fields(core: Core) -> None:
    organization = uuid4()
    await core.send(Open(organization_id=organization, number=7))
    wrong = Open(organization_id=organization, number=0)
    value = wrong.model_dump_json().replace('"number":0', '"number":"many"').encode()
    await core.send_raw("org-commands", wrong.subject.encode(), value, headers(wrong))
    await core.run({OpenToday: noting(lambda message: str(message.numbers))}, ["org-commands"])
    done, refused = [record.value for record in await core.read("command-results", 2)]
    if b'"code"' in done:
        done, refused = refused, done
    assert CommandSucceeded.model_validate_json(done).command_type == Open.TYPE
    assert [error.field for error in CommandRejected.model_validate_json(refused).errors] == ["number"]
    assert await core.effects() == ["[7]"]
