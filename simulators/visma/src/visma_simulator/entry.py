"""Entry journals: a batch of this month that waits for somebody to post it, and one that was forgotten in the month before."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from random import Random
from typing import Any

from visma_simulator import fiscal, vouchers
from visma_simulator.books import BANK, PAYABLES
from visma_simulator.scenario import Company

LEDGER, SUPPLIER = 3, 2


def tables(company: Company, seed: int, today: date) -> dict[str, Iterable[Mapping[str, Any]]]:
    """The batches and their vouchers."""
    random = Random(f"{seed}:{company.number}:entry")  # noqa: S311
    this_month = today.replace(day=1)
    waiting = [(1, this_month, "Inngående fakturaer"), (2, this_month - timedelta(days=1), "Gebyrer")]
    batches, lines = [], []
    for number, day, description in waiting:
        kind = vouchers.PURCHASE if number == 1 else vouchers.PAYMENT
        batches.append({"batchNo": number, "voucherSeriesNo": kind.series, "valueDate": fiscal.number(day), "description": description})
        for line in range(1, 2 + random.randint(1, 3)):
            amount = random.randint(10_000, 2_000_000)
            lines.append(
                {
                    "batchNo": number,
                    "lineNo": line,
                    "voucherDate": fiscal.number(day),
                    "valueDate": fiscal.number(day),
                    "debitAccountType": LEDGER,
                    "debitAccountNo": 6800 if number == 1 else 7770,
                    "creditAccountType": SUPPLIER if number == 1 else LEDGER,
                    "creditAccountNo": PAYABLES if number == 1 else BANK,
                    "amountDomestic": f"{amount // 100}.{amount % 100:02d}",
                    "text": description,
                }
            )
    return {"Batch": batches, "Voucher": lines}
