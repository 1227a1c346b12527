"""Whatever is not confirmed about the services can be set."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from skatteetaten import A07Settings, MaskinportenSettings


def maskinporten(**values: Any) -> MaskinportenSettings:
    defaults = {"issuer": "https://test.maskinporten.no/", "token_url": "https://test.maskinporten.no/token"}
    return MaskinportenSettings.model_validate({**defaults, "client_id": "c", "key_id": "k", "private_key": "pem", **values})


def test_path_parameters_and_method_are_configuration() -> None:
    settings = A07Settings(
        base_url="https://a07.test/",
        path_template="/v2/rapport/{organisation_number}",
        method="POST",
        parameters={"fraOgMed": "{month}", "aar": "{year}"},
        parameters_in="body",
    )
    call = settings.call("974761076", "2026-01")
    assert (call.method, call.url) == ("POST", "https://a07.test/v2/rapport/974761076")
    assert (call.query, call.body) == ({}, {"fraOgMed": "2026-01", "aar": "2026"})


@pytest.mark.parametrize(
    ("number", "month"), [("97476107", "2026-01"), ("974761076", "2026-13"), ("../secret", "2026-01"), ("974761076", "2026-1")]
)
def test_only_a_number_and_a_month_reach_the_address(number: str, month: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        A07Settings(base_url="https://a07.test").call(number, month)


@pytest.mark.parametrize("values", [{"path_template": "/v1/{orgnr}"}, {"path_template": "/v1"}, {"parameters": {"a": "{unknown}"}}])
def test_a_template_that_cannot_work_is_refused_at_start(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"must use|unknown placeholder"):
        A07Settings(base_url="https://a07.test", **values)


@pytest.mark.parametrize("values", [{"private_key": None}, {"private_key_file": Path("key.pem")}])
def test_exactly_one_key(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="exactly one"):
        maskinporten(**values)


def test_the_issuer_gets_its_slash() -> None:
    assert maskinporten(issuer="https://test.maskinporten.no").issuer == "https://test.maskinporten.no/"


def test_a_grant_longer_than_maskinporten_allows_is_refused() -> None:
    with pytest.raises(ValidationError, match="grant_lifetime"):
        maskinporten(grant_lifetime=121)


def test_the_key_is_not_printed() -> None:
    assert "very-secret" not in repr(maskinporten(private_key="very-secret"))
