"""Old majors become the newest, step by step, and an upcast that leads astray is noticed."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from contracts.org import OrgEvent
from contracts.registry import MESSAGES
from contracts.upcasting import UPCASTS, newest, upcasts


class Opened(OrgEvent):
    """The first major."""

    TYPE = "no.accountflow.org.Opened.v1"
    by: str


class OpenedV2(OrgEvent):
    """The second."""

    TYPE = "no.accountflow.org.Opened.v2"
    opened_by: str


class OpenedV3(OrgEvent):
    """The third."""

    TYPE = "no.accountflow.org.Opened.v3"
    opened_by: list[str]


@pytest.fixture(autouse=True)
def three_majors() -> Iterator[None]:
    upcasts(Opened)(lambda old: OpenedV2(organization_id=old.organization_id, opened_by=old.by))
    upcasts(OpenedV2)(lambda old: OpenedV3(organization_id=old.organization_id, opened_by=[old.opened_by]))
    yield
    for major in (Opened, OpenedV2):
        UPCASTS.pop(major, None)


def test_an_old_message_goes_through_every_major() -> None:
    old = Opened(organization_id=uuid4(), by="kari")
    assert newest(old) == OpenedV3(organization_id=old.organization_id, opened_by=["kari"])


def test_the_newest_stays_as_it_is() -> None:
    message = OpenedV3(organization_id=uuid4(), opened_by=[])
    assert newest(message) is message


@pytest.mark.parametrize(
    "astray",
    [
        lambda old: OpenedV2(organization_id=uuid4(), opened_by=old.by),
        lambda old: OpenedV3(organization_id=old.organization_id, opened_by=[old.by]),
        lambda old: old,
    ],
    ids=["another subject", "a major left out", "no step at all"],
)
def test_an_upcast_that_leads_astray_is_refused(astray: Any) -> None:
    UPCASTS[Opened] = astray
    with pytest.raises(TypeError, match=r"the upcast of no\.accountflow\.org\.Opened\.v1"):
        newest(Opened(organization_id=uuid4(), by="kari"))


def test_a_second_upcast_of_one_major_is_refused() -> None:
    with pytest.raises(ValueError, match="has an upcast already"):
        upcasts(Opened)(lambda old: old)


def test_every_major_but_the_newest_has_an_upcast() -> None:
    versions = {message.schema_id(): message for message in MESSAGES.values()}
    for name, message in versions.items():
        stem, major = name.rsplit(".v", 1)
        assert (message in UPCASTS) == any(
            other.startswith(f"{stem}.v") and int(other.rsplit(".v", 1)[1]) > int(major) for other in versions
        )
