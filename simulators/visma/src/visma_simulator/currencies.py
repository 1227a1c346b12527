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
    rates = {party: RATE if is_foreign(party) else ONE for party in set(parties)}
    rate = array("h", map(rates.__getitem__, parties))
    found = {
        name: array("q", (amount if each == ONE else amount * ONE // each for amount, each in zip(kroner, rate, strict=True)))
        for name, kroner in amounts.items()
    }
    return found | {"exchangeRate": rate, "currencyNo": array("h", map({ONE: 0, RATE: EURO}.__getitem__, rate))}
