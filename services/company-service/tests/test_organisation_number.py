import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.no import orgnr

from company_service.domain import organisation_number
from company_service.domain.wrong_value import WrongValue

REAL = [
    "974761076",
    "991825827",
    "910753614",
    "995525828",
    "988077917",
    "889640782",
    "983738478",
    "915000185",
    "910000004",
    "812345672",
    "987654325",
]
SYNTHETIC = [
    "211785462",
    "310478717",
    "310702641",
    "311851381",
    "313367002",
    "314055403",
    "314086945",
    "314768949",
    "314961900",
    "315608589",
]


def code_of(typed: str, *, allow_synthetic: bool = True) -> str:
    with pytest.raises(WrongValue) as refused:
        organisation_number.parse(typed, allow_synthetic=allow_synthetic)
    assert refused.value.message
    assert refused.value.hint
    return refused.value.code


@pytest.mark.parametrize("number", REAL)
@pytest.mark.parametrize("allow_synthetic", [True, False])
def test_real_numbers_are_accepted_everywhere(number, allow_synthetic):
    assert organisation_number.parse(number, allow_synthetic=allow_synthetic) == number


@pytest.mark.parametrize("number", SYNTHETIC)
def test_synthetic_numbers_are_accepted_where_they_are_allowed(number):
    assert organisation_number.parse(number, allow_synthetic=True) == number
    assert code_of(number, allow_synthetic=False) == "wrong_first_digit"


@pytest.mark.parametrize("typed", ["974 761 076", " 974761076 ", "974\u00a0761\u00a0076", "9 7 4 7 6 1 0 7 6", "974\t761\n076"])
def test_blanks_are_tolerated(typed):
    assert organisation_number.parse(typed, allow_synthetic=False) == "974761076"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("NO974761076", "not_digits"),
        ("974761076MVA", "not_digits"),
        ("974-761-076", "not_digits"),
        ("974.761.076", "not_digits"),
        ("97476107x", "not_digits"),
        ("974761076\x00", "not_digits"),
        ("57623423", "not_nine_digits"),
        ("9747610760", "not_nine_digits"),
        ("9" * 5000, "not_nine_digits"),
        ("123456789", "wrong_check_digit"),
        ("987654321", "wrong_check_digit"),
        ("999888777", "wrong_check_digit"),
        ("899205291", "wrong_check_digit"),
        ("213672072", "wrong_check_digit"),
        ("916752535", "wrong_check_digit"),
        ("974761067", "wrong_check_digit"),
        ("123456785", "wrong_first_digit"),
        ("000000000", "wrong_first_digit"),
        ("100000008", "wrong_first_digit"),
    ],
)
def test_a_refusal_says_which_digit_rule_is_broken(typed, code):
    assert code_of(typed) == code


@pytest.mark.parametrize("last", range(10))
@pytest.mark.parametrize("eight", ["91000008", "91000011", "91000025"])
def test_some_numbers_have_no_check_digit_at_all(eight, last):
    assert code_of(f"{eight}{last}") == "wrong_check_digit"


@given(st.sampled_from(REAL), st.integers(0, 8), st.integers(1, 9))
def test_one_mistyped_digit_is_always_found(number, place, shift):
    digits = list(number)
    digits[place] = str((int(digits[place]) + shift) % 10)
    assert code_of("".join(digits)) == "wrong_check_digit"


@given(st.text(max_size=20))
def test_any_text_is_either_a_valid_number_or_refused_with_a_short_message(typed):
    try:
        number = organisation_number.parse(typed, allow_synthetic=True)
    except WrongValue as refused:
        wrong = refused
    else:
        assert orgnr.is_valid(number)
        assert number[0] in "2389"
        return
    assert len(wrong.message) < 150
    assert wrong.message.isprintable()


@pytest.mark.parametrize("stated", ["974761076", "974 761 076", "NO974761076MVA", "NO 974 761 076 MVA", "", "-"])
def test_vismas_spelling_of_the_same_number_agrees(stated):
    assert organisation_number.agrees("974761076", stated)


@pytest.mark.parametrize("stated", ["991825827", "974 761 07", "9747610761", "SE556036079301"])
def test_another_number_does_not_agree(stated):
    assert not organisation_number.agrees("974761076", stated)
