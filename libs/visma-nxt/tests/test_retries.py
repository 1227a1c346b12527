import asyncio
import socket
from datetime import timedelta
from typing import Any

import pytest

from visma_nxt import VismaClient, VismaSettings
from visma_nxt.errors import ConcurrencyLimited, QueryRejected, RateLimited, ServerFault, VismaUnreachable

pytestmark = pytest.mark.servers

COMPANY = 7100001


def bad_weather(visma: Any) -> dict[str, Any]:
    whole = visma.information().body
    return {
        "rate": visma.told(b"slow down", status=429),
        "rate with an hour passed": visma.told(b"", status=429, retry_after="Sat, 31 Jan 2026 11:00:00 GMT"),
        "gateway": visma.told(b"<html>502 Bad Gateway</html>", status=502),
        "gateway time-out": visma.told(b"", status=504),
        "in progress": visma.error(f"Company {COMPANY} has 60 requests in progress.", "OUTSTANDING_LIMIT_EXCEEDED"),
        "in progress, text alone": visma.error(f"Company {COMPANY} has 60 requests in progress. Limit is 60."),
        "cut short": visma.told(whole[: len(whole) // 2]),
        "a page instead of an answer": visma.told(b"<html>maintenance</html>"),
        "dropped while reading": visma.told(whole, content_length="9999"),
    }


@pytest.mark.parametrize(
    "weather",
    [
        "rate",
        "rate with an hour passed",
        "gateway",
        "gateway time-out",
        "in progress",
        "in progress, text alone",
        "cut short",
        "a page instead of an answer",
        "dropped while reading",
    ],
)
async def test_gets_through_bad_weather(visma: Any, settings: VismaSettings, logs: Any, weather: str) -> None:
    visma.graphql.extend([bad_weather(visma)[weather]] * 3)
    async with VismaClient(settings) as client:
        information = await client.company_information(COMPANY)
    assert information.organisation_number == "999888777"
    assert len(visma.asked_for("/graphql")) == 4
    ours = [line for line in logs if line["event"].startswith("visma.")]
    assert [line["event"] for line in ours] == ["visma.call_failed"] * 3 + ["visma.call_answered"]
    assert [line["attempt"] for line in ours] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("weather", "error"),
    [("rate", RateLimited), ("gateway", ServerFault), ("in progress", ConcurrencyLimited), ("cut short", ServerFault)],
)
async def test_gives_up_after_the_last_attempt(visma: Any, configure: Any, weather: str, error: type) -> None:
    visma.usual = bad_weather(visma)[weather]
    async with VismaClient(configure(retry_attempts=4)) as client:
        with pytest.raises(error):
            await client.company_information(COMPANY)
    assert len(visma.asked_for("/graphql")) == 4


async def test_gives_up_when_time_is_out(visma: Any, configure: Any) -> None:
    visma.usual = visma.told(b"", status=503)
    patience = timedelta(milliseconds=200)
    async with VismaClient(configure(retry_attempts=1000, retry_within=patience)) as client:
        with pytest.raises(ServerFault):
            await client.company_information(COMPANY)
    moments = [each.at for each in visma.asked_for("/graphql")]
    assert len(moments) > 2
    assert moments[-1] - moments[0] < 1.0


async def test_everybody_waits_as_long_as_visma_says(visma: Any, settings: VismaSettings) -> None:
    async with VismaClient(settings) as client:
        visma.graphql.append(visma.told(b"", status=429, retry_after="1"))
        first = asyncio.create_task(client.company_information(COMPANY))
        await visma.until(lambda: client._session._budget.paused_for() > 0)
        await asyncio.gather(first, client.company_information(COMPANY + 1))
    refused, *after = [each.at for each in visma.asked_for("/graphql")]
    assert len(after) == 2
    assert min(after) - refused >= 1.0
    assert max(after) - refused < 2.0


async def test_a_longer_wait_than_our_patience_goes_to_the_caller_and_all_others(visma: Any, configure: Any) -> None:
    visma.graphql.append(visma.told(b"", status=429, retry_after="3600"))
    async with VismaClient(configure(retry_within=timedelta(seconds=5))) as client, asyncio.timeout(3):
        with pytest.raises(RateLimited) as first:
            await client.company_information(COMPANY)
        with pytest.raises(RateLimited) as second:
            await client.company_information(COMPANY + 1)
    assert first.value.retry_after == 3600
    assert second.value.retry_after == pytest.approx(3600, abs=5)
    assert len(visma.asked_for("/graphql")) == 1


async def test_a_rejected_query_is_asked_once(visma: Any, settings: VismaSettings) -> None:
    visma.usual = visma.error("GraphQL.Validation.Errors.X: Cannot query field 'a'", "FIELDS_ON_CORRECT_TYPE")
    async with VismaClient(settings) as client:
        with pytest.raises(QueryRejected) as caught:
            await client.company_information(COMPANY)
    assert len(visma.asked_for("/graphql")) == 1
    assert (caught.value.trace_id, caught.value.code) == ("trace-1", "FIELDS_ON_CORRECT_TYPE")


async def test_nobody_listens(configure: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        async with VismaClient(configure(graphql_url=url, retry_attempts=2)) as client:
            with pytest.raises(VismaUnreachable):
                await client.company_information(COMPANY)


async def test_an_answer_that_is_no_http(configure: Any) -> None:
    async def mumble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"mumble mumble\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(mumble, "127.0.0.1", 0) as server:
        url = "http://127.0.0.1:{1}".format(*server.sockets[0].getsockname())
        async with VismaClient(configure(graphql_url=url, retry_attempts=2)) as client:
            with pytest.raises(VismaUnreachable):
                await client.company_information(COMPANY)


async def test_an_answer_that_never_comes(visma: Any, configure: Any) -> None:
    gone = asyncio.Event()

    async def never(_: Any) -> Any:
        await gone.wait()
        return visma.information()

    visma.graphql.append(never)
    async with VismaClient(configure(total_timeout=timedelta(milliseconds=100))) as client:
        assert (await client.company_information(COMPANY)).organisation_number == "999888777"
    gone.set()
    assert len(visma.asked_for("/graphql")) == 2
