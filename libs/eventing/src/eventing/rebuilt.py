"""What messages alone make of a service's database: which rows of a rebuilt one must be those of the live one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eventing.sql import queries
from eventing.state import quoted
from eventing.work import Connection

_STATE = queries(__file__, "state")

CORE: Mapping[str, Sequence[str]] = {
    "eventing.stream_in": ("source", "topic", "subject", "last_sequence"),
    "eventing.stream_out": ("topic", "subject", "last_sequence"),
    # Not the words of an outcome or of an error: they are those of the release that wrote them.
    "eventing.command": ("id", "fingerprint", "outcome_type"),
    "eventing.dead_letter": ("topic", "partition", "offset", "reason"),
}
"""What came in, how much went out, what was answered, what could not be read."""

_NOT_COMPARED = {"eventing.dead_letter": "reason = 'parked'"}  # what became of it does not follow from its topic


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """Without ``only``: all of the service's own tables, and `CORE`. ``because`` says why a service's other columns do not follow."""

    only: Mapping[str, Sequence[str]] | None = None
    because: str = ""

    async def rows(self, connection: Connection) -> dict[str, str]:
        """The tables that are compared, for `state_of`."""
        return {
            name: f"SELECT ROW({', '.join(compared)}) AS r FROM {quoted(*name.split('.', 1))}"  # noqa: S608
            f" WHERE NOT ({_NOT_COMPARED.get(name, 'false')})"
            for name, columns in (await _columns(connection)).items()
            if (compared := [sql for column, sql in columns.items() if self._follows(name, column)])
        }

    async def left_out(self, connection: Connection) -> list[str]:
        """The service's own columns, and tables that have no other, of which the proof says nothing."""
        out = []
        for name, columns in (await _columns(connection)).items():
            if not name.startswith("eventing."):
                missing = [column for column in columns if not self._follows(name, column)]
                out += [name] if len(missing) == len(columns) else [f"{name}.{column}" for column in missing]
        return out

    def _follows(self, table: str, column: str) -> bool:
        if self.only is not None:
            return column in self.only.get(table, ())
        return not table.startswith("eventing.") or column in CORE.get(table, ())


EVERYTHING = Rebuilt()
"""For a service whose state follows from messages alone."""


async def _columns(connection: Connection) -> dict[str, dict[str, str]]:
    tables: dict[str, dict[str, str]] = {}
    async for row in _STATE.columns(connection):
        tables.setdefault(f"{row['schema_name']}.{row['table_name']}", {})[row["column_name"]] = row["compared"]
    return tables
