"""What every message holds to."""

from uuid import uuid4

import pytest
from pydantic import ValidationError

from contracts.org import AddMember, MemberAdded, RegisterOrganization, Role


@pytest.mark.parametrize("name", ["", "   ", "a\x00b", "a\nb", "x" * 201])
def test_a_name_that_no_screen_or_database_can_hold_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        RegisterOrganization(organization_id=uuid4(), name=name)


def test_readers_ignore_fields_they_do_not_know() -> None:
    told = {"organization_id": str(uuid4()), "user_id": "kari", "name": "Kari", "role": "reader", "since": "a newer version"}
    assert MemberAdded.model_validate(told).role is Role.READER


def test_the_subject_is_the_declared_field() -> None:
    organization = uuid4()
    assert AddMember(organization_id=organization, user_id="kari", name="Kari").subject == str(organization)
