"""Every documented error, as it arrives over HTTP, and what it becomes."""

from datetime import UTC, datetime
from typing import Any

import pytest

from skatteetaten import A07Client, SkatteetatenError
from skatteetaten.errors import APPROVE_IN_ALTINN
from skatteetaten.http import Answer
from skatteetaten.refusals import of_maskinporten, of_skatteetaten
from skatteetaten_simulator.faults import Fault, GatewayPage, Status
from skatteetaten_simulator.world import World

pytestmark = pytest.mark.servers

ORGANISATION = "974761076"
NOW = datetime(2026, 6, 20, 12, tzinfo=UTC)

A07 = [
    (500, "AMLD_001", None, "transient"),
    (401, "AMLD_004", None, "configuration"),
    (401, "AMLD_004", "AMLD_1008", "configuration"),
    (403, "AMLD_005", None, "needs_consent"),
    (401, "AMLD_005", None, "needs_consent"),  # the code decides, whatever the status
    (403, "AMLD_005", "AMLD_1015", "needs_consent"),
    (403, "AMLD_005", "AMLD_1063", "needs_consent"),
    (400, "AMLD_006", None, "our_bug"),
    (400, "AMLD_006", "AMLD_1022", "our_bug"),
    (400, "AMLD_006", "AMLD_1027", "year_not_supported"),
    (400, "AMLD_006", "AMLD_1028", "our_bug"),
    (400, "AMLD_006", "AMLD_1030", "our_bug"),
    (400, "AMLD_006", "AMLD_1032", "our_bug"),
    (400, "AMLD_006", "AMLD_1047", "our_bug"),
    (400, "AMLD_006", "AMLD_1051", "our_bug"),
    (400, "AMLD_006", "AMLD_1052", "our_bug"),
    (400, "AMLD_006", "AMLD_1062", "not_main_unit"),
    (400, "AMLD_006", "AMLD_9999", "our_bug"),
    (400, "AMLD_008", None, "our_bug"),
    (400, "AMLD_010", None, "our_bug"),
    (400, "AMLD_011", None, "our_bug"),
    (500, "AMLD_017", None, "transient"),
    (409, "AMLD_019", None, "our_bug"),
    (404, "AMLD_021", None, "not_found"),
    (404, "AMLD_021", "AMLD_1050", "not_found"),
    (404, "AMLD_021", "AMLD_1061", "not_found"),
    (405, "AMLD_022", None, "our_bug"),
    (500, "AMLD_023", None, "transient"),
    (500, "AMLD_023", "AMLD_1053", "transient"),
    (404, "DAS-002", None, "not_found"),
    (500, "DAS-004", None, "transient"),
    (403, "DAS-008", None, "needs_consent"),
    (400, "AMLD_999", None, "our_bug"),
    (503, "AMLD_999", None, "transient"),
]

MASKINPORTEN = [
    (400, "invalid_request", "MP-011", "our_bug"),
    (400, "invalid_grant", "MP-012", "transient"),
    (400, "invalid_grant", "MP-100", "configuration"),
    (400, "invalid_grant", "MP-110", "configuration"),
    (400, "invalid_grant", "MP-120", "configuration"),
    (400, "invalid_grant", "MP-121", "configuration"),
    (400, "invalid_grant", "MP-122", "configuration"),
    (400, "invalid_grant", "MP-123", "configuration"),
    (400, "invalid_grant", "MP-124", "configuration"),
    (400, "invalid_grant", "MP-130", "configuration"),
    (400, "invalid_grant", "", "configuration"),
    (400, "invalid_scope", "MP-200", "configuration"),
    (400, "invalid_scope", "MP-201", "configuration"),
    (403, "forbidden", "MP-250", "configuration"),
    (403, "forbidden", "MP-251", "needs_consent"),
    (400, "invalid_authorization_details", "MP-301", "our_bug"),
    (400, "invalid_authorization_details", "MP-302", "our_bug"),
    (400, "invalid_authorization_details", "MP-303", "needs_consent"),
    (403, "something_new", "MP-303", "needs_consent"),
    (400, "invalid_authorization_details", "", "needs_consent"),
    (400, "invalid_request", "", "our_bug"),
    (400, "something_new", "MP-999", "our_bug"),
    (403, "something_new", "", "configuration"),
    (500, "server_error", "", "transient"),
]


