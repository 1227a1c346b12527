"""Metrics, dashboards, alerts and runbooks agree with each other and with what the code declares."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from local_stack import metrics_page

ROOT = Path(__file__).parents[2]
RULES = [
    rule
    for group in yaml.load((ROOT / "deploy/alerts/accountflow.rules.yaml").read_text("utf-8"), yaml.CSafeLoader)["groups"]
    for rule in group["rules"]
]
PANELS = [
    panel for panel in json.loads((ROOT / "deploy/dashboards/accountflow.json").read_text("utf-8"))["panels"] if panel["type"] != "row"
]
RUNBOOKS = ROOT / "docs" / "runbooks"
OF_THE_CLIENT_LIBRARY = {"up", "process_resident_memory_bytes", "process_cpu_seconds_total"}


def series() -> dict[str, set[str]]:
    """The names that `/metrics` shows, with the labels of each."""
    shown: dict[str, set[str]] = {name: {"job", "instance"} for name in OF_THE_CLIENT_LIBRARY}
    for metrics in metrics_page.declared().values():
        for metric in metrics:
            (family,) = metric.describe()
            labels = {"job", "instance", *metric._labelnames}
            endings = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
            shown |= {family.name + ending: labels | ({"le"} if ending == "_bucket" else set()) for ending in endings}
    return shown


def expressions() -> dict[str, str]:
    """Every PromQL expression by where it stands, Grafana's variables filled in as Grafana does."""
    drawn = {
        f"{panel['title']}: {target['legendFormat']}": target["expr"].replace("$__rate_interval", "5m").replace("$service", ".+")
        for panel in PANELS
        for target in panel["targets"]
    }
    return drawn | {rule["alert"]: rule["expr"] for rule in RULES}


def selectors(node: Any) -> Iterator[Any]:
    """The vector selectors of a parsed expression."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for name in ("lhs", "rhs", "expr", "param", "args", "vector_selector", "vs"):
        below = getattr(node, name, None)
        for each in below if isinstance(below, list) else [below]:
            if each is not None:
                yield from selectors(each)


def test_the_page_of_metrics_is_what_the_code_declares() -> None:
    assert metrics_page.PAGE.read_text("utf-8") == metrics_page.text(), "run `make contracts`"


def test_every_metric_says_what_a_rise_means() -> None:
    silent = [
        metric for metrics in metrics_page.declared().values() for metric in metrics if "rise" not in metric.describe()[0].documentation
    ]
    assert silent == []


@pytest.mark.parametrize(("where", "expression"), expressions().items(), ids=expressions().keys())
def test_every_expression_can_be_read_and_names_what_is_shown(where: str, expression: str) -> None:
    shown = series()
    found = list(selectors(promql_parser.parse(expression)))
    assert found, where
    for selector in found:
        assert selector.name in shown
        assert {matcher.name for matcher in selector.matchers.matchers} <= shown[selector.name]


def test_every_declared_metric_is_drawn() -> None:
    drawn = {selector.name for expression in expressions().values() for selector in selectors(promql_parser.parse(expression))}
    undrawn = {
        family.name
        for metrics in metrics_page.declared().values()
        for metric in metrics
        for family in metric.describe()
        if not any(name.startswith(family.name) for name in drawn)
    }
    assert undrawn == set()


def test_panels_explain_themselves_and_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        assert panel["description"], panel["title"]
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert all(x < 24 for x, _ in cells)
        taken |= cells
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


def test_every_alert_is_tried_on_series_that_fire_it() -> None:
    cases = yaml.load((ROOT / "deploy/alerts/accountflow.test.yaml").read_text("utf-8"), yaml.CSafeLoader)["tests"]
    fired = {tried["alertname"] for case in cases for tried in case["alert_rule_test"] if tried["exp_alerts"]}
    assert fired == {rule["alert"] for rule in RULES}


def test_every_alert_has_its_runbook_and_every_runbook_its_alert() -> None:
    assert {rule["alert"] for rule in RULES} == {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"}
    for rule in RULES:
        page = RUNBOOKS / f"{rule['alert']}.md"
        assert rule["annotations"]["runbook"] == page.relative_to(ROOT).as_posix()
        assert rule["labels"]["severity"] in {"page", "ticket"}
        headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
        assert headings == [rule["alert"], "What it means", "How to look", "What to do"]
