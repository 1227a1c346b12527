"""Who has subscribed is told of each changed row, in Visma's form and with Visma's troubles."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from visma_simulator import server
from visma_simulator.scenario import read

pytestmark = pytest.mark.servers

KEY = "the-key-of-the-portal"
COMPANY = 7100004
LINE = {"accountNo": 1920, "year": 2025, "period": 4, "postedAmountDomestic": "100.05", "text": "Planted", "voucherDate": 20250430}


@dataclass
class Target:
    """Who is notified: answers with the statuses given, then with 202."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def texts(self) -> list[str]:
        """The kind of change of each notification, in the order of arrival."""
        return [json.loads(body)["event"] for body in self.bodies]

    async def take(self, request: Request) -> Response:
        self.bodies.append(await request.body())
        self.headers.append(dict(request.headers))
        return Response(status_code=self.answers.pop(0) if self.answers else 202)


@pytest.fixture
def target() -> Iterator[Target]:
    target = Target()
    with server.running(Starlette(routes=[Route("/hook", target.take, methods=["POST"])])) as url:
        target.url = url + "/hook"
        yield target


@pytest.fixture
def subscribed(own_visma: Callable[..., Any], target: Target) -> Any:
    visma = own_visma()
    visma.control("POST", "/webhooks", {"url": target.url, "key": KEY, "interval_ms": 5})
    return visma


def post_line(visma: Any, **values: Any) -> dict[str, Any]:
    return dict(visma.control("POST", "/ledger", {"company": COMPANY, "action": "add", "row": LINE | values}))


def attempts(visma: Any, count: int) -> list[dict[str, Any]]:
    """The logged attempts at deliveries, when there are so many."""
    deadline = time.monotonic() + 10
    while True:
        logged = [asked for asked in visma.control("GET", "/requests")["requests"] if asked["endpoint"] == "webhook"]
        if len(logged) >= count or time.monotonic() > deadline:
            assert len(logged) == count, logged
            return logged
        threading.Event().wait(0.01)


def test_a_notification_has_the_documented_form(subscribed: Any, target: Target) -> None:
    key = post_line(subscribed)
    attempts(subscribed, 1)
    said = json.loads(target.bodies[0])
    assert {name: said[name] for name in ("tableIdentifier", "customerNo", "companyNo", "event", "primaryKeys", "timestamp")} == {
        "tableIdentifier": "GeneralLedgerTransaction",
        "customerNo": 12345,
        "companyNo": COMPANY,
        "event": "INSERT",
        "primaryKeys": [{"VoucherJournalNo": key["voucherJournalNo"]}, {"AuditNo": 1}],
        "timestamp": "2026-05-17T06:40:00.0000000Z",
    }
    assert {"AccountNo", "PostedAmountDomestic", "ChangedTimestamp"} <= set(said["changedColumns"])
    digest = hmac.new(KEY.encode(), target.bodies[0], hashlib.sha256).digest()
    assert target.headers[0]["x-vwd-signature-v1"] == base64.b64encode(digest).decode()
    assert {"x-vwd-event-id", "x-vwd-notification-id", "x-vwd-notification-timestamp", "x-vwd-subscription-id"} <= set(target.headers[0])


def test_every_kind_of_change_is_told_in_order(subscribed: Any, target: Target) -> None:
    key = post_line(subscribed)
    subscribed.control("POST", "/ledger", {"company": COMPANY, "action": "change", "row": key | {"text": "Another"}})
    subscribed.control("POST", "/ledger", {"company": COMPANY, "action": "delete", "row": key})
    logged = attempts(subscribed, 3)
    assert target.texts() == [asked["operation"] for asked in logged] == ["INSERT", "UPDATE", "DELETE"]
    assert {(*asked["companies"], *asked["customers"], *asked["tables"], asked["status"]) for asked in logged} == {
        (COMPANY, 12345, "GeneralLedgerTransaction", 202)
    }
    assert "changedColumns" not in json.loads(target.bodies[2])


def test_many_rows_at_once_are_as_many_notifications(subscribed: Any, target: Target) -> None:
    keys = subscribed.control("POST", "/ledger", {"company": COMPANY, "action": "add", "row": [LINE] * 20})
    attempts(subscribed, 20)
    assert len({key["voucherJournalNo"] for key in keys}) == 20
    assert [json.loads(body)["primaryKeys"][0]["VoucherJournalNo"] for body in target.bodies] == [key["voucherJournalNo"] for key in keys]
    assert len({headers["x-vwd-event-id"] for headers in target.headers}) == 20


