"""Columns: whole numbers in compact arrays, and how each kind of column compares, and is written as JSON."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any, overload

import orjson

from visma_simulator import scalars

Test = Callable[[Any], bool]


class Texts:
    """Distinct texts, each with a number, so that a column of texts is an array of small numbers."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._codes: dict[str, int] = {}
        self.code("")

    def code(self, text: str) -> int:
        code = self._codes.setdefault(text, len(self.all))
        if code == len(self.all):
            self.all.append(text)
        return code


class Unset(Sequence[int]):
    """A column that is 0 in every row and takes no room."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[int]:
        return iter([0] * self.length)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        return 0 if isinstance(index, int) else [0] * len(range(*index.indices(self.length)))


class Column:
    """Whole numbers as they are. The other kinds change what is stored into what is compared and written."""

    def __init__(self, data: Sequence[int]) -> None:
        self.data = data

    def plain(self, stored: int) -> Any:
        """What filters and sorting see; None for null."""
        return stored

    def stored(self, value: Any) -> int:
        """The opposite of `plain`, for rows written through the control endpoint."""
        return int(value)

    def json(self, stored: int) -> str:
        return str(stored)

    def written(self, values: Sequence[int]) -> Sequence[object]:
        """Values as JSON texts. Most columns repeat few values, so each distinct one is written once."""
        text = {value: self.json(value) for value in set(values)}
        return [text[value] for value in values]

    def test(self, test: Test) -> Test:
        """A test of plain values as a test of stored ones; null passes no test."""
        return lambda stored: (value := self.plain(stored)) is not None and test(value)

    def take(self, chunk: range | list[int]) -> Sequence[int]:
        data = self.data
        return data[chunk.start : chunk.stop] if isinstance(chunk, range) else [data[row] for row in chunk]


class Whole(Column):
    def test(self, test: Test) -> Test:
        return test

    def written(self, values: Sequence[int]) -> Sequence[object]:
        return values


class Amount(Whole):
    """Øre, written in kroner."""

    def stored(self, value: Any) -> int:
        ore = scalars.ore(value)
        if not isinstance(ore, int):
            raise ValueError(f"{value} is finer than one øre")  # noqa: TRY004 - the value is wrong, not its type
        return ore

    def json(self, stored: int) -> str:
        return scalars.kroner(stored)

    def written(self, values: Sequence[int]) -> Sequence[object]:
        return [scalars.kroner(value) for value in values]


class Wording(Column):
    def __init__(self, data: Sequence[int], texts: Texts) -> None:
        super().__init__(data)
        self.texts = texts

    def plain(self, stored: int) -> str:
        return self.texts.all[stored]

    def stored(self, value: Any) -> int:
        return self.texts.code(str(value))

    def json(self, stored: int) -> str:
        return quoted(self.texts.all[stored])

    def test(self, test: Test) -> Test:
        return {code for code, text in enumerate(self.texts.all) if test(text)}.__contains__


class Numeral(Column):
    """A String column that holds digits: stored as the number, 0 is the empty text."""

    def plain(self, stored: int) -> str:
        return str(stored) if stored else ""

    def stored(self, value: Any) -> int:
        return int(value or 0)

    def json(self, stored: int) -> str:
        return f'"{stored}"' if stored else '""'


class Day(Column):
    """The AsDate twin of a yyyymmdd column; null when unset or not a date."""

    def plain(self, stored: int) -> int | None:
        try:
            date(stored // 10_000, stored // 100 % 100, stored % 100)
        except ValueError:
            return None
        return stored

    def json(self, stored: int) -> str:
        if self.plain(stored) is None:
            return "null"
        return f'"{stored // 10_000:04d}-{stored // 100 % 100:02d}-{stored % 100:02d}"'


class Moment(Column):
    """Microseconds since 1970 as DateTime with seven decimals, as datetime2 has. Null before `since`."""

    def __init__(self, data: Sequence[int], since: int = 1) -> None:
        super().__init__(data)
        self.since = since

    def plain(self, stored: int) -> int | None:
        return stored if stored >= self.since else None

    def json(self, stored: int) -> str:
        if stored < self.since:
            return "null"
        return f'"{scalars.moment_of(stored).isoformat(timespec="microseconds")}0"'


class MomentPart(Column):
    """The date or the time of day of an instant as one whole number (`%Y%m%d`, `%H%M`)."""

    def __init__(self, data: Sequence[int], pattern: str) -> None:
        super().__init__(data)
        self.pattern = pattern

    def plain(self, stored: int) -> int:
        return int(scalars.moment_of(stored).strftime(self.pattern)) if stored else 0

    def json(self, stored: int) -> str:
        return str(self.plain(stored))


class DayOfMoment(Column):
    """The day of an instant as Date."""

    def plain(self, stored: int) -> int | None:
        return scalars.day_number(scalars.moment_of(stored)) if stored else None

    def json(self, stored: int) -> str:
        return f'"{scalars.moment_of(stored):%Y-%m-%d}"' if stored else "null"


class Members(Column):
    """The named twin of a column of numbers or of bits."""

    def __init__(self, data: Sequence[int], names: dict[int, str], *, bits: bool) -> None:
        super().__init__(data)
        self.names, self.bits = names, bits

    def plain(self, stored: int) -> str | None:
        return self.names.get(stored)

    def json(self, stored: int) -> str:
        if self.bits:
            return orjson.dumps([name for bit, name in self.names.items() if stored & bit]).decode()
        return quoted(self.names[stored]) if stored in self.names else "null"


def quoted(text: str) -> str:
    return orjson.dumps(text).decode()


def nulls_first(value: Any) -> tuple[bool, Any]:
    """A sort key for plain values: null before everything, as the database sorts."""
    return value is not None, 0 if value is None else value
