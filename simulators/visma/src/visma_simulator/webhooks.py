"""Webhooks: who has subscribed, and the delivery of one notification per changed row, with retries and with trouble on request.

As Visma has it, a vendor says where notifications go, with what they are signed, and how often a delivery is tried; customers say for
which companies and tables. First attempts go out in the order of the changes; what has to be tried again does not hold up the rest.
"""

import asyncio
import base64
import contextlib
import hmac
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import httpx
import orjson

from visma_simulator.execution import Call
from visma_simulator.faults import Doubled, Faults, Forged, Lost, Reordered, Rule
from visma_simulator.requestlog import RequestLog
from visma_simulator.scenario import Company, Subscription

RowEvent = Literal["INSERT", "UPDATE", "DELETE"]
NO_ANSWER = 0
"""Stands in the log for the status of a delivery that nobody answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A row of a company's table, after the change: `key` as Visma spells it inside, `columns` those that were changed."""

    company: Company
    table: str
    event: RowEvent
    key: Mapping[str, Any]
    columns: Sequence[str] = ()
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def body(self, now: float) -> bytes:
        """The notification. Names of columns have a capital; of a deleted row there are no changed columns."""
        said: dict[str, Any] = {
            "tableIdentifier": self.table,
            "customerNo": self.company.customer,
            "companyNo": self.company.number,
            "event": self.event,
            "primaryKeys": [{pascal(name): value} for name, value in self.key.items()],
            "timestamp": f"{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%M:%S.%f}0Z",
            "changedByUser": "simulator",
        }
        if self.event != "DELETE":
            said["changedColumns"] = [*map(pascal, self.columns), "ChangedTimestamp", "ChangedByUser"]
        return orjson.dumps(said)


@dataclass(slots=True)
class Subscriber:
    """A subscription at work."""

    subscription: Subscription
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    overtaken: asyncio.Event = field(default_factory=asyncio.Event)


class Webhooks:
    """Delivers to whoever has subscribed. `now` gives seconds since 1970."""

    def __init__(self, subscriptions: Iterable[Subscription], faults: Faults, log: RequestLog, now: Callable[[], float]) -> None:
        self.subscribers = [Subscriber(subscription) for subscription in subscriptions]
        self._faults, self._log, self._now = faults, log, now
        self._deliveries: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None

    def subscribe(self, subscription: Subscription) -> None:
        """Notify this one too."""
        self.subscribers.append(Subscriber(subscription))

    def unsubscribe_all(self) -> None:
        """Forget all subscriptions, and the deliveries under way."""
        self.subscribers.clear()
        for delivery in self._deliveries:
            delivery.cancel()

    def notify(self, changes: Iterable[Change]) -> None:
        """Deliver in the background what each subscriber wants to know. Called in the event loop."""
        for change in changes:
            for subscriber in self.subscribers:
                if subscriber.subscription.wants(change.company.number, change.table):
                    task = asyncio.create_task(self._deliver(change, subscriber))
                    self._deliveries.add(task)
                    task.add_done_callback(self._deliveries.discard)

    async def _deliver(self, change: Change, subscriber: Subscriber) -> None:
        call = Call((change.company.number,), (change.company.customer,), (change.table,))
        rules = self._faults.meeting("webhook", change.event, call)
        effects = [rule.effect for rule in rules]
        if any(isinstance(effect, Lost) for effect in effects):
            self._log.add("webhook", self._now(), NO_ANSWER, operation=change.event, call=call, faults=_names(rules))
            return
        if any(isinstance(effect, Reordered) for effect in effects):
            await subscriber.overtaken.wait()
        forged = any(isinstance(effect, Forged) for effect in effects)
        body, headers = self._notification(change, subscriber, forged=forged)
        for _copy in range(1 + sum(isinstance(effect, Doubled) for effect in effects)):
            async with subscriber.turn:
                delivered = await self._attempt(change, subscriber, body, headers, call, rules)
                subscriber.overtaken.set()
                subscriber.overtaken.clear()
            for attempt in range(1, subscriber.subscription.attempts):
                if delivered:
                    break
                await asyncio.sleep(subscriber.subscription.interval_ms / 1000 * 2 ** (attempt - 1))
                delivered = await self._attempt(change, subscriber, body, headers, call, rules)

    async def _attempt(
        self, change: Change, subscriber: Subscriber, body: bytes, headers: Mapping[str, str], call: Call, rules: Sequence[Rule]
    ) -> bool:
        came = self._now()
        status = NO_ANSWER
        with contextlib.suppress(httpx.HTTPError):
            status = (await self._http().post(subscriber.subscription.url, content=body, headers=dict(headers))).status_code
        self._log.add("webhook", came, status, operation=change.event, call=call, faults=_names(rules))
        return 200 <= status < 300

    def _notification(self, change: Change, subscriber: Subscriber, *, forged: bool) -> tuple[bytes, dict[str, str]]:
        now = self._now()
        body = change.body(now)
        key = uuid.uuid4().hex if forged else subscriber.subscription.key
        milliseconds = str(int(now * 1000))
        return body, {
            "content-type": "application/json; charset=utf-8",
            "x-vwd-signature-v1": base64.b64encode(hmac.digest(key.encode(), body, "sha256")).decode(),
            "x-vwd-event-id": change.id,
            "x-vwd-notification-id": str(uuid.uuid4()),
            "x-vwd-notification-timestamp": milliseconds,
            "x-vwd-webhook-timestamp": milliseconds,
            "x-vwd-subscription-id": subscriber.id,
            "x-vwd-tenant-id": str(change.company.customer),
            "x-vwd-group-id": str(change.company.number),
            "x-vwd-application-id": "isv_accountflow",
            "x-vwd-application-version": "1",
        }

    def _http(self) -> httpx.AsyncClient:
        # Nothing closes it when the loop ends, so it keeps no connections.
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=10, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
        return self._client


def pascal(name: str) -> str:
    """A column as notifications spell it."""
    return name[0].upper() + name[1:]


def _names(rules: Sequence[Rule]) -> tuple[str, ...]:
    return tuple(type(rule.effect).__name__ for rule in rules)
