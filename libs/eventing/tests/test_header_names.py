"""A header's name that is not text must cost nothing but itself: to the client alone it is the end of the consumer."""

import asyncio
import os
import sys
from uuid import uuid4

from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.org import MemberAdded
from eventing.header_names import _Records
from testkit.probe import probe

from .conftest import Core, member_added, noting

EVENTS = "org-events"

WRITER = """
import asyncio, sys
from aiokafka import AIOKafkaProducer

class Name(str):
    def encode(self, *_):
        return b"x-\\xff\\xfe"

async def main(servers, topic, key):
    async with AIOKafkaProducer(bootstrap_servers=servers) as producer:
        await producer.send_and_wait(topic, b"{}", key.encode(), headers=[(Name("x"), b"1"), ("ce_subject", None)])

asyncio.run(main(*sys.argv[1:]))
"""


class Name(str):
    """Encodes to whatever bytes it was made of."""

    __slots__ = ("raw",)

    def encode(self, *_: object) -> bytes:
        return self.raw


def name_of(raw: bytes) -> Name:
    name = Name()
    name.raw = raw
    return name


BYTES = st.none() | st.binary(max_size=20)
RECORDS = st.lists(st.tuples(BYTES, BYTES, st.lists(st.tuples(st.binary(max_size=20), BYTES), max_size=4)), min_size=1, max_size=4)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is not a fault
@given(records=RECORDS)
def test_a_batch_is_read_whatever_its_headers_are_called(
    records: list[tuple[bytes | None, bytes | None, list[tuple[bytes, bytes | None]]]],
) -> None:
    builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, -1, 1_000_000)
    for offset, (key, value, headers) in enumerate(records):
        builder.append(offset, 1, key, value, [(name_of(raw), given) for raw, given in headers])
    batch = _Records(bytes(builder.build())).next_batch()
    read = [(record.offset, record.key, record.value, list(record.headers)) for record in batch]
    assert read == [
        (offset, key, value, [(raw.decode("utf-8", "backslashreplace"), given) for raw, given in headers])
        for offset, (key, value, headers) in enumerate(records)
    ]


async def test_a_header_name_that_is_not_text_stops_nobody(core: Core) -> None:
    organization = uuid4()
    await core.send(member_added(organization, "before"), sequence=1)
    await write_strange_name(core, str(organization))
    await core.send(member_added(organization, "after"), sequence=2)
    await core.run({MemberAdded: noting(lambda message: message.user_id)}, [EVENTS])
    await probe(lambda: has_effects(core), within=15)
    (letter,) = await core.read("company-service-dlq", 1)
    assert (letter.key, letter.value) == (str(organization).encode(), b"{}")
    assert list(letter.headers[:2]) == [("x-\\xff\\xfe", b"1"), ("ce_subject", None)]


async def write_strange_name(core: Core, key: str) -> None:
    """By a process of its own, whose client is told to do without its compiled parts: those check the type of a name."""
    topic = core.kafka.topic_prefix + EVENTS
    servers = core.kafka.options["bootstrap_servers"]
    environment = os.environ | {"AIOKAFKA_NO_EXTENSIONS": "1"}
    writer = await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, servers, topic, key, env=environment)
    assert await writer.wait() == 0


async def has_effects(core: Core) -> bool:
    assert await core.effects() == ["before", "after"]
    return True
