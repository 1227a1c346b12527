"""``python -m local_stack.metrics_page`` writes ``docs/metrics.md`` from the metrics that every package declares."""

from importlib import import_module
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from local_stack.programs import PROGRAMS

PAGE = Path(__file__).parents[4] / "docs" / "metrics.md"
SHARED = ("servicekit", "eventing")
"""Packages whose metrics every service shows."""

_HEAD = """# Metrics

What each service shows at `/metrics`, and what a rise means. Written by `make contracts` from the `metrics.py` of each package; Prometheus
adds `job` and `instance`. Figures of the process itself (`process_*`, `python_*`) come from the client library.
"""


def declared() -> dict[str, list[MetricWrapperBase]]:
    """The metrics of each package, by the package's name, in the order of declaration."""
    services = [program.module for program in PROGRAMS if program.owns_database]
    modules = {package: import_module(f"{package}.metrics") for package in (*SHARED, *services)}
    return {package: [each for each in vars(module).values() if isinstance(each, MetricWrapperBase)] for package, module in modules.items()}


def text() -> str:
    """The page."""
    sections = [_HEAD]
    for package, metrics in declared().items():
        shown_by = "every service" if package in SHARED else package.replace("_", "-")
        sections.append(f"## {package}, shown by {shown_by}\n\n| Metric | Kind | Labels | What it says |\n|---|---|---|---|")
        sections[-1] += "".join(f"\n{_row(metric)}" for metric in metrics) + "\n"
    return "\n".join(sections)


def _row(metric: MetricWrapperBase) -> str:
    (family,) = metric.describe()
    name = family.name + ("_total" if family.type == "counter" else "")
    labels = ", ".join(f"`{label}`" for label in getattr(metric, "_labelnames", ()))  # there is no public way to ask for them
    return f"| `{name}` | {family.type} | {labels} | {family.documentation} |"


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
