"""The door for notifications, as Visma and as strangers find it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from pydantic import ValidationError

from eventing.outbox import Outbox
from eventing.work import Cause
from local_stack.ports import free_port
from servicekit.health import Health
from servicekit.metrics import REGISTRY
from servicekit.service import Parts
from visma_connector.app import build
from visma_connector.settings import Settings, WebhookSettings
from visma_connector.store import connections
from visma_connector.webhook import PATH, Webhook
from visma_nxt.webhooks import SIGNATURE, signature

KEY = "the-key-of-the-portal"
CHANGE = {"tableIdentifier": "GeneralLedgerTransaction", "customerNo": 12345, "companyNo": 7100001, "event": "INSERT"}


def body(**changes: Any) -> bytes:
    return json.dumps(CHANGE | changes).encode()


@asynccontextmanager
async def door(outbox: Outbox, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    webhook = Webhook(outbox, WebhookSettings.model_validate({"secret": KEY} | settings))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(webhook), base_url="http://connector") as client:
        yield client


@pytest.fixture
async def nowhere() -> Outbox:
    """An outbox whose database is away."""
    return Outbox(asyncpg.create_pool("postgresql://nobody@127.0.0.1:1/nothing"), "/visma-connector")


async def deliver(client: httpx.AsyncClient, content: bytes, *, key: str = KEY, **headers: str) -> httpx.Response:
    return await client.post(PATH, content=content, headers={SIGNATURE: signature(content, key).decode()} | headers)


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("visma_connector_webhook_deliveries_total", {"outcome": outcome}) or 0.0


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {SIGNATURE: ""},
        {SIGNATURE: signature(body(), "another key").decode()},
        {SIGNATURE: signature(body(event="DELETE"), KEY).decode()},
        {SIGNATURE: signature(b"", KEY).decode()},
        {SIGNATURE: "blåbær"},
    ],
    ids=["none", "empty", "another key", "another body", "no body", "not ASCII"],
)
async def test_who_does_not_sign_learns_nothing(nowhere: Outbox, headers: dict[str, str]) -> None:
    before = counted("wrong_signature")
    async with door(nowhere) as client:
        refused = await client.post(PATH, content=body(), headers=[(name, value.encode("latin-1")) for name, value in headers.items()])
    assert (refused.status_code, refused.content) == (401, b"")
    assert counted("wrong_signature") == before + 1


async def test_the_body_is_not_looked_at_before_its_signature(nowhere: Outbox) -> None:
    async with door(nowhere) as client:
        assert (await client.post(PATH, content=b"{", headers={SIGNATURE: "x"})).status_code == 401


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (b"{", 400, "not JSON"),
        (b"\xff\xfe", 400, "not JSON"),
        (b"{}", 422, "wrong or missing: tableIdentifier, event"),
        (body(companyNo="seven"), 422, "wrong or missing: companyNo"),
        (body(event="EXPLODE"), 422, "wrong or missing: event"),
    ],
)
async def test_what_cannot_be_read_is_refused_by_field(nowhere: Outbox, content: bytes, status: int, said: str) -> None:
    async with door(nowhere) as client:
        refused = await deliver(client, content)
    assert (refused.status_code, refused.json()) == (status, {"error": said})


async def test_a_body_above_the_limit_is_refused_before_it_is_whole(nowhere: Outbox) -> None:
    async with door(nowhere, body_limit_bytes=1000) as client:
        assert (await deliver(client, body(changedColumns=["x" * 1000]))).status_code == 413


async def test_there_is_nothing_else_behind_the_door(nowhere: Outbox) -> None:
    async with door(nowhere) as client:
        assert [(await client.get(path)).status_code for path in (PATH, "/", "/metrics", "/livez")] == [405, 404, 404, 404]


async def test_a_table_that_is_not_read_is_accepted_and_not_stored(nowhere: Outbox) -> None:
    async with door(nowhere) as client:
        assert (await deliver(client, body(tableIdentifier="Product"))).status_code == 202


async def test_while_the_database_is_away_visma_has_to_come_again(nowhere: Outbox) -> None:
    before = counted("failed")
    async with door(nowhere) as client:
        assert (await deliver(client, body())).status_code == 503
    assert counted("failed") == before + 1


async def test_two_keys_are_good_while_one_replaces_the_other(nowhere: Outbox) -> None:
    async with door(nowhere, previous_secret="the-old-key") as client:
        for key, status in ((KEY, 202), ("the-old-key", 202), ("a-third", 401)):
            assert (await deliver(client, body(tableIdentifier="Product"), key=key)).status_code == status


def test_without_a_secret_nobody_is_listened_to() -> None:
    assert WebhookSettings().keys == []
    assert WebhookSettings(secret="").keys == []
    with pytest.raises(ValidationError, match="previous_secret needs secret"):
        WebhookSettings(previous_secret="old")


@pytest.mark.servers
async def test_a_delivery_is_stored_once_when_it_is_answered(outbox: Outbox) -> None:
    async with outbox.work(Cause(organization_id=uuid4(), correlation_id="registration", causation_id=None)) as work:
        await connections.begin(work, [12345])
        await work.connection.execute(
            "INSERT INTO connector.company VALUES ($1, 12345, 7100001, 'Lyngen Bakeri AS', NULL, true)", work.organization_id
        )
    before = {outcome: counted(outcome) for outcome in ("accepted", "duplicate", "unknown_company")}
    async with door(outbox) as client:
        copies = [deliver(client, body(), **{"x-vwd-event-id": "one", "X-VWD-Notification-Id": str(number)}) for number in range(3)]
        answers = [*await asyncio.gather(*copies), await deliver(client, body(companyNo=7999999))]
    assert [answer.status_code for answer in answers] == [202] * 4
    assert [counted(outcome) - before[outcome] for outcome in before] == [1, 2, 1]
    rows = await outbox.pool.fetch("SELECT DISTINCT visma_company_id, kind, noticed_at <= $1 FROM connector.data_change", datetime.now(UTC))
    assert [tuple(row) for row in rows] == [(7100001, "inserted", True)]


@pytest.mark.servers
async def test_without_a_key_nobody_listens(outbox: Outbox, visma: Any) -> None:
    port = free_port()

    async def status(**webhook: str) -> int:
        settings = Settings.model_validate(
            {
                "kafka": {"bootstrap_servers": "127.0.0.1:9092"},
                "postgres": {"dsn": "postgresql://127.0.0.1/nothing"},
                "visma": visma.settings(),
                "webhook": {"port": port, **webhook},
            }
        )
        async with AsyncExitStack() as exits, httpx.AsyncClient() as client:
            await build(settings, Parts(outbox.pool, outbox, Health(), exits))
            return (await client.post(f"http://127.0.0.1:{port}{PATH}", content=body())).status_code

    assert await status(secret=KEY) == 401
    with pytest.raises(httpx.ConnectError):
        await status()
