"""Notifications as Visma documents them, and as nobody should send them."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from visma_nxt import tables
from visma_nxt.webhooks import (
    EVENT_ID,
    LONGEST_ID,
    NOTIFICATION_ID,
    RowEvent,
    TableChange,
    UnreadableNotification,
    delivery_id,
    is_signed,
    read,
    signature,
)

CHANGE = {
    "tableIdentifier": "GeneralLedgerTransaction",
    "customerNo": 12345,
    "companyNo": 7100001,
    "event": "INSERT",
    "primaryKeys": [{"VoucherJournalNo": 17}, {"AuditNo": "1"}],
    "timestamp": "2026-11-23T05:56:52.1234567Z",
}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda part: st.lists(part) | st.dictionaries(st.text(), part)
)
BODIES = (
    st.binary()
    | JSON.map(lambda data: json.dumps(data).encode())
    | st.dictionaries(st.sampled_from([*CHANGE, "changedColumns"]), JSON).map(lambda changes: json.dumps(CHANGE | changes).encode())
)
IDS = st.text() | st.text(min_size=LONGEST_ID)


def body(**changes: Any) -> bytes:
    return json.dumps(CHANGE | changes).encode()


def test_the_signature_is_what_openssl_makes_of_it() -> None:
    assert signature(b'{"companyNo":1}', "key") == b"CGAx/zTmnU9gHIk7x0rokAJ+TpaEzeJyczZGn5kHfR8="


def test_either_of_two_keys_may_sign() -> None:
    assert is_signed(body(), signature(body(), "old"), ["new", "old"])
    assert is_signed(body(), signature(body(), "new"), ["new", "old"])


@pytest.mark.parametrize(
    "claimed", [b"", b"\xff\xfe", signature(body(), "other"), signature(body() + b" ", "key"), signature(body(), "key")[:-1]]
)
def test_nothing_else_is_signed(claimed: bytes) -> None:
    assert not is_signed(body(), claimed, ["key"])


def test_nobody_signs_without_a_key() -> None:
    assert not is_signed(body(), signature(body(), ""), [])


def test_a_notification_of_any_edition_is_read() -> None:
    change = read(body(changedByUser="kari", changedColumns=["text"], somethingNew={"a": 1}))
    assert (change.table, change.company_no, change.customer_no, change.event) == (
        tables.GENERAL_LEDGER_TRANSACTION,
        7100001,
        12345,
        RowEvent.INSERT,
    )
    assert read(b'{"tableIdentifier":"Product","companyNo":"7100001","event":"DELETE"}').table is None


@pytest.mark.parametrize("text", [b"", b"{", b"\x00\xff", b'{"companyNo": 1} x', b"[" * 5000])
def test_what_is_not_json_has_no_fields(text: bytes) -> None:
    with pytest.raises(UnreadableNotification) as caught:
        read(text)
    assert caught.value.fields == ()


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (b"{}", ("tableIdentifier", "event")),
        (b"[]", ("(all)",)),
        (b"null", ("(all)",)),
        (body(companyNo=-1), ("companyNo",)),
        (body(companyNo=2**31), ("companyNo",)),
        (body(companyNo="s3cret"), ("companyNo",)),
        (body(event="TRUNCATE"), ("event",)),
    ],
)
def test_what_is_wrong_is_named_and_not_quoted(text: bytes, fields: tuple[str, ...]) -> None:
    with pytest.raises(UnreadableNotification) as caught:
        read(text)
    assert caught.value.fields == fields
    assert "s3cret" not in str(caught.value)


def test_a_delivery_is_known_by_its_event_else_by_its_notification() -> None:
    assert delivery_id({"x-vwd-event-id": "e", "x-vwd-notification-id": "n"}) == "e"
    assert delivery_id({"x-vwd-notification-id": "n"}) == "n"
    assert delivery_id({}) is None
    assert delivery_id({"x-vwd-event-id": "e" * 60_000}) == "e" * 200


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is not a fault
@given(content=BODIES, headers=st.dictionaries(st.sampled_from([EVENT_ID, NOTIFICATION_ID]) | st.text(), IDS))
def test_whatever_comes_is_a_change_or_unreadable_and_has_an_id_that_can_be_kept_or_none(content: bytes, headers: dict[str, str]) -> None:
    with suppress(UnreadableNotification):
        change = read(content)
        assert isinstance(change, TableChange)
        assert 0 <= change.company_no < 2**31
        assert change.table is None or change.table in tables.TABLES
    identity = delivery_id(headers)
    assert identity is None or 0 < len(identity) <= LONGEST_ID