async def refused(client: A07Client) -> SkatteetatenError:
    with pytest.raises(SkatteetatenError) as caught:
        await client.report(ORGANISATION, "2026-01")
    return caught.value


@pytest.mark.parametrize(("status", "code", "detail", "kind"), A07)
async def test_errors_of_skatteetaten(client: A07Client, world: World, status: int, code: str, detail: str | None, kind: str) -> None:
    body: dict[str, Any] = {"kode": code, "melding": "Noe gikk galt", "korrelasjonsid": "13a865f5"}
    if detail:
        body["spesifisering"] = [{"kode": detail, "melding": "Detaljer", "sti": "a/b", "angittVerdi": "c"}]
    world.faults.add(Fault(match="report", times=None, effect=Status(status=status, body=body)))
    error = await refused(client)
    assert (error.kind, error.status, error.correlation_id) == (kind, status, "13a865f5")
    assert code in str(error)
    assert error.hint
    assert len(world.journal.entries("report")) == {"transient": 4}.get(kind, 2 if code == "AMLD_004" else 1)


@pytest.mark.parametrize(("status", "oauth_error", "mp_id", "kind"), MASKINPORTEN)
async def test_errors_of_maskinporten(client: A07Client, world: World, status: int, oauth_error: str, mp_id: str, kind: str) -> None:
    body = {"error": oauth_error, "error_description": f"Refused ({mp_id})", "error_uri": "https://docs.test"}
    world.faults.add(Fault(match="token", times=None, effect=Status(status=status, body=body)))
    error = await refused(client)
    assert (error.kind, error.status) == (kind, status)
    assert error.hint
    assert world.journal.entries("report") == []


async def test_a_missing_approval_says_who_must_do_what(client: A07Client, world: World) -> None:
    world.system_users.withdraw(ORGANISATION)
    error = await refused(client)
    assert (error.kind, error.code, error.hint) == ("needs_consent", "MP-303", APPROVE_IN_ALTINN)


async def test_the_deciding_detail_is_the_code(client: A07Client, world: World) -> None:
    body = {"kode": "AMLD_006", "spesifisering": {"kode": "AMLD_1062"}}
    world.faults.add(Fault(match="report", effect=Status(status=400, body=body)))
    assert (await refused(client)).code == "AMLD_1062"


@pytest.mark.parametrize(
    ("status", "kind"), [(400, "our_bug"), (401, "configuration"), (403, "configuration"), (404, "not_found"), (502, "transient")]
)
async def test_a_gateway_page_is_read_by_its_status(client: A07Client, world: World, status: int, kind: str) -> None:
    world.faults.add(Fault(match="report", times=None, effect=GatewayPage(status=status)))
    error = await refused(client)
    assert (error.kind, error.code) == (kind, f"HTTP-{status}")
    assert "Unknown instance" not in str(error)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 502])
async def test_a_page_in_place_of_maskinporten_refuses_nothing(client: A07Client, world: World, status: int) -> None:
    world.faults.add(Fault(match="token", times=None, effect=GatewayPage(status=status)))
    assert (await refused(client)).kind == "transient"


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"text"', b"\xff\xfe", b'{"kode": null}', b'{"kode": {}, "spesifisering": [1, null]}']
)
def test_no_error_body_is_too_strange(body: bytes) -> None:
    answer = Answer(500, {}, body)
    assert of_skatteetaten(answer, NOW).error.kind == "transient"
    assert of_maskinporten(answer, NOW).kind == "transient"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7), ("Sat, 20 Jun 2026 12:00:30 GMT", 30), ("Sat, 20 Jun 2026 11:00:00 GMT", 0), ("soon", None), ("-5", None)],
)
def test_the_time_to_wait_in_either_writing(text: str, seconds: float | None) -> None:
    error = of_skatteetaten(Answer(429, {"retry-after": text}, b""), NOW).error
    assert (error.kind, getattr(error, "retry_after", None)) == ("transient", seconds)
