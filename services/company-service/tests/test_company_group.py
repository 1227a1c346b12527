import pytest

from company_service.domain.company_group import judge, spelling
from eventing.errors import Refused


def test_blanks_in_a_name_are_folded():
    assert judge("  Bygg   og anlegg ") == "Bygg og anlegg"


@pytest.mark.parametrize(("typed", "code"), [("", "empty"), ("x" * 201, "too_long"), ("a\x00b", "control_character")])
def test_a_wrong_name_is_refused(typed, code):
    with pytest.raises(Refused) as refused:
        judge(typed)
    assert [(error.field, error.code) for error in refused.value.errors] == [("name", code)]


@pytest.mark.parametrize(("one", "other"), [("Bygg", "BYGG"), ("Ålesund", "ålesund"), ("Å", "A\u030a"), ("Straße", "STRASSE")])
def test_names_that_read_the_same_are_spelled_the_same(one, other):
    assert spelling(one) == spelling(other)


def test_other_names_are_not():
    assert spelling("Bygg") != spelling("Byg")
