"""What the commands that only look say about a system that runs."""

import asyncio
import itertools
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from contracts.cloudevents import Attributes
from contracts.company import CompanyArchived
from contracts.documents import EXAMPLES
from testkit import probe

from .conftest import KARI, Installation, add_member

pytestmark = pytest.mark.background  # the services of the session


async def test_topics_stand_beside_what_the_contracts_declare(installation: Installation) -> None:
    await installation.found_organization()
    answer = await installation.opsctl("topics", "--json")
    found = {topic["topic"]: topic for topic in answer.json["topics"]}
    assert answer.status == 1
    assert found["org-events"]["differences"] == ["partitions: 2, declared 6"]
    assert found["org-events"]["owner"] == "org-service"
    assert found["org-events"]["records"] >= 2
    assert found["org-events"]["newest_at"].endswith("Z")
    assert found["sync-events"]["records"] == 0
    assert "for good" in (await installation.opsctl("topics")).out


async def test_a_topic_that_is_missing_or_kept_too_short_is_named(installation: Installation) -> None:
    answer = await installation.opsctl("topics", "--json", OPSCTL__KAFKA__TOPIC_PREFIX="nowhere.")
    assert answer.status == 1
    assert {tuple(topic["differences"]) for topic in answer.json["topics"]} == {("missing",)}


async def test_attest_reads_what_the_services_have_told(installation: Installation) -> None:
    ours, theirs = await installation.found_organization("ola"), await installation.found_organization()
    attested = await installation.opsctl("attest", str(ours), "--json")
    told = {each["place"]: each for each in attested.json["held"] if each["place"].startswith("topic ")}
    assert (attested.status, {place: each["count"] for place, each in told.items()}) == (
        0,
        {"topic org-events": 3, "topic company-events": 0},
    )
    forged = CompanyArchived(company_id=uuid4(), organization_id=theirs, archived_by=KARI)
    says = Attributes(
        id=str(uuid4()),
        source="/company-service",
        type=forged.TYPE,
        time=datetime.now(UTC),
        subject=forged.subject,
        organizationid=str(ours),
        correlationid="forged",
        sequence=1,
    )
    await installation.produce("company-events", (forged.subject.encode(), forged.model_dump_json().encode(), says.headers()))
    for organization in (ours, theirs):
        attested = await installation.opsctl("attest", str(organization), "--json")
        assert (attested.status, [each["place"] for each in attested.json["held"] if each["crossing"]]) == (1, ["topic company-events"])


async def test_groups_have_their_members_and_no_lag_when_all_is_handled(installation: Installation) -> None:
    await installation.found_organization()

    async def handled() -> bool:
        answer = await installation.opsctl("groups", "--json")
        groups = {group["group"]: group for group in answer.json["groups"]}
        assert [member["client"] for member in groups["company-service"]["members"]] == ["company-service"]
        assert groups["company-service"]["topics"] == ["company-commands", "org-events", "visma-connector-events"]
        return answer.status == 0 and groups["org-service"]["lag"] == groups["company-service"]["lag"] == 0

    await probe(handled, within=60)
    assert (await installation.opsctl("lag")).status == 0
    assert "company-service@" in (await installation.opsctl("groups")).out


async def test_tail_prints_the_newest_messages_that_are_wanted_in_order_of_time(installation: Installation) -> None:
    organization = await installation.found_organization("ola", "per")
    await installation.found_organization("not-wanted")
    of_ours = "--organization", str(organization), "--json"
    answer = await installation.opsctl("tail", "org-events", "org-commands", "-n", "50", *of_ours)
    messages = answer.lines
    assert [message["at"] for message in messages] == sorted(message["at"] for message in messages)
    assert {message["organization_id"] for message in messages} == {str(organization)}
    events = [message for message in messages if message["topic"] == "org-events"]
    assert [event["sequence"] for event in events] == [1, 2, 3, 4]
    assert [event["data"]["user_id"] for event in events[1:]] == [KARI, "ola@fjordregnskap.example", "per@fjordregnskap.example"]
    assert {event["correlation_id"] for event in events} == {command["id"] for command in messages if command["topic"] == "org-commands"}
    newest = await installation.opsctl("tail", "org-events", "--type", "MemberAdded", "-n", "1", *of_ours)
    assert [message["sequence"] for message in newest.lines] == [4]
    by_correlation = await installation.opsctl("tail", "org-events", "--correlation", events[2]["correlation_id"], "--json")
    assert [message["sequence"] for message in by_correlation.lines] == [3]
    since = await installation.opsctl("tail", "org-events", "--from", events[2]["at"], "--limit", "1", *of_ours)
    assert [message["sequence"] for message in since.lines] == [3]
    until = await installation.opsctl("tail", "org-events", "--until", events[1]["at"], "--type", "OrganizationRegistered", *of_ours)
    assert [message["sequence"] for message in until.lines] == [1]
    text = (await installation.opsctl("tail", "org-events", "--organization", str(organization))).out
    assert "org.MemberAdded.v1 #4" in text
    assert "data" not in text


