"""Tokens, status codes, limits, grants: what a client meets before it sees a row."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from visma_simulator import errors, server
from visma_simulator.app import GRAPHQL_PATH, TOKEN_PATH
from visma_simulator.scenario import READ_ONLY

pytestmark = pytest.mark.servers

GRANT = {"grant_type": "client_credentials", "scope": READ_ONLY}
BASIC = ("isv_accountflow", "simulator-secret")
IN_BODY = {"client_id": BASIC[0], "client_secret": BASIC[1]}
ONE = "{useCompany(no:7100001){taxCode{totalCount}}}"


def until(condition: Callable[[], Any], seconds: float = 10) -> Any:
    """Probe until something holds; what it was last when it never does."""
    deadline = time.monotonic() + seconds
    while not (seen := condition()):
        assert time.monotonic() < deadline, f"last seen: {seen!r}"
    return seen


@pytest.mark.parametrize(("form", "auth"), [(GRANT, BASIC), (GRANT | IN_BODY, None)], ids=["basic", "body"])
def test_a_token_opens_the_service(visma: Any, form: dict[str, str], auth: tuple[str, str] | None) -> None:
    answer = visma.http.post(TOKEN_PATH, data=form, auth=auth or httpx.USE_CLIENT_DEFAULT)
    token = answer.json()
    assert answer.status_code == 200
    assert (token["expires_in"], token["token_type"], token["scope"]) == (3600, "Bearer", READ_ONLY)
    visma.token = token["access_token"]
    assert visma.ask(ONE)["data"]["useCompany"]["taxCode"] == {"totalCount": 7}


@pytest.mark.parametrize(
    ("change", "auth", "status", "code"),
    [
        ({}, ("isv_accountflow", "wrong"), 401, "invalid_client"),
        ({}, ("someone", "simulator-secret"), 401, "invalid_client"),
        (IN_BODY | {"client_secret": "wrong"}, None, 400, "invalid_client"),
        ({"scope": "business-graphql-service-api:access-group-based"}, BASIC, 400, "invalid_scope"),
        ({"scope": ""}, BASIC, 400, "invalid_scope"),
        ({"grant_type": "password"}, BASIC, 400, "unsupported_grant_type"),
    ],
)
def test_a_token_is_refused_in_oauths_words(visma: Any, change: dict[str, str], auth: Any, status: int, code: str) -> None:
    answer = visma.http.post(TOKEN_PATH, data=GRANT | change, auth=auth or httpx.USE_CLIENT_DEFAULT)
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert "access_token" not in answer.json()


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic abc"}])
def test_without_a_valid_token_comes_the_gateways_page(visma: Any, headers: dict[str, str]) -> None:
    answer = visma.http.post(GRAPHQL_PATH, json={"query": ONE}, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/html")
    assert "<h1>401 Authorization Required</h1>" in answer.text


def test_a_token_expires_and_can_be_revoked(own_visma: Callable[..., Any], clock: Any) -> None:
    visma = own_visma()
    clock.seconds += 3599
    assert visma.post(ONE).status_code == 200
    clock.seconds += 1
    assert visma.post(ONE).status_code == 401
    visma.token = visma.new_token()
    assert visma.post(ONE).status_code == 200
    visma.control("DELETE", "/tokens")
    assert visma.post(ONE).status_code == 401


def test_requests_above_the_rate_are_answered_429_until_the_minute_is_over(own_visma: Callable[..., Any], clock: Any) -> None:
    visma = own_visma(requests_per_minute=5)
    assert [visma.post(ONE).status_code for _ in range(7)] == [200] * 5 + [429] * 2
    clock.seconds += 59.9
    assert visma.post(ONE).status_code == 429
    clock.seconds += 0.2
    assert [visma.post(ONE).status_code for _ in range(6)] == [200] * 5 + [429]
    first = visma.token
    visma.token = visma.new_token()
    assert visma.post(ONE).status_code == 200
    assert visma.token != first


def test_a_shorter_minute_counted_per_client(own_visma: Callable[..., Any], clock: Any) -> None:
    visma = own_visma(requests_per_minute=3, minute_ms=6000, per_client=True)
    assert visma.post(ONE).status_code == 200
    visma.token = visma.new_token()
    assert [visma.post(ONE).status_code for _ in range(3)] == [200, 200, 429]
    clock.seconds += 6.1
    assert visma.post(ONE).status_code == 200
    assert visma.control("GET", "/limits")["rate"] == [{"in_minute": 1, "most_in_minute": 3, "refused": 1}]


@pytest.mark.parametrize(
    ("query", "kind", "number"), [(ONE, "Company", 7100001), ("{availableCompanies(customerNo:12345){totalCount}}", "Customer", 12345)]
)
def test_requests_in_progress_are_limited_per_company_and_per_customer(
    own_visma: Callable[..., Any], query: str, kind: str, number: int
) -> None:
    visma = own_visma(outstanding=2)
    visma.ask(ONE)
    visma.control("POST", "/faults", {"effect": "delay", "ms": 1500, "times": None})
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: visma.ask(query), range(3)))
    refused = [answer for answer in answers if "errors" in answer]
    assert refused == [
        {
            "errors": [
                {
                    "message": f"{kind} {number} has 2 requests in progress. Limit is 2.",
                    "extensions": {"code": "OUTSTANDING_LIMIT_EXCEEDED", "limit": 2},
                }
            ]
        }
    ]
    visma.control("DELETE", "/faults")
    assert "errors" not in visma.ask(query)
    assert max(asked["in_flight"] for asked in visma.control("GET", "/requests")["requests"]) == 3
    [places] = [each for each in visma.control("GET", "/limits")["outstanding"] if each["number"] == number]
    assert places == {"scope": kind, "number": number, "now": 0, "most": 2, "refused": 1}


def test_companies_have_their_own_places(own_visma: Callable[..., Any]) -> None:
    visma = own_visma(outstanding=1)
    visma.control("POST", "/faults", {"effect": "delay", "ms": 800, "times": None})
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(visma.ask, [ONE, ONE.replace("7100001", "7100002")]))
    assert not any("errors" in answer for answer in answers)


def test_a_client_that_goes_away_keeps_its_place_for_half_an_hour(own_visma: Callable[..., Any], clock: Any) -> None:
    visma = own_visma(outstanding=1)
    visma.ask(ONE)
    visma.control("DELETE", "/requests")
    visma.control("POST", "/faults", {"effect": "delay", "ms": 500})
    with pytest.raises(httpx.ReadTimeout):
        visma.post(ONE, timeout=0.1)
    until(lambda: visma.control("GET", "/requests")["requests"])
    assert visma.ask(ONE)["errors"][0]["extensions"]["code"] == errors.BUSY_CODE
    clock.seconds += 30 * 60
    assert "errors" not in visma.ask(ONE)


def test_a_batch_answers_in_order_and_has_a_limit(visma: Any) -> None:
    def post(batch: list[dict[str, str]]) -> Any:
        return visma.http.post(GRAPHQL_PATH, json=batch, headers={"Authorization": f"Bearer {visma.token}"}).json()

    answers = post([{"query": ONE}, {"query": "{nothing}"}, {"query": "{availableCompanies(customerNo:55555){totalCount}}"}])
    assert [list(answer) for answer in answers] == [["data"], ["errors"], ["data"]]
    assert answers[2]["data"]["availableCompanies"] == {"totalCount": 0}
    assert "errors" in post([{"query": ONE}] * 33)


@pytest.mark.parametrize("body", [b"{", b"[1]", b'{"variables":{}}', b'"text"'])
def test_a_body_that_is_no_request_is_answered_400(visma: Any, body: bytes) -> None:
    assert visma.http.post(GRAPHQL_PATH, content=body, headers={"Authorization": f"Bearer {visma.token}"}).status_code == 400


LISTING = """query($no: Int) { availableCompanies(customerNo: $no, orderBy: [{vismaNetCompanyId: ASC}]) {
    totalCount items { name vismaNetCompanyId vismaNetCustomerId } } }"""


@pytest.mark.parametrize(("customer", "expected"), [(12345, [7100001, 7100002, 7100003, 7100004]), (24680, [7200001]), (55555, [])])
def test_available_companies_of_a_customer(visma: Any, customer: int, expected: list[int]) -> None:
    listed = visma.ask(LISTING, no=customer)["data"]["availableCompanies"]
    assert [item["vismaNetCompanyId"] for item in listed["items"]] == expected
    assert listed["totalCount"] == len(expected)
    assert {item["vismaNetCustomerId"] for item in listed["items"]} <= {customer}


@pytest.mark.parametrize(("customer", "text"), [(67890, errors.CUSTOMER_NOT_ACTIVATED), (99999, errors.CUSTOMER_UNKNOWN)])
def test_a_customer_that_is_not_connected_is_an_error(visma: Any, customer: int, text: str) -> None:
    assert visma.ask(LISTING, no=customer) == {
        "data": {"availableCompanies": None},
        "errors": [{"message": text.format(number=customer), "path": ["availableCompanies"]}],
    }


def test_without_a_customer_all_activated_ones_answer_and_first_beats_last(visma: Any) -> None:
    names = """{ availableCompanies(first: 2, last: 1, orderBy: [{vismaNetCompanyId: DESC}]) { totalCount items { vismaNetCompanyId } }
        availableCustomers { items { vismaNetCustomerId } } }"""
    found = visma.ask(names)["data"]
    assert found["availableCompanies"]["totalCount"] == 5
    assert [item["vismaNetCompanyId"] for item in found["availableCompanies"]["items"]] == [7200001, 7100004]
    assert [item["vismaNetCustomerId"] for item in found["availableCustomers"]["items"]] == [12345, 24680, 55555]


@pytest.mark.parametrize("company", [7300001, 1234567])
def test_a_company_that_is_not_open_answers_null_beside_one_that_is(visma: Any, company: int) -> None:
    answer = visma.ask(
        f"{{a:useCompany(no:{company}){{taxCode{{totalCount}}taxTerm{{totalCount}}}}b:useCompany(no:7100001){{taxCode{{totalCount}}}}}}"
    )
    assert answer["data"] == {"a": {"taxCode": None, "taxTerm": None}, "b": {"taxCode": {"totalCount": 7}}}
    assert [error["message"] for error in answer["errors"]] == [errors.COMPANY_NOT_OPENED.format(number=company)] * 2


@pytest.fixture(scope="module")
def small_process() -> Iterator[dict[str, str]]:
    with server.process("--lines", "1000", "--today", "2026-05-17", "--token-lifetime", "60") as addresses:
        yield addresses


def test_the_command_line_serves_what_its_options_say(small_process: dict[str, str]) -> None:
    token = httpx.post(small_process["token_url"], data=GRANT, auth=BASIC).json()
    assert token["expires_in"] == 60
    answer = httpx.post(
        small_process["graphql_url"],
        json={"query": "{useCompany(no:7100001){generalLedgerTransaction{totalCount}}}"},
        headers={"Authorization": f"Bearer {token['access_token']}"},
    )
    assert 1000 <= answer.json()["data"]["useCompany"]["generalLedgerTransaction"]["totalCount"] < 1400


def test_sigterm_ends_the_process_without_a_word() -> None:
    child = subprocess.Popen([sys.executable, "-m", "visma_simulator"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert set(json.loads(child.stdout.readline())) == {"url", "token_url", "graphql_url", "control_url"}
    child.send_signal(signal.SIGTERM)
    output, complaint = child.communicate(timeout=10)
    assert (output, complaint) == ("", "")
    assert child.returncode in {0, -signal.SIGTERM}
