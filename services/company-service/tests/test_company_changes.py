"""What is made of the fields a user wants to be different, and which of them are."""

from dataclasses import replace
from datetime import date
from uuid import UUID, uuid4

import pytest

from company_service.domain.company import Company
from company_service.domain.company_changes import judge
from company_service.domain.form_fields import Circumstances
from company_service.domain.visma_company import VismaCompany
from contracts.company import ChangeReconciliationStart, Module, PeriodType, SetModules, UpdateCompany, VatFrequency
from eventing.errors import NotYet, Refused

BYGG, ANLEGG = uuid4(), uuid4()
IDS = {"company_id": uuid4(), "organization_id": uuid4()}
FJORD = Company(
    **IDS,
    visma_customer_id=12345,
    visma_company_id=5001,
    name="Fjord Bygg AS",
    comment="call before noon",
    organisation_number="974761076",
    period_type=PeriodType.QUARTER,
    financial_year_start_month=1,
    reconciliation_start=date(2026, 2, 1),
    responsible_user="anne",
    vat_frequency=VatFrequency.TWO_MONTHLY,
    company_groups=(BYGG, ANLEGG),
    modules=(Module.PAYROLL, Module.VAT),
)
LISTED = VismaCompany(
    visma_customer_id=12345,
    name="Fjord Bygg",
    organisation_number="NO 974 761 076 MVA",
    readable=False,
    hint=None,
    listed=True,
    added_as="Fjord Bygg AS",
)


def known(**changes) -> Circumstances:
    usual = {
        "today": date(2026, 11, 22),
        "allow_synthetic": False,
        "visma_company": LISTED,
        "company_id_taken": False,
        "responsible_user_is_member": True,
        "company_groups": frozenset({BYGG, ANLEGG}),
    }
    return Circumstances(**usual | changes)


def update(**typed) -> UpdateCompany:
    return UpdateCompany.model_validate(IDS | typed)


def start(typed: str) -> ChangeReconciliationStart:
    return ChangeReconciliationStart.model_validate(IDS | {"reconciliation_start": typed})


def modules(*typed: str) -> SetModules:
    return SetModules.model_validate(IDS | {"modules": typed})


def refusal(command, circumstances: Circumstances | None = None) -> Refused:
    with pytest.raises((Refused, NotYet)) as raised:
        judge(command, circumstances or known())
    return raised.value if isinstance(raised.value, Refused) else raised.value.refused


def test_what_is_left_out_is_not_judged_and_stays():
    nobody_left = known(visma_company=None, responsible_user_is_member=False, company_groups=frozenset())
    assert judge(update(name=" Fjord  Holding AS "), nobody_left) == {"name": "Fjord Holding AS"}
    assert judge(update(name=None, comment=None, company_groups=None), nobody_left) == {}


def test_empty_is_not_left_out():
    assert judge(update(comment="", company_groups=[]), known()) == {"comment": "", "company_groups": ()}
    assert judge(modules(), known()) == {"modules": ()}


@pytest.mark.parametrize(
    ("field", "typed", "code"),
    [
        ("name", "", "empty"),
        ("name", "Fjord\x00", "control_character"),
        ("comment", "x" * 2001, "too_long"),
        ("organisation_number", "974761067", "wrong_check_digit"),
        ("organisation_number", "991825827", "differs_from_visma"),
        ("period_type", "weekly", "not_a_choice"),
        ("financial_year_start_month", 13, "not_a_month"),
        ("responsible_user", " ", "empty"),
        ("vat_frequency", "monthly", "not_a_choice"),
        ("company_groups", ["staff"], "unknown_company_group"),
        ("company_groups", [str(UUID(int=7))] * 101, "too_many"),
    ],
)
def test_a_field_is_judged_as_on_the_form(field, typed, code):
    refused = refusal(update(**{field: typed}))
    [error] = refused.errors
    assert (error.field.partition(".")[0], error.code, refused.code) == (field, code, "invalid_company_form")
    assert error.message
    assert error.hint


def test_everything_wrong_is_said_at_once():
    command = update(name="", period_type="fortnight", responsible_user="stranger", company_groups=[str(BYGG), "staff"])
    refused = refusal(command, known(responsible_user_is_member=False))
    assert {error.field: error.code for error in refused.errors} == {
        "name": "empty",
        "period_type": "not_a_choice",
        "responsible_user": "not_a_member",
        "company_groups.1": "unknown_company_group",
    }


@pytest.mark.parametrize(
    ("command", "codes"),
    [
        (start(""), ["empty"]),
        (start("2026-02-30"), ["not_a_date"]),
        (start("2026-11-23"), ["in_the_future"]),
        (start("1999-12-31"), ["too_long_ago"]),
        (modules("vat", "stock", "pay"), ["not_a_choice", "not_a_choice"]),
        (modules(*["vat"] * 21), ["too_many"]),
    ],
)
def test_the_start_date_and_the_modules_are_judged_as_on_the_form(command, codes):
    assert [error.code for error in refusal(command).errors] == codes


@pytest.mark.parametrize(
    "command", [update(responsible_user="kari"), update(company_groups=[str(UUID(int=7))]), update(responsible_user="k", company_groups=[])]
)
def test_facts_of_others_are_waited_for(command):
    with pytest.raises(NotYet):
        judge(command, known(responsible_user_is_member=False))


def test_the_start_date_is_aligned_before_it_is_compared():
    assert judge(start("2026-02-17"), known()) == {"reconciliation_start": date(2026, 2, 1)}
    assert FJORD.differing(judge(start("2026-02-17"), known())) == {}
    assert FJORD.differing(judge(start("2026-01-31"), known())) == {"reconciliation_start": date(2026, 1, 1)}


def test_only_what_differs_is_a_change():
    typed = update(
        name="Fjord  Bygg AS",
        comment="call before ten",
        organisation_number="974 761 076",
        period_type="quarter",
        company_groups=[str(ANLEGG), str(BYGG)],
        vat_frequency="aar",
    )
    assert FJORD.differing(judge(typed, known())) == {"comment": "call before ten", "vat_frequency": VatFrequency.YEARLY}


@pytest.mark.parametrize(
    ("typed", "changed"),
    [
        (["vat", "payroll"], False),
        (["vat", "vat", " payroll "], False),
        (["payroll"], True),
        (["payroll", "vat", "assets"], True),
        ([], True),
    ],
)
def test_the_order_of_modules_means_nothing(typed, changed):
    assert bool(FJORD.differing(judge(modules(*typed), known()))) is changed


def test_the_first_period_follows_period_type_start_month_and_start():
    assert FJORD.first_period.label == "2026-02..2026-03"
    assert replace(FJORD, **judge(update(period_type="month"), known())).first_period.label == "2026-02"
    assert replace(FJORD, **judge(update(financial_year_start_month=2), known())).first_period.label == "2026-02..2026-04"
    assert replace(FJORD, **judge(start("2026-01-09"), known())).first_period.label == "2026-01..2026-03"


def test_the_form_of_a_company_is_all_that_its_event_says():
    assert set(FJORD.form()) == {
        *IDS,
        *UpdateCompany.model_fields,
        "visma_customer_id",
        "visma_company_id",
        "reconciliation_start",
        "modules",
    }
