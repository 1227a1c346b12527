"""Notifications as Visma documents them, and as nobody should send them."""

import json
from typing import Any

import pytest

from visma_nxt import tables
from visma_nxt.webhooks import RowEvent, UnreadableNotification, delivery_id, is_signed, read, signature

CHANGE = {
    "tableIdentifier": "GeneralLedgerTransaction",
    "customerNo": 12345,
    "companyNo": 7100001,
    "event": "INSERT",
    "primaryKeys": [{"VoucherJournalNo": 17}, {"AuditNo": "1"}],
    "timestamp": "2026-11-23T05:56:52.1234567Z",
}


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