async def test_tail_reaches_back_over_many_windows(installation: Installation) -> None:
    value = (EXAMPLES / "SyncProgressed" / "1" / "real.json").read_bytes()
    await installation.produce("sync-worker-dlq", *((f"{number}".encode(), value, []) for number in range(1500)))
    oldest = await installation.opsctl("tail", "sync-worker-dlq", "--key", "0", "--json")
    assert [message["key"] for message in oldest.lines] == ["0"]
    all_of_them = await installation.opsctl("tail", "sync-worker-dlq", "-n", "5000", "--json")
    assert sorted(int(message["key"]) for message in all_of_them.lines) == list(range(1500))
    merged = await installation.opsctl("tail", "sync-worker-dlq", "--offset", "0", "--json")
    assert len(merged.lines) == 1500
    times = [datetime.fromisoformat(message["at"]) for message in merged.lines]
    assert times == sorted(times)


async def test_tail_follows_what_comes(installation: Installation) -> None:
    organization = await installation.found_organization()
    following = installation.opsctl(
        "tail", "org-events", "--organization", str(organization), "--follow", "-n", "1", "--limit", "2", "--json"
    )

    told = asyncio.create_task(following)
    for number in itertools.count():  # how much is there when it begins to look is its own affair
        await installation.outside.ask(add_member(organization, f"ola{number}"), actor=KARI, within=60)
        if told.done():
            break
    first, second = [message["sequence"] for message in (await told).lines]
    assert second == first + 1


async def test_show_says_what_each_consumer_made_of_a_message(installation: Installation) -> None:
    organization = await installation.found_organization()
    command = await installation.outside.command(add_member(organization, "ola"), actor=KARI)
    await installation.outside.outcomes(command, within=60)
    shown = (await installation.opsctl("show", command, "--json")).json
    assert shown["message"]["topic"] == "org-commands"
    assert shown["message"]["actor"] == KARI
    assert [(each["service"], each["state"]) for each in shown["receptions"]] == [("org-service", "answered")]
    event = (await installation.opsctl("tail", "org-events", "--correlation", command, "--json")).lines[0]

    async def handled() -> bool:
        answer = await installation.opsctl("show", event["id"], "--json")
        assert answer.json["message"]["place"] == event["place"]
        assert (await installation.opsctl("show", event["place"], "--json")).json["message"]["id"] == event["id"]
        return [each["state"] for each in answer.json["receptions"]] == ["handled"]

    await probe(handled, within=60)
    assert (await installation.opsctl("show", str(uuid4()))).status == 1
    assert "at its consumers" in (await installation.opsctl("show", event["place"])).out


async def test_why_tells_the_story_of_a_command(installation: Installation) -> None:
    organization = await installation.found_organization()
    command = await installation.outside.command(add_member(organization, "ola"), actor=KARI)
    await installation.outside.outcomes(command, within=60)
    await probe(lambda: _steps(installation, command, 3), within=60)
    story = (await installation.opsctl("why", command, "--json")).json
    assert story["state"] == "answered"
    assert story["steps"][0]["type"].endswith("AddMember.v1")
    assert {step["type"].rsplit(".", 2)[-2] for step in story["steps"]} == {"AddMember", "CommandSucceeded", "MemberAdded"}
    assert story["steps"][0]["after_seconds"] == 0
    assert story["answered_after_seconds"] > 0
    assert story["waiting"] == []
    refused = await installation.outside.command(add_member(organization, "per"), actor="stranger@konkurrenten.example")
    await installation.outside.outcomes(refused, within=60)
    story = (await installation.opsctl("why", refused, "--json")).json
    assert (story["state"], story["steps"][-1]["problem"]) == ("refused", True)
    unknown = await installation.opsctl("why", str(uuid4()), "--json")
    assert (unknown.status, unknown.json["state"]) == (1, "unknown")


async def _steps(installation: Installation, command: str, count: int) -> bool:
    return len((await installation.opsctl("why", command, "--json")).json["steps"]) == count


async def test_key_compares_the_last_number_everywhere(installation: Installation) -> None:
    organization = await installation.found_organization("ola")

    async def agreed() -> bool:
        answer = await installation.opsctl("key", "org-events", str(organization), "--json")
        seen = answer.json
        assert [(giver["service"], giver["last_sequence"]) for giver in seen["givers"]] == [("org-service", 3)]
        assert [(each["source"], each["last_sequence"]) for each in seen["on_topic"]] == [("/org-service", 3)]
        takers = [(taker["service"], taker["last_sequence"], taker["behind"]) for taker in seen["takers"]]
        return takers == [("company-service", 3, 0)] and answer.status == 0

    await probe(agreed, within=60)
    await installation.execute("company-service", "UPDATE eventing.stream_in SET last_sequence = 1 WHERE subject = $1", str(organization))
    behind = await installation.opsctl("key", "org-events", str(organization), "--json")
    assert (behind.status, behind.json["takers"][0]["behind"]) == (1, 2)
