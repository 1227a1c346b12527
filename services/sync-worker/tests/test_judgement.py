"""Small decisions: when a scan has seen all, what differs, where a data set stands, what a failure means."""

from datetime import timedelta
from decimal import Decimal

import pytest

import skatteetaten
from contracts.sync import DataSet, SyncStatus
from sync_worker.domain.progress import percent_of, status_of
from sync_worker.domain.proof import Landed, Stated, differences, sum_of
from sync_worker.domain.scan import NotInOrder, check_order, seen_all
from sync_worker.domain.trouble import pause_after
from sync_worker.retrieval.troubles import trouble_of
from visma_nxt import errors as visma

CALL = visma.Call("GeneralLedgerTransactionRows", company_no=7100001)
UNKNOWN_COLUMN = visma.QueryRejected(CALL, "Cannot query field 'x' on type 'Y'.", code="FIELDS_ON_CORRECT_TYPE")


@pytest.mark.parametrize(
    ("page_rows", "has_more", "scanned", "expected", "all_seen"),
    [
        (50, True, 50, 120, False),
        (20, False, 120, 120, True),
        (20, False, 70, 120, False),  # a page cut short by the source is not the end
        (0, False, 70, 120, True),
        (50, True, 120, 120, False),  # the ledger has grown since it was counted
        (20, False, 20, None, True),
    ],
)
def test_a_scan_ends_when_nothing_is_missing(page_rows: int, has_more: bool, scanned: int, expected: int | None, all_seen: bool) -> None:
    assert seen_all(page_rows=page_rows, has_more=has_more, scanned=scanned, expected=expected) is all_seen


def test_a_page_that_does_not_move_on_is_refused() -> None:
    check_order((12, 3), (12, 4))
    check_order(None, (1, 1))
    check_order(("Z1",), ("Å2",))
    check_order((7, "b"), (7, "C"))  # in a collation that takes no notice of case
    check_order((7, "b"), (8, "a"))
    with pytest.raises(NotInOrder):
        check_order((12, 3), (12, 3))
    with pytest.raises(NotInOrder):
        check_order((7, "b"), (7, "b"))


def test_one_oere_is_a_difference() -> None:
    landed = {(1500, 2026, 1): Landed(2, Decimal("100.01"), Decimal("0.00")), (3000, 2026, 1): Landed(1, Decimal(0), Decimal(100))}
    stated = {(1500, 2026, 1): Stated(2, Decimal(100)), (3000, 2026, 1): Stated(1, Decimal("-100.00"))}
    [found] = differences(landed, stated)
    assert (found.group, found.amount) == ((1500, 2026, 1), Decimal("0.01"))


@pytest.mark.parametrize(("landed", "stated"), [(2, 3), (3, 2), (0, 1), (1, 0)])
def test_lines_that_cancel_out_are_still_missed(landed: int, stated: int) -> None:
    ours = {(1,): Landed(landed, Decimal(5), Decimal(5))} if landed else {}
    theirs = {(1,): Stated(stated)} if stated else {}
    assert [each.group for each in differences(ours, theirs)] == [(1,)]


def test_debit_and_credit_are_summed_apart() -> None:
    total = sum_of([Landed(1, Decimal(5), Decimal(0)), Landed(2, Decimal(1), Decimal("6.00"))])
    assert (total.rows, total.debit, total.credit, total.balance) == (3, 6, 6, 0)


@pytest.mark.parametrize(
    ("items", "whole"),
    [
        ({"queued"}, "queued"),
        ({"queued", "complete"}, "retrieving"),
        ({"complete"}, "complete"),
        ({"verifying", "retrieving", "queued"}, "retrieving"),
        ({"complete", "needs_attention"}, "needs_attention"),
        ({"complete", "needs_attention", "retrying"}, "retrying"),
        ({"needs_consent", "complete"}, "needs_consent"),
        ({"not_supported", "complete"}, "not_supported"),
    ],
)
def test_a_data_set_stands_where_its_items_stand(items: set[str], whole: str) -> None:
    assert status_of({SyncStatus(item) for item in items}) is SyncStatus(whole)


