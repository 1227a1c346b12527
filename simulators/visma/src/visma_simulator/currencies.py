"""Foreign currency: some suppliers are paid in euro, at one rate for good; everything is booked in kroner all the same."""

from array import array
from collections.abc import Mapping, Sequence

from visma_simulator.trade import FIRST_SUPPLIER

EURO, RATE, ONE = 978, 1150, 100  # the number of the currency is our guess; rates in hundredths
FOREIGN = 5  # every fifth supplier


def is_foreign(party: int) -> bool:
    """Whether this customer or supplier is invoiced in euro."""
    return party > FIRST_SUPPLIER and party % FOREIGN == 0


def columns(parties: Sequence[int], amounts: Mapping[str, Sequence[int]]) -> dict[str, "array[int]"]:
    """Currency and rate of each row, and the amounts given in kroner (øre) as they are in that currency (cents), under their names."""
    foreign = list(map({party: is_foreign(party) for party in set(parties)}.__getitem__, parties))
    found = {
        "currencyNo": array("h", [EURO if each else 0 for each in foreign]),
        "exchangeRate": array("h", [RATE if each else ONE for each in foreign]),
    }
    for name, kroner in amounts.items():
        found[name] = array("q", [amount * ONE // RATE if each else amount for amount, each in zip(kroner, foreign, strict=True)])
    return found
