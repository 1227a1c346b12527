"""The door for Visma's notifications. Nothing is believed before its signature is; Visma has its answer when the database has committed.

What is of no use to us is accepted too: Visma would send it again otherwise.
"""

import asyncio
from uuid import uuid4

import structlog

from eventing import crash
from eventing.outbox import Outbox
from eventing.parking import is_away
from servicekit.http import Gone, Receive, Scope, Send, TooLarge, answer, body_of
from visma_connector import metrics
from visma_connector.domain.data_change import changes_of
from visma_connector.settings import WebhookSettings
from visma_connector.store import data_changes
from visma_nxt import webhooks
from visma_nxt.webhooks import SIGNATURE, UnreadableNotification

PATH = "/webhooks/visma"
MOST_AT_ONCE = 100
_READ_SECONDS = 10.0
_STORE_SECONDS = 10.0

_LOG = structlog.get_logger("visma_connector.webhook")


class Webhook:
    """An ASGI application; whoever holds one of ``keys`` may notify us."""

    def __init__(self, outbox: Outbox, settings: WebhookSettings) -> None:
        self._outbox = outbox
        self._keys = settings.keys
        self._most_bytes = settings.body_limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["path"].rstrip("/") != PATH:
            await answer(send, 404)
        elif scope["method"] != "POST":
            await answer(send, 405)
        else:
            try:
                async with asyncio.timeout(_READ_SECONDS):
                    body = await body_of(receive, most_bytes=self._most_bytes)
            except Gone:
                return
            except TooLarge:
                await self._refuse(send, 413, "too_large")
            except TimeoutError:
                await self._refuse(send, 408, "too_slow")
            else:
                headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
                await self._take(body, headers, send)

    async def _take(self, body: bytes, headers: dict[str, str], send: Send) -> None:
        if not webhooks.is_signed(body, headers.get(SIGNATURE, "").encode("latin-1"), self._keys):
            await self._refuse(send, 401, "wrong_signature")
            return
        try:
            outcome = await self._note(body, headers)
        except UnreadableNotification as error:
            _LOG.warning("webhook.unreadable", why=str(error))
            await self._refuse(send, 422 if error.fields else 400, "unreadable", error=str(error))
        except Exception as error:
            # Visma tries again; meanwhile nothing is lost but time.
            if is_away(error):
                _LOG.warning("webhook.not_stored", why=f"{type(error).__name__}: {error}")
            else:
                _LOG.exception("webhook.failed")
            await self._refuse(send, 503, "failed")
        else:
            metrics.DELIVERIES.labels(outcome).inc()
            await answer(send, 202)

    async def _note(self, body: bytes, headers: dict[str, str]) -> str:
        notification = webhooks.read(body)
        changes = changes_of(notification)
        if not changes:
            return "unused_table"
        async with asyncio.timeout(_STORE_SECONDS):
            noted = await data_changes.note(
                self._outbox.pool,
                changes,
                visma_company_id=notification.company_no,
                visma_customer_id=notification.customer_no,
                delivery_id=webhooks.delivery_id(headers) or str(uuid4()),
                now=self._outbox.clock(),
            )
        crash.point("notice.committed")
        return noted

    async def _refuse(self, send: Send, status: int, outcome: str, *, error: str | None = None) -> None:
        metrics.DELIVERIES.labels(outcome).inc()
        await answer(send, status, None if error is None else {"error": error})