def test_what_is_not_taken_comes_again_under_the_same_ids(subscribed: Any, target: Target) -> None:
    target.answers = [503, 500]
    post_line(subscribed)
    assert [asked["status"] for asked in attempts(subscribed, 3)] == [503, 500, 202]
    assert len(set(target.bodies)) == 1
    assert len({(headers["x-vwd-event-id"], headers["x-vwd-notification-id"]) for headers in target.headers}) == 1


def test_what_has_to_come_again_holds_up_nobody(own_visma: Callable[..., Any], target: Target) -> None:
    visma = own_visma()
    visma.control("POST", "/webhooks", {"url": target.url, "key": KEY, "interval_ms": 60_000})
    target.answers = [503]
    visma.control("POST", "/ledger", {"company": COMPANY, "action": "add", "row": [LINE] * 3})
    assert [asked["status"] for asked in attempts(visma, 3)] == [503, 202, 202]


def test_it_is_given_up_after_its_attempts(own_visma: Callable[..., Any], target: Target) -> None:
    visma = own_visma()
    visma.control("POST", "/webhooks", {"url": target.url, "key": KEY, "interval_ms": 1, "attempts": 3})
    target.answers = [500] * 3
    post_line(visma)
    attempts(visma, 3)
    post_line(visma)
    assert [asked["status"] for asked in attempts(visma, 4)] == [500, 500, 500, 202]


def test_nobody_there_is_an_attempt_too(own_visma: Callable[..., Any]) -> None:
    visma = own_visma()
    visma.control("POST", "/webhooks", {"url": "http://127.0.0.1:1/", "key": KEY, "attempts": 1})
    post_line(visma)
    assert attempts(visma, 1)[0]["status"] == 0


def test_only_what_was_subscribed_is_told(own_visma: Callable[..., Any], target: Target) -> None:
    visma = own_visma()
    visma.control("POST", "/webhooks", {"url": target.url, "key": KEY, "companies": [COMPANY], "tables": ["OrgUnit1"]})
    post_line(visma)
    for company in (7100003, COMPANY):
        unit = {"company": company, "action": "add", "table": "OrgUnit1", "row": {"orgUnit1No": 99, "name": "Ny"}}
        visma.control("POST", "/ledger", unit)
    assert attempts(visma, 1)[0]["companies"] == [COMPANY]
    visma.control("DELETE", "/webhooks")
    visma.control("POST", "/ledger", unit | {"row": {"orgUnit1No": 98}})
    assert len(attempts(visma, 1)) == 1


def test_the_faults_of_the_way(subscribed: Any, target: Target) -> None:
    for effect, so_far in (("lost", 1), ("doubled", 3), ("forged", 4)):
        subscribed.control("POST", "/faults", {"effect": effect, "operation": "INSERT"})
        post_line(subscribed)
        attempts(subscribed, so_far)
    assert [(asked["status"], asked["faults"]) for asked in attempts(subscribed, 4)] == [
        (0, ["Lost"]),
        (202, ["Doubled"]),
        (202, ["Doubled"]),
        (202, ["Forged"]),
    ]
    assert target.headers[0] == target.headers[1]
    digest = hmac.new(KEY.encode(), target.bodies[2], hashlib.sha256).digest()
    assert target.headers[2]["x-vwd-signature-v1"] != base64.b64encode(digest).decode()


def test_a_notification_is_overtaken(subscribed: Any, target: Target) -> None:
    subscribed.control("POST", "/faults", {"effect": "reordered"})
    key = post_line(subscribed)
    subscribed.control("POST", "/ledger", {"company": COMPANY, "action": "delete", "row": key})
    attempts(subscribed, 2)
    assert target.texts() == ["DELETE", "INSERT"]


def test_a_scenario_may_have_subscriptions() -> None:
    described = {"clients": [], "customers": [], "webhooks": [{"url": "http://127.0.0.1:1/", "key": KEY, "companies": [COMPANY]}]}
    (subscription,) = read(described).webhooks
    assert subscription.wants(COMPANY, "OrgUnit1")
    assert not subscription.wants(7100003, "OrgUnit1")
    assert KEY not in repr(subscription)
    with pytest.raises(ValueError, match="not understood"):
        read(described | {"webhooks": [{"address": "http://127.0.0.1:1/"}]})
