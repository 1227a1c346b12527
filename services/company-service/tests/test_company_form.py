from datetime import date
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from company_service.domain.company_form import CompanyForm, judge
from company_service.domain.form_fields import Circumstances
from company_service.domain.visma_company import VismaCompany
from contracts.company import Module, PeriodType, VatFrequency
from eventing.errors import NotYet, Refused

GROUP = uuid4()
LISTED = {
    "visma_customer_id": 12345,
    "name": "Fjord Bygg",
    "organisation_number": "NO 974 761 076 MVA",
    "readable": True,
    "hint": None,
    "listed": True,
    "added_as": None,
}


def known(visma: dict | None = LISTED, **changes) -> Circumstances:
    usual = {
        "today": date(2026, 11, 22),
        "allow_synthetic": False,
        "visma_company": None if visma is None else VismaCompany(**LISTED | visma),
        "company_id_taken": False,
        "responsible_user_is_member": True,
        "company_groups": frozenset({GROUP}),
    }
    return Circumstances(**usual | changes)


def refusal(command, circumstances: Circumstances) -> Refused:
    with pytest.raises((Refused, NotYet)) as raised:
        judge(command, circumstances)
    return raised.value if isinstance(raised.value, Refused) else raised.value.refused


def codes(command, circumstances: Circumstances | None = None) -> dict[str, str]:
    return {error.field: error.code for error in refusal(command, circumstances or known()).errors}


def test_a_form_without_fault_is_settled(form):
    settled = judge(
        form(
            name="  Fjord   Bygg AS ",
            comment=" call\r\nbefore noon ",
            company_groups=[str(GROUP), str(GROUP).upper()],
            modules=["payroll", " vat", "payroll"],
        ),
        known(),
    )
    assert isinstance(settled, CompanyForm)
    assert (settled.name, settled.comment, settled.organisation_number) == ("Fjord Bygg AS", "call\nbefore noon", "974761076")
    assert (settled.period_type, settled.vat_frequency) == (PeriodType.QUARTER, VatFrequency.TWO_MONTHLY)
    assert (settled.company_groups, settled.modules) == ((GROUP,), (Module.PAYROLL, Module.VAT))
    assert (settled.reconciliation_start, settled.aligned, settled.first_period.label) == (date(2026, 2, 1), True, "2026-02..2026-03")


def test_a_start_date_on_the_first_is_not_moved(form):
    settled = judge(form(reconciliation_start="2026-02-01"), known())
    assert (settled.reconciliation_start, settled.aligned) == (date(2026, 2, 1), False)


@pytest.mark.parametrize(
    ("field", "typed", "code"),
    [
        ("name", "", "empty"),
        ("name", " \t ", "empty"),
        ("name", "x" * 201, "too_long"),
        ("name", "Fjord\x00", "control_character"),
        ("comment", "x" * 2001, "too_long"),
        ("comment", "bell \x07", "control_character"),
        ("organisation_number", "974761067", "wrong_check_digit"),
        ("organisation_number", "991825827", "differs_from_visma"),
        ("period_type", "weekly", "not_a_choice"),
        ("period_type", "", "not_a_choice"),
        ("financial_year_start_month", 13, "not_a_month"),
        ("reconciliation_start", "2026-11-23", "in_the_future"),
        ("responsible_user", " ", "empty"),
        ("vat_frequency", "monthly", "not_a_choice"),
        ("company_groups", ["staff"], "unknown_company_group"),
        ("company_groups", [str(UUID(int=7))] * 101, "too_many"),
        ("modules", ["stock"], "not_a_choice"),
        ("modules", ["vat"] * 21, "too_many"),
    ],
)
def test_one_wrong_field_gives_one_error_with_a_remedy(form, field, typed, code):
    refused = refusal(form(**{field: typed}), known())
    [error] = refused.errors
    assert (error.field.partition(".")[0], error.code) == (field, code)
    assert refused.code == "invalid_company_form"
    assert (refused.message, refused.hint) == (error.message, error.hint)
    assert error.message
    assert error.hint


@pytest.mark.parametrize("value", ["x", "x" * 200, "Fjørd & Sønner – Bygg", "北 AS", 'O\'Brien "AS" {0} %s'])
def test_names_are_taken_as_they_are(form, value):
    assert judge(form(name=value), known()).name == value


