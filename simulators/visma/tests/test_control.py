"""Faults, grants, planted lines and the log: what tests ask of the simulator itself."""

import json
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.servers

LEDGER = "query Lines{useCompany(no:7100002){generalLedgerTransaction(first:20){items{voucherJournalNo auditNo postedAmountDomestic}}}}"
ACCOUNTS = "query Accounts{useCompany(no:7100002){generalLedgerAccount{totalCount}}}"


def rows(answer: Any) -> list[dict[str, Any]]:
    return list(answer["data"]["useCompany"]["generalLedgerTransaction"]["items"])


def plant(visma: Any, effect: str, **settings: Any) -> None:
    visma.control("POST", "/faults", {"effect": effect} | settings)


@pytest.mark.parametrize(
    ("settings", "status", "retry_after", "words"),
    [
        ({"status": 401}, 401, None, "401 Authorization Required"),
        ({"status": 429, "retry_after": 2}, 429, "2", "429 Too Many Requests"),
        ({"status": 429}, 429, None, "429 Too Many Requests"),
        ({"status": 502}, 502, None, "502 Bad Gateway"),
        ({"status": 503, "body": '{"oops": 1}', "content_type": "application/json"}, 503, None, '{"oops": 1}'),
    ],
)
def test_status_comes_once_and_then_the_answer(
    visma: Any, settings: dict[str, Any], status: int, retry_after: str | None, words: str
) -> None:
    plant(visma, "status", **settings)
    answer = visma.post(ACCOUNTS)
    assert (answer.status_code, answer.headers.get("retry-after")) == (status, retry_after)
    assert words in answer.text
    assert visma.post(ACCOUNTS).status_code == 200


def test_token_endpoint_has_faults_of_its_own(visma: Any) -> None:
    plant(visma, "status", status=503, endpoint="token")
    assert visma.post(ACCOUNTS).status_code == 200
    assert visma.http.post("/connect/token").status_code == 503
    assert visma.http.post("/connect/token").status_code == 400


def test_a_truncated_body_looks_complete_but_is_not_json(visma: Any) -> None:
    whole = visma.post(LEDGER).text
    plant(visma, "truncate")
    cut = visma.post(LEDGER).text
    assert whole.startswith(cut)
    assert len(cut) == len(whole) // 2
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut)


def test_a_dropped_connection_gives_no_answer(visma: Any) -> None:
    plant(visma, "drop")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        visma.post(ACCOUNTS)
    assert visma.post(ACCOUNTS).status_code == 200


