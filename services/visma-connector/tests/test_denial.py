"""The words for the user."""

import pytest

from contracts.visma import DenialReason
from visma_connector.domain.denial import explain


@pytest.mark.parametrize("reason", DenialReason)
def test_every_reason_has_words_and_numbered_steps(reason: DenialReason) -> None:
    message, hint = explain(reason, 12345, client_key="isv_accountflow")
    assert message.endswith(".")
    assert [line.partition(".")[0] for line in hint.splitlines()] == [str(number) for number, _ in enumerate(hint.splitlines(), 1)]


def test_the_reasons_differ_in_their_words() -> None:
    assert len({explain(reason, 12345, client_key="isv_accountflow") for reason in DenialReason}) == len(DenialReason)


@pytest.mark.parametrize("reason", [DenialReason.NOT_ACTIVATED, DenialReason.NO_COMPANY_OPENED])
def test_what_is_done_in_business_nxt_names_our_client_key_and_the_tables(reason: DenialReason) -> None:
    _, hint = explain(reason, 12345, client_key="isv_accountflow")
    assert "isv_accountflow" in hint
    assert "Connect Application Access" in hint