@pytest.mark.parametrize("period_type", PeriodType)
@pytest.mark.parametrize("frequency", VatFrequency)
def test_every_choice_of_the_form_can_be_chosen(form, period_type, frequency):
    settled = judge(form(period_type=period_type.value, vat_frequency=frequency.value, modules=[*Module]), known())
    assert (settled.period_type, settled.vat_frequency, settled.modules) == (period_type, frequency, tuple(Module))


def test_everything_wrong_is_said_at_once(form):
    command = form(
        name="",
        comment="x" * 2001,
        organisation_number="123456789",
        period_type="fortnight",
        financial_year_start_month=0,
        reconciliation_start="31.12.2025",
        responsible_user="stranger",
        vat_frequency="never",
        company_groups=[str(GROUP), str(uuid4()), "staff"],
        modules=["vat", "stock"],
    )
    circumstances = known(None, responsible_user_is_member=False, company_id_taken=True)
    assert codes(command, circumstances) == {
        "company_id": "company_id_taken",
        "visma_company_id": "not_listed",
        "name": "empty",
        "comment": "too_long",
        "organisation_number": "wrong_check_digit",
        "period_type": "not_a_choice",
        "financial_year_start_month": "not_a_month",
        "reconciliation_start": "not_a_date",
        "responsible_user": "not_a_member",
        "vat_frequency": "not_a_choice",
        "company_groups.1": "unknown_company_group",
        "company_groups.2": "unknown_company_group",
        "modules.1": "not_a_choice",
    }
    assert refusal(command, circumstances).message == "13 fields of the company form cannot be accepted."


@pytest.mark.parametrize(
    ("visma", "code"),
    [
        (None, "not_listed"),
        ({"listed": False}, "not_listed"),
        ({"readable": False}, "not_opened"),
        ({"added_as": "Fjord"}, "already_added"),
        ({"added_as": "Fjord", "listed": False}, "already_added"),
    ],
)
def test_the_visma_company_must_be_listed_opened_and_new(form, visma, code):
    assert codes(form(), known(visma)) == {"visma_company_id": code}


def test_already_added_names_the_company(form):
    refused = refusal(form(name=""), known({"added_as": "Fjord Holding"}))
    assert refused.code == "already_added"
    assert "Fjord Holding" in refused.errors[0].message
    assert [error.field for error in refused.errors] == ["visma_company_id", "name"]


def test_not_opened_hands_on_the_remedy_of_the_connector(form):
    refused = refusal(form(), known({"readable": False, "hint": "Add a row in Connect Application Access."}))
    assert refused.hint == "Add a row in Connect Application Access."


@pytest.mark.parametrize("stated", [None, "", "974761076"])
def test_the_organisation_number_is_compared_only_when_visma_states_one(form, stated):
    assert judge(form(), known({"organisation_number": stated})).organisation_number == "974761076"


def test_what_a_vanished_company_stated_counts_no_more(form):
    assert codes(form(organisation_number="991825827"), known({"listed": False})) == {"visma_company_id": "not_listed"}


@pytest.mark.parametrize(
    "circumstances",
    [
        known(None),
        known({"readable": False}),
        known(responsible_user_is_member=False),
        known(company_groups=frozenset()),
        known(None, responsible_user_is_member=False, company_groups=frozenset()),
    ],
)
def test_facts_of_others_are_waited_for(form, circumstances):
    with pytest.raises(NotYet):
        judge(form(company_groups=[str(GROUP)]), circumstances)


@pytest.mark.parametrize("typed", [{"name": ""}, {"organisation_number": "1"}, {"company_groups": ["no id"]}, {"modules": ["stock"]}])
def test_what_the_user_typed_is_refused_at_once_whatever_else_is_missing(form, typed):
    with pytest.raises(Refused) as refused:
        judge(form(**typed), known(None))
    assert len(refused.value.errors) == 2


@pytest.mark.parametrize("circumstances", [known({"added_as": "Fjord"}), known(company_id_taken=True)])
def test_own_facts_are_not_waited_for(form, circumstances):
    with pytest.raises(Refused):
        judge(form(), circumstances)


@given(text=st.text(max_size=60))
def test_any_text_in_any_field_is_answered_with_errors_that_can_be_shown(form, text):
    fields = ["name", "comment", "organisation_number", "period_type", "reconciliation_start", "vat_frequency"]
    refused = refusal(form(**dict.fromkeys(fields, text), company_groups=[text], modules=[text]), known())
    assert {"period_type", "vat_frequency", "company_groups.0", "modules.0"} <= {error.field for error in refused.errors}
    for error in refused.errors:
        assert error.message.isprintable()
