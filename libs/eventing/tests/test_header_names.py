"""A header's name that is not text must cost nothing but itself: to the client alone it is the end of the consumer.

What a service makes of such names is part of the corpus of bad messages.
"""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventing.header_names import _Records
from testkit.raw_names import RawName, batch_builder

BYTES = st.none() | st.binary(max_size=20)
RECORDS = st.lists(st.tuples(BYTES, BYTES, st.lists(st.tuples(st.binary(max_size=20), BYTES), max_size=4)), min_size=1, max_size=4)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is not a fault
@given(records=RECORDS)
def test_a_batch_is_read_whatever_its_headers_are_called(
    records: list[tuple[bytes | None, bytes | None, list[tuple[bytes, bytes | None]]]],
) -> None:
    builder = batch_builder(1_000_000)
    for offset, (key, value, headers) in enumerate(records):
        builder.append(offset, 1, key, value, [(RawName.of(raw), given) for raw, given in headers])
    batch = _Records(bytes(builder.build())).next_batch()
    read = [(record.offset, record.key, record.value, list(record.headers)) for record in batch]
    assert read == [
        (offset, key, value, [(raw.decode("utf-8", "backslashreplace"), given) for raw, given in headers])
        for offset, (key, value, headers) in enumerate(records)
    ]
