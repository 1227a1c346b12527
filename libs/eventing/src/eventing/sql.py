"""Named queries, kept as SQL in ``.sql`` files beside the code that runs them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiosql
from aiosql.adapters.asyncpg import AsyncPGAdapter


def queries(module_file: str, name: str) -> Any:
    """The queries of ``<name>.sql`` beside a module: ``queries(__file__, "outbox")``.

    A name that ends in ``^`` gives a row or None, in ``$`` a value, in ``!`` a status; a bare one is iterated with ``async for``.
    """
    adapter: Any = _Direct
    return aiosql.from_path(Path(module_file).with_name(f"{name}.sql"), adapter, mandatory_parameters=False)


class _Direct(AsyncPGAdapter):
    """Takes a pool for a connection, whose methods it has.

    The library's own adapter asks by ``dir()``, at every query, which of the two it was given, and that costs as much as the client's part.
    """

    def _in_order(self, name: str, parameters: Mapping[str, Any]) -> Sequence[Any]:
        return self.maybe_order_params(name, parameters)  # type: ignore[no-untyped-call,no-any-return]

    async def select(
        self, conn: Any, query_name: str, sql: str, parameters: Mapping[str, Any], record_class: Any = None
    ) -> AsyncIterator[Any]:
        del record_class
        for row in await conn.fetch(sql, *self._in_order(query_name, parameters)):
            yield row

    async def select_one(self, conn: Any, query_name: str, sql: str, parameters: Mapping[str, Any], record_class: Any = None) -> Any:
        del record_class
        return await conn.fetchrow(sql, *self._in_order(query_name, parameters))

    async def select_value(self, conn: Any, query_name: str, sql: str, parameters: Mapping[str, Any]) -> Any:
        return await conn.fetchval(sql, *self._in_order(query_name, parameters))

    async def insert_update_delete(self, conn: Any, query_name: str, sql: str, parameters: Mapping[str, Any]) -> Any:
        return await conn.execute(sql, *self._in_order(query_name, parameters))

    async def insert_update_delete_many(self, conn: Any, query_name: str, sql: str, parameters: Sequence[Mapping[str, Any]]) -> None:
        await conn.executemany(sql, [self._in_order(query_name, row) for row in parameters])
