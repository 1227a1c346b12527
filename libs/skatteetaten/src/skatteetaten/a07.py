"""The client of Skatteetaten's reconciliation report for the a-melding (A07)."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Self
from uuid import uuid4

import stamina
import structlog

from skatteetaten import refusals
from skatteetaten.document import UnreadableValueError
from skatteetaten.errors import OurBugError, TransientError
from skatteetaten.http import Answer, Http
from skatteetaten.maskinporten import MaskinportenTokens, utc_now
from skatteetaten.reading import read_report
from skatteetaten.report import A07Report
from skatteetaten.settings import Call, SkatteetatenSettings

log = structlog.get_logger(__name__)


class A07Client:
    """One per process: it holds the connections and the tokens. An async context manager; or call `aclose`."""

    def __init__(self, settings: SkatteetatenSettings, *, now: Callable[[], datetime] = utc_now) -> None:
        self._settings = settings
        self._now = now
        self._http = Http(settings)
        self._tokens = MaskinportenTokens(settings.maskinporten, self._http, now=now)

    async def report(self, organisation_number: str, month: str, *, external_ref: str | None = None) -> A07Report | None:
        """The report of one month (`2026-01`), or None when nothing has been submitted for it.

        `organisation_number` is that of the main unit, nine digits; `external_ref` is needed when one was set as the
        system user was requested. Retries what passes by itself, within the bounds of `RetrySettings`, and renews a
        refused token once. Raises ValueError for input that is not a number or month, otherwise one of
        `skatteetaten.errors`: decide by the class or by `kind`.
        """
        call = self._settings.a07.call(organisation_number, month)
        retry = self._settings.retry
        async for attempt in stamina.retry_context(
            on=_Patience(retry.total.total_seconds()),
            attempts=retry.attempts,
            timeout=retry.total,
            wait_initial=retry.first_wait,
            wait_jitter=retry.first_wait,
            wait_max=retry.longest_wait,
        ):
            with attempt:
                return await self._fetch(call, organisation_number, month, external_ref)
        raise AssertionError("the retry loop ends by returning or raising")

    async def aclose(self) -> None:
        await self._tokens.aclose()
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _fetch(self, call: Call, organisation_number: str, month: str, external_ref: str | None) -> A07Report | None:
        token = await self._tokens.token(organisation_number, external_ref=external_ref)
        answer = await self._send(call, token)
        if answer.status >= 400 and refusals.of_skatteetaten(answer, self._now()).is_of_the_token:
            log.warning("a07.token_refused", organisation_number=organisation_number, status=answer.status)
            token = await self._tokens.token(organisation_number, external_ref=external_ref, refused=token)
            answer = await self._send(call, token)
        report = self._read(answer, organisation_number, month)
        log.info(
            "a07.report_read",
            organisation_number=organisation_number,
            month=month,
            submissions=len(report.submissions) if report else 0,
        )
        return report

    async def _send(self, call: Call, token: str) -> Answer:
        correlation_id = str(uuid4())
        headers = {"Accept": "application/json", "Authorization": f"Bearer {token}"}
        if self._settings.a07.correlation_header:
            headers[self._settings.a07.correlation_header] = correlation_id
        answer = await self._http.send(call.method, call.url, headers=headers, query=call.query, body=call.body, template=call.template)
        log.debug("a07.answered", url=call.url, status=answer.status, skatteetaten_correlation_id=correlation_id)
        return answer

    def _read(self, answer: Answer, organisation_number: str, month: str) -> A07Report | None:
        if answer.status == 204:
            return None
        if answer.status != 200:
            refusal = refusals.of_skatteetaten(answer, self._now())
            if refusal.is_nothing_submitted:
                return None
            raise refusal.error
        try:
            return read_report(
                answer.body,
                organisation_number,
                month,
                fetched_at=self._now(),
                employee_key=self._settings.a07.employee_key,
            )
        except UnreadableValueError as error:
            raise OurBugError(f"the report cannot be read: {error}", code="unreadable", status=200) from error
        except ValueError as error:
            # Not JSON at all: cut short, or the page of a gateway. The cause would quote the body, so it is cut off.
            raise TransientError(f"the answer is not JSON ({type(error).__name__})", code="not-json", status=200) from None


class _Patience:
    """Says which errors are worth another attempt, and how long to wait when the other side named the time."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds

    def __call__(self, error: Exception) -> bool | float:
        if not isinstance(error, TransientError):
            return False
        if error.retry_after is None:
            return True
        return error.retry_after if time.monotonic() + error.retry_after < self._ends_at else False
