"""The question for the next page, as those ask it that are not ours."""

from typing import Any


def where(year: int, period: int, after: tuple[int, int] | None) -> dict[str, Any]:
    """The lines of an accounting period after a key."""
    conditions: list[dict[str, Any]] = [{"year": {"_eq": year}}, {"period": {"_eq": period}}]
    if after:
        journal, audit = after
        rest = {"_and": [{"voucherJournalNo": {"_eq": journal}}, {"auditNo": {"_gt": audit}}]}
        conditions.append({"_or": [{"voucherJournalNo": {"_gt": journal}}, rest]})
    return {"_and": conditions}
