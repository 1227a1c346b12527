"""Who waits for others before a proof is asked for."""

from sync_worker.domain.datasets import DATASETS, LEDGER_LINES
from sync_worker.domain.proof_wait import AT_ONCE, LONGEST, proof_wait


def test_older_periods_of_a_first_retrieval_wait_for_each_other() -> None:
    assert proof_wait(LEDGER_LINES, rank=3, known=False) == LONGEST


def test_the_newest_period_and_what_was_proven_before_are_proven_at_once() -> None:
    assert proof_wait(LEDGER_LINES, rank=0, known=False) == AT_ONCE
    assert proof_wait(LEDGER_LINES, rank=3, known=True) == AT_ONCE


def test_what_has_no_periods_waits_for_nobody() -> None:
    others = [each for each in DATASETS.values() if not each.by_period]
    assert others
    assert {proof_wait(each, rank=3, known=False) for each in others} == {AT_ONCE}