def test_a_dripping_body_is_whole_in_the_end(visma: Any) -> None:
    whole = visma.post(LEDGER)
    plant(visma, "drip", bytes=500, ms=5)
    slow = visma.post(LEDGER)
    assert slow.text == whole.text
    assert slow.elapsed.total_seconds() >= 0.005 * (len(whole.content) // 500)


def test_delay_holds_the_answer_back(visma: Any) -> None:
    plant(visma, "delay", ms=150)
    assert visma.post(ACCOUNTS).elapsed.total_seconds() >= 0.15


def test_an_error_hits_its_table_and_leaves_the_others(visma: Any) -> None:
    plant(visma, "error", message="Boom", code="BOOM", table="taxCode")
    answer = visma.ask("{useCompany(no:7100002){taxCode{totalCount}taxTerm{totalCount}}}")
    assert answer["data"]["useCompany"] == {"taxCode": None, "taxTerm": {"totalCount": 18}}
    assert answer["errors"] == [{"message": "Boom", "path": ["useCompany", "taxCode"], "extensions": {"code": "BOOM", "codes": ["BOOM"]}}]


def test_rows_written_by_a_clock_that_is_wrong_carry_its_time(own_visma: Callable[..., Any]) -> None:
    visma, moments = own_visma(), []
    change = {"company": 7100002, "action": "change", "table": "GeneralLedgerAccount", "row": {"accountNo": 1920, "name": "Bank"}}
    for ahead in (0, 7200, -7200):
        visma.control("POST", "/clock", {"ahead_seconds": ahead})
        visma.control("POST", "/ledger", change)
        [account] = visma.table("generalLedgerAccount", "changedTimestamp", "filter:{accountNo:{_eq:1920}}", company=7100002)
        moments.append(datetime.fromisoformat(account["changedTimestamp"][:26]))
    assert [moment - moments[0] for moment in moments] == [timedelta(0), timedelta(hours=2), timedelta(hours=-2)]


def test_somebody_writes_between_two_pages(own_visma: Callable[..., Any]) -> None:
    visma = own_visma()
    [first, *_] = visma.table("generalLedgerAccount", "accountNo", company=7100002)
    change = {"company": 7100002, "action": "delete", "table": "GeneralLedgerAccount", "row": first}
    plant(visma, "written", change=change, asking='"wanted": 2', company=7100002, skip=1)
    ask = "query Rows($wanted:Int){useCompany(no:7100002){generalLedgerAccount(first:$wanted){items{accountNo}}}}"
    seen = [visma.ask(ask, wanted=wanted)["data"]["useCompany"]["generalLedgerAccount"]["items"] for wanted in (2, 3, 2)]
    assert seen[0] == seen[1][:2] == [first, seen[2][0]]


def test_a_removed_grant_refuses_the_company_it_names(visma: Any) -> None:
    plant(visma, "no_grant", company=7100002, times=2)
    assert "Status: 18." in visma.ask(ACCOUNTS)["errors"][0]["message"]
    assert "errors" not in visma.ask(ACCOUNTS.replace("7100002", "7100001"))
    assert "errors" in visma.ask(ACCOUNTS)
    assert "errors" not in visma.ask(ACCOUNTS)


def test_another_company_answers(visma: Any) -> None:
    asked = "{useCompany(no:7100002){companyInformation{items{companyNo}}}}"
    other = visma.ask(asked.replace("7100002", "7100003"))
    plant(visma, "wrong_company", answer=7100003)
    assert visma.ask(asked) == other
    assert visma.ask(asked) != other


def test_rows_are_lost_doubled_and_changed_in_the_answer_alone(visma: Any) -> None:
    truth = rows(visma.ask(LEDGER))
    plant(visma, "drop_row", index=3)
    assert rows(visma.ask(LEDGER)) == truth[:3] + truth[4:]
    plant(visma, "duplicate_row", index=3)
    assert rows(visma.ask(LEDGER)) == truth[:4] + truth[3:]
    plant(visma, "change_amount", index=3, by="-0.01")
    changed = visma.post(LEDGER).text
    assert rows(json.loads(changed, parse_float=Decimal))[3]["postedAmountDomestic"] == truth[3]["postedAmountDomestic"] - Decimal("0.01")
    assert rows(visma.ask(LEDGER)) == truth


def test_a_rule_waits_for_its_operation_and_lets_some_pass(visma: Any) -> None:
    plant(visma, "status", status=502, operation="Accounts", skip=2, times=1)
    assert visma.post(LEDGER).status_code == 200
    assert [visma.post(ACCOUNTS).status_code for _ in range(4)] == [200, 200, 502, 200]
    assert visma.control("GET", "/faults") == [{"effect": "Status", "hits": 1, "times": 0}]


@pytest.mark.parametrize("rule", [{"effect": "explode"}, {"effect": "delay"}, {"effect": "drop", "colour": 1}, {}])
def test_a_rule_that_is_not_understood_is_refused(visma: Any, rule: dict[str, Any]) -> None:
    answer = visma.http.post("/_control/faults", json=[{"effect": "drop"}, rule])
    assert answer.status_code == 400
    assert visma.control("GET", "/faults") == []


def test_grants_come_and_go(own_visma: Callable[..., Any]) -> None:
    visma = own_visma()
    listing = "{availableCompanies(customerNo:67890){items{vismaNetCompanyId}}}"
    assert "errors" in visma.ask(listing)
    visma.control("POST", "/grants", {"customer": 67890, "activated": True})
    assert visma.ask(listing)["data"]["availableCompanies"]["items"] == [{"vismaNetCompanyId": 7300001}]
    asked = "{useCompany(no:7300001){taxCode{totalCount}}}"
    assert "errors" not in visma.ask(asked)
    visma.control("POST", "/grants", {"company": 7300001, "access": "listed"})
    assert "errors" in visma.ask(asked)
    assert len(visma.ask(listing)["data"]["availableCompanies"]["items"]) == 1
    visma.control("POST", "/grants", {"company": 7300001, "access": "closed"})
    assert visma.ask(listing)["data"]["availableCompanies"]["items"] == []
    assert visma.http.post("/_control/grants", json={"company": 1, "access": "open"}).status_code == 400


def totals(visma: Any) -> dict[tuple[int, int, int], tuple[Decimal, int]]:
    """Visma's own grouped sums."""
    selected = "accountNo year period aggregates{sum{postedAmountDomestic} count{auditNo}}"
    groups = "groupBy:[{accountNo:DEFAULT},{year:DEFAULT},{period:DEFAULT}]"
    return {
        (item["accountNo"], item["year"], item["period"]): (
            item["aggregates"]["sum"]["postedAmountDomestic"],
            item["aggregates"]["count"]["auditNo"],
        )
        for item in visma.table("generalLedgerTransaction", selected, groups, company=7100004)
    }


def test_the_ledger_is_really_different_after_a_change(own_visma: Callable[..., Any], clock: Any) -> None:
    visma = own_visma()
    before = totals(visma)
    line = {"accountNo": 1920, "year": 2025, "period": 4, "postedAmountDomestic": "100.05", "text": "Planted", "voucherDate": 20250430}
    added = visma.control("POST", "/ledger", {"company": 7100004, "action": "add", "row": line})
    expected = defaultdict(lambda: (Decimal(0), 0), before)
    amount, count = expected[1920, 2025, 4]
    expected[1920, 2025, 4] = amount + Decimal("100.05"), count + 1
    assert totals(visma) == expected

    clock.seconds += 60
    visma.control("POST", "/ledger", {"company": 7100004, "action": "change", "row": added | {"postedAmountDomestic": "0.06", "period": 5}})
    [found] = visma.table(
        "generalLedgerTransaction",
        "period text postedAmountDomestic createdTimestamp changedTimestamp",
        'filter:{text:{_eq:"Planted"}}',
        company=7100004,
    )
    assert (found["period"], found["postedAmountDomestic"]) == (5, Decimal("0.06"))
    assert found["changedTimestamp"] > found["createdTimestamp"]
    assert totals(visma)[1920, 2025, 4] == before[1920, 2025, 4]

    visma.control("POST", "/ledger", {"company": 7100004, "action": "delete", "row": added})
    assert totals(visma) == before
    again = visma.http.post("/_control/ledger", json={"company": 7100004, "action": "delete", "row": added})
    assert again.status_code == 400


def test_a_line_can_be_planted_in_the_middle_of_a_journal(own_visma: Callable[..., Any]) -> None:
    visma = own_visma()
    row = {"voucherJournalNo": 30, "auditNo": 999, "accountNo": 1920, "year": 2024, "period": 6, "postedAmountDomestic": "1.00"}
    visma.control("POST", "/ledger", {"company": 7100004, "action": "add", "row": row})
    found = visma.table("generalLedgerTransaction", "voucherJournalNo auditNo", company=7100004)
    keys = [(item["voucherJournalNo"], item["auditNo"]) for item in found]
    assert keys == sorted(set(keys))
    assert (30, 999) in keys


def test_facts_agree_with_grouped_sums(visma: Any) -> None:
    [facts] = visma.control("GET", "/companies?company=7100004")
    told = {(each["accountNo"], each["year"], each["period"]): (Decimal(each["sum"]), each["lines"]) for each in facts["totals"]}
    assert told == totals(visma)
    assert facts["rows"]["GeneralLedgerTransaction"] == sum(lines for _, lines in told.values())
    assert len(visma.control("GET", "/companies")) == 6


def test_the_log_tells_each_request_and_no_secret(visma: Any) -> None:
    start = visma.control("GET", "/requests")["last"]
    visma.ask(LEDGER)
    plant(visma, "status", status=502)
    visma.post(ACCOUNTS)
    visma.new_token()
    log = visma.control("GET", f"/requests?since={start}")
    told = [
        (asked["endpoint"], asked["operation"], asked["companies"], asked["tables"], asked["status"], asked["rows"])
        for asked in log["requests"]
    ]
    assert told == [
        ("graphql", "Lines", [7100002], ["generalLedgerTransaction"], 200, 20),
        ("graphql", "Accounts", [7100002], ["generalLedgerAccount"], 502, 0),
        ("token", None, [], [], 200, 0),
    ]
    text = json.dumps(visma.control("GET", "/requests"))
    assert visma.token not in text
    assert "simulator-secret" not in text
    visma.control("DELETE", "/requests")
    assert visma.control("GET", "/requests")["requests"] == []


def test_limits_change_while_it_runs(own_visma: Callable[..., Any]) -> None:
    visma = own_visma()
    visma.control("POST", "/limits", {"requests_per_minute": 1, "token_lifetime": 10})
    assert [visma.post(ACCOUNTS).status_code for _ in range(2)] == [200, 429]
    assert visma.http.post("/_control/limits", json={"speed": 1}).status_code == 400