@pytest.mark.parametrize(
    ("rows", "expected", "status", "percent"),
    [
        (50, 200, "retrieving", 25),
        (200, 200, "verifying", 99),
        (200, 200, "complete", 100),
        (5, None, "retrieving", None),
        (0, 0, "queued", 0),
    ],
)
def test_a_hundred_percent_means_proven(rows: int, expected: int | None, status: str, percent: int | None) -> None:
    assert percent_of(rows, expected, SyncStatus(status)) == percent


def test_pauses_double_up_to_the_longest_and_never_undercut_what_was_asked() -> None:
    first, longest = timedelta(seconds=1), timedelta(seconds=60)
    pauses = [pause_after(attempts, first=first, longest=longest) for attempts in (0, 1, 2, 50)]
    assert [round(pause / timedelta(seconds=1) / 1.1, 0) for pause in pauses] == [1, 2, 4, pytest.approx(60, abs=6)]
    assert pause_after(0, first=first, longest=longest, asked=timedelta(seconds=30)) >= timedelta(seconds=30)


@pytest.mark.parametrize("data_set", ["ledger_lines", "account_balances", "capital_assets"])
def test_what_could_be_read_before_needs_consent_when_it_is_hidden(data_set: str) -> None:
    trouble = trouble_of(UNKNOWN_COLUMN, DataSet(data_set), known=True)
    assert (trouble.status, trouble.reason, trouble.whole_source) == (SyncStatus.NEEDS_CONSENT, "table_hidden", False)
    assert "access group" in trouble.hint


@pytest.mark.parametrize(
    ("error", "data_set", "status", "reason", "whole_source"),
    [
        (visma.RateLimited(CALL, retry_after=30), "ledger_lines", "retrying", "rate_limited", False),
        (visma.CompanyNotOpened(CALL), "ledger_lines", "needs_consent", "company_not_opened", True),
        (visma.NotAuthenticated(CALL), "ledger_lines", "needs_attention", "not_authenticated", True),
        (visma.QueryRejected(CALL), "ledger_lines", "needs_attention", "query_rejected", False),
        (visma.QueryRejected(CALL), "customers", "needs_attention", "query_rejected", False),
        (UNKNOWN_COLUMN, "ledger_lines", "needs_attention", "query_rejected", False),
        (UNKNOWN_COLUMN, "account_balances", "needs_attention", "query_rejected", False),
        (UNKNOWN_COLUMN, "capital_assets", "not_supported", "not_supported", False),
        (
            visma.QueryRejected(CALL, "GraphQL.Validation.Errors.FieldsOnCorrectTypeError: ..."),
            "org_units",
            "not_supported",
            "not_supported",
            False,
        ),
        (visma.QueryRejected(CALL, code="SYNTAX_ERROR"), "org_units", "needs_attention", "query_rejected", False),
        (visma.WrongCompanyAnswered(CALL), "ledger_lines", "needs_attention", "wrong_company_answered", False),
        (skatteetaten.TransientError("busy", code="503"), "a07_reports", "retrying", "transient", False),
        (skatteetaten.NeedsConsentError("no system user", code="MP-303"), "a07_reports", "needs_consent", "needs_consent", True),
        (skatteetaten.ConfigurationError("key expired", code="MP-121"), "a07_reports", "needs_attention", "configuration", True),
        (skatteetaten.YearNotSupportedError("too old", code="AMLD_1027"), "a07_reports", "needs_attention", "year_not_supported", False),
        (KeyError("text"), "ledger_lines", "needs_attention", "internal_error:KeyError", False),
    ],
)
def test_every_failure_has_a_meaning(error: Exception, data_set: str, status: str, reason: str, whole_source: bool) -> None:
    trouble = trouble_of(error, DataSet(data_set))
    assert (trouble.status, trouble.reason, trouble.whole_source) == (SyncStatus(status), reason, whole_source)
    assert trouble.message
    assert trouble.hint
