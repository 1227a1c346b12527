"""One pass over the rows of a work item: how far it is, and when it has seen everything."""

from collections.abc import Sequence

Key = tuple[int | str, ...]


class NotInOrder(Exception):
    """The source gave rows that do not come after those it was asked to go on from; going on would never end."""

    def __init__(self, cursor: Key, last: Key) -> None:
        self.cursor = cursor
        self.last = last
        super().__init__(f"asked for the rows after {cursor}, the answer ends at {last}")


def seen_all(*, page_rows: int, has_more: bool, scanned: int, expected: int | None) -> bool:
    """Whether the scan ends with this page. A short page is not believed to be the last while rows are missing; an empty one is."""
    if page_rows == 0:
        return True
    return not has_more and (expected is None or scanned >= expected)


def check_order(cursor: Sequence[int | str] | None, last: Key | None) -> None:
    """Raise `NotInOrder` unless the page moved on. Which of two texts comes first is for Visma's collation to say, not for us."""
    if cursor is None or last is None:
        return
    before, after = next(((one, other) for one, other in zip(cursor, last, strict=True) if one != other), (0, 0))
    if before == after or (isinstance(before, int) and isinstance(after, int) and before > after):
        raise NotInOrder(tuple(cursor), last)
