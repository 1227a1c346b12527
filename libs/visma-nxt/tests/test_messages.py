from typing import Any

import pytest

from visma_nxt.errors import (
    AccessProblem,
    Call,
    CompanyNotOpened,
    ConcurrencyLimited,
    CustomerNotActivated,
    QueryRejected,
    Transient,
    UnexpectedAnswer,
    VismaError,
)
from visma_nxt.messages import problem

CALL = Call("AvailableCompanies", customer_no=12345)
STATUS_18 = "Error: Could not get authorize user using VismaNet{}Id: 7100001. Description: External integration error. Status: 18."


@pytest.mark.parametrize(
    ("message", "code", "expected"),
    [
        (STATUS_18.format("Company"), None, CompanyNotOpened),
        (STATUS_18.format("Company").replace("18", "19"), None, CompanyNotOpened),
        (STATUS_18.format("Customer"), None, CustomerNotActivated),
        ("Company 7654321 has 60 requests in progress. Limit is 60.", "OUTSTANDING_LIMIT_EXCEEDED", ConcurrencyLimited),
        ("Customer 12345 has 60 requests in progress. Limit is 60.", None, ConcurrencyLimited),
        ("words of the future", "OUTSTANDING_LIMIT_EXCEEDED", ConcurrencyLimited),
        ("GraphQL.Validation.Errors.FieldsOnCorrectTypeError: Cannot query field 'foo'", None, QueryRejected),
        ("Cannot query field 'foo'", "FIELDS_ON_CORRECT_TYPE", QueryRejected),
        ("The conversion of a varchar data type went wrong", "SOMETHING_NEW", UnexpectedAnswer),
        ("", None, UnexpectedAnswer),
    ],
)
def test_what_a_message_means(message: str, code: str | None, expected: type[VismaError]) -> None:
    error = {"message": message, "extensions": {"code": code}} if code else {"message": message}
    found = problem(CALL, error, "trace-1")
    assert type(found) is expected
    assert (found.detail, found.code, found.trace_id, found.customer_no) == (message, code, "trace-1", 12345)


@pytest.mark.parametrize("error", ["text", None, 7, {"message": None, "extensions": "none"}])
def test_an_error_of_no_known_shape(error: Any) -> None:
    assert type(problem(CALL, error, None)) is UnexpectedAnswer


def every_error(kind: type[VismaError] = VismaError) -> list[type[VismaError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in every_error(child))]


@pytest.mark.parametrize("kind", every_error())
def test_every_error_says_what_happened_and_what_to_do(kind: type[VismaError]) -> None:
    error = kind(CALL, "Visma's own words", code="CODE", trace_id="trace-1")
    assert str(error).endswith("Visma's own words (operation AvailableCompanies, Visma customer ID 12345, code CODE, trace trace-1)")
    assert error.hint.endswith(".")
    assert isinstance(error, Transient) == ("tried again" in error.hint)


def test_access_problems_use_the_words_of_the_guide() -> None:
    assert "activate the integration in Business NXT with our client key" in CustomerNotActivated.hint
    assert "Connect Application Access" in CompanyNotOpened.hint
    assert all("administrator" in kind.hint for kind in every_error(AccessProblem))
