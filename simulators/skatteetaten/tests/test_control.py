"""The control endpoint: faults on request, system users, the date, and the log."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.servers

ORGANISATION = "974761076"
PATH = f"/v1/{ORGANISATION}/2025-03"
Headers = dict[str, str]


async def fault(http: httpx.AsyncClient, match: str = "report", **fields: Any) -> None:
    assert (await http.post("/_control/faults", json={"match": match, **fields})).status_code == 204


async def test_a_status_with_body_and_headers_as_often_as_asked(http: httpx.AsyncClient, bearer: Headers) -> None:
    await fault(http, times=2, effect={"kind": "status", "status": 503, "body": {"kode": "AMLD_001"}, "headers": {"X-From": "test"}})
    answers = [await http.get(PATH, headers=bearer) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert (answers[0].json(), answers[0].headers["x-from"]) == ({"kode": "AMLD_001"}, "test")


async def test_a_fault_hits_what_it_names_alone(http: httpx.AsyncClient, bearer: Headers) -> None:
    await fault(http, organisation_number="991825827", effect={"kind": "status", "status": 500})
    await fault(http, month="2025-04", effect={"kind": "status", "status": 501})
    await fault(http, match="token", effect={"kind": "status", "status": 502})
    assert (await http.get(PATH, headers=bearer)).status_code == 200
    assert len((await http.get("/_control/faults")).json()) == 3


async def test_faults_stay_until_deleted_when_asked(http: httpx.AsyncClient, bearer: Headers) -> None:
    await fault(http, times=None, effect={"kind": "gateway_page"})
    for _ in range(3):
        assert (await http.get(PATH, headers=bearer)).headers["content-type"].startswith("text/html")
    await http.delete("/_control/faults")
    assert (await http.get(PATH, headers=bearer)).status_code == 200


async def test_too_many_requests_says_when_to_come_back(http: httpx.AsyncClient, bearer: Headers) -> None:
    await fault(http, effect={"kind": "too_many_requests", "retry_after": 7})
    answer = await http.get(PATH, headers=bearer)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


async def test_a_delay_gives_the_right_answer_later(http: httpx.AsyncClient, bearer: Headers) -> None:
    await fault(http, effect={"kind": "delay", "seconds": 0.3})
    started = time.monotonic()
    assert (await http.get(PATH, headers=bearer)).status_code == 200
    assert time.monotonic() - started >= 0.3


async def test_the_report_of_another_employer_comes(http: httpx.AsyncClient, bearer: Headers) -> None:
    await fault(http, effect={"kind": "another_employer", "answer": "991825827"})
    answers = [(await http.get(PATH, headers=bearer)).json() for _ in range(2)]
    assert [each["mottatt"]["opplysningspliktig"]["norskIdentifikator"] for each in answers] == ["991825827", ORGANISATION]


@pytest.mark.parametrize(("kind", "text"), [("drop", "without sending a response"), ("truncated", "without sending complete message body")])
async def test_the_connection_ends(http: httpx.AsyncClient, bearer: Headers, kind: str, text: str) -> None:
    await fault(http, effect={"kind": kind})
    with pytest.raises(httpx.RemoteProtocolError, match=text):
        await http.get(PATH, headers=bearer)
    assert (await http.get(PATH, headers=bearer)).status_code == 200


@pytest.mark.parametrize(
    "body", [{}, {"match": "report"}, {"match": "else", "effect": {"kind": "drop"}}, {"match": "report", "effect": {"kind": "x"}}]
)
async def test_a_fault_that_means_nothing_is_refused(http: httpx.AsyncClient, body: dict[str, Any]) -> None:
    answer = await http.post("/_control/faults", json=body)
    assert (answer.status_code, (await http.get("/_control/faults")).json()) == (422, [])


async def test_approval_is_withdrawn_and_granted(
    http: httpx.AsyncClient, ask: Callable[..., Awaitable[httpx.Response]], grant: Callable[..., str]
) -> None:
    for action, status in (("withdraw", 400), ("grant", 200)):
        await http.post("/_control/system-users", json={"organisation_number": ORGANISATION, "action": action})
        assert (await ask(grant())).status_code == status


async def test_the_date_moves(http: httpx.AsyncClient, bearer: Headers) -> None:
    for today, status in (("2025-04-04", 404), ("2026-01-01", 200)):
        assert (await http.put("/_control/today", json={"today": today})).json() == {"today": today}
        assert (await http.get(PATH, headers=bearer)).status_code == status


async def test_the_log_tells_what_was_asked_and_no_secret(http: httpx.AsyncClient, bearer: Headers) -> None:
    await fault(http, effect={"kind": "drop"})
    with pytest.raises(httpx.RemoteProtocolError):
        await http.get(PATH, headers=bearer)
    await http.get(f"/v1/{ORGANISATION}/2018-01", headers=bearer)
    answer = await http.get("/_control/requests")
    assert [(one["kind"], one["month"], one["status"], one["code"], one["fault"]) for one in answer.json()] == [
        ("token", None, 200, None, None),
        ("report", "2025-03", None, None, "drop"),
        ("report", "2018-01", 400, "AMLD_1027", None),
    ]
    assert "eyJ" not in answer.text  # how every JWT begins
    assert len((await http.get("/_control/requests", params={"kind": "token"})).json()) == 1
    await http.delete("/_control/requests")
    assert (await http.get("/_control/requests")).json() == []


async def test_a_month_is_asked_for_and_forgotten(http: httpx.AsyncClient, bearer: Headers) -> None:
    usual = (await http.get(PATH, headers=bearer)).content
    late = {"organisation_number": ORGANISATION, "month": "2025-03", "days_late": 500}
    assert (await http.post("/_control/months", json=late)).status_code == 204
    assert (await http.get(PATH, headers=bearer)).status_code == 404
    assert (await http.get(f"/v1/{ORGANISATION}/2025-04", headers=bearer)).status_code == 200
    await http.delete("/_control/months")
    assert (await http.get(PATH, headers=bearer)).content == usual
    assert (await http.post("/_control/months", json={**late, "month": "2025-13"})).status_code == 422
