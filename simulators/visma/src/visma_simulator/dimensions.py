"""The dimensions a company uses: departments and projects as its vouchers have them, activities and regions that follow from those.

Eight of the twelve are not in use, as is usual.
"""

from array import array
from collections.abc import Iterable, Mapping
from typing import Any

from visma_simulator.columns import Texts
from visma_simulator.trade import UNITS1, UNITS2

ACTIVITIES = 3
REGIONS = ("NORD", "SØR")  # the keys of dimensions 7 to 12 are texts


def tables() -> dict[str, Iterable[Mapping[str, Any]]]:
    """The rows of all twelve registers."""
    used: dict[int, Iterable[tuple[int | str, str]]] = {
        1: ((number, f"Avdeling {number}") for number in range(1, UNITS1 + 1)),
        2: ((number, f"Prosjekt {number}") for number in range(1, UNITS2 + 1)),
        3: ((number, f"Aktivitet {number}") for number in range(1, ACTIVITIES + 1)),
        7: ((region, f"Region {region.title()}") for region in REGIONS),
    }
    return {
        f"OrgUnit{dimension}": [{f"orgUnit{dimension}No": key, "name": name} for key, name in used.get(dimension, ())]
        for dimension in range(1, 13)
    }


def derived(ledger: Mapping[str, "array[int]"], texts: Texts) -> dict[str, "array[int]"]:
    """What follows for each line: the activity from its project, the region from its department."""
    activities = [0, *(1 + project % ACTIVITIES for project in range(1, UNITS2 + 1))]
    codes = [texts.code(region) for region in REGIONS]
    regions = [0, *(codes[department % len(REGIONS)] for department in range(1, UNITS1 + 1))]
    return {
        "orgUnit3": array("b", map(activities.__getitem__, ledger["orgUnit2"])),
        "orgUnit7": array("i", map(regions.__getitem__, ledger["orgUnit1"])),
    }
