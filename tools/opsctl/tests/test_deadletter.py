"""A record of a dead-letter topic read without trust: anybody may have written it."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventing.record import Record
from opsctl import deadletter, moments
from opsctl.deadletter import DeadLetter, Letter

NAMES = st.sampled_from([f"x-dlq-{name}" for name in ("topic", "partition", "offset", "timestamp", "at", "service", "reason", "error")])
DIGITS = st.text("0123456789", min_size=1, max_size=24).map(str.encode) | st.just(b"9" * 5000)
VALUES = st.none() | st.binary(max_size=40) | st.text(max_size=20).map(str.encode) | DIGITS
HEADERS = st.lists(st.tuples(NAMES | st.sampled_from(["ce_id", "ce_type", "x-dlq-"]) | st.text(max_size=20), VALUES), max_size=12)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is not a fault
@given(headers=HEADERS, key=st.none() | st.binary(max_size=20), value=st.none() | st.binary(max_size=20), time=st.integers(-1, 2**42))
def test_whatever_stands_on_the_topic_is_a_letter(
    headers: list[tuple[str, bytes | None]], key: bytes | None, value: bytes | None, time: int
) -> None:
    record = Record("org-service-dlq", 0, 7, time, key, tuple(headers), value)
    letter = Letter.of(record)
    assert letter.on_topic == record
    assert (letter.inside.key, letter.inside.value) == (key, value)
    assert letter.inside.headers == tuple(header for header in headers if not header[0].startswith("x-dlq-"))
    # What a database and a calendar take.
    assert "\0" not in letter.inside.topic
    assert 0 <= letter.inside.partition < 2**31
    assert 0 <= letter.inside.offset < 2**63
    moments.of_milliseconds(letter.inside.timestamp_ms)
    assert isinstance(deadletter._judge(letter, {}), DeadLetter)
