"""Which items a command means."""

import pytest

from contracts.sync import DataSet
from eventing.errors import Refused
from sync_worker.domain.choice import choose
from sync_worker.domain.plan import Planned

LINES, REPORTS, CUSTOMERS = DataSet.LEDGER_LINES, DataSet.A07_REPORTS, DataSet.CUSTOMERS
PLANNED = [
    *(Planned(data_set, label, ()) for data_set in (LINES, REPORTS) for label in ("2026-11", "2026-10")),
    Planned(CUSTOMERS, "", ()),
]


@pytest.mark.parametrize(
    ("periods", "data_sets", "with_whole", "meant"),
    [
        ([], [], False, PLANNED[:4]),
        ([], [], True, PLANNED),
        (["2026-10"], [], False, [PLANNED[1], PLANNED[3]]),
        (["2026-10"], [LINES], True, [PLANNED[1]]),
        ([], [CUSTOMERS], False, [PLANNED[4]]),
        (["2026-11"], [CUSTOMERS, LINES], False, [PLANNED[0], PLANNED[4]]),
    ],
)
def test_what_is_meant(periods: list[str], data_sets: list[DataSet], with_whole: bool, meant: list[Planned]) -> None:
    assert choose(PLANNED, periods, data_sets, with_whole=with_whole) == meant


def test_everything_unknown_is_named_with_what_there_is() -> None:
    with pytest.raises(Refused) as refused:
        choose(PLANNED, ["2026-10", "2019-01"], [DataSet.VAT_TERMS], with_whole=True)
    [period, data_set] = refused.value.errors
    assert (period.field, period.code, period.hint) == ("periods", "unknown_period", "It has 2026-11, 2026-10.")
    assert (data_set.field, data_set.code) == ("data_sets", "unknown_data_set")
    assert "vat_terms" in data_set.message
