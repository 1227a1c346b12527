"""A lock that one connection holds from when it is taken to when it goes back to its pool.

asyncpg asks the server to reset each connection that comes back, so that every unit of work ends with one more round trip. Nothing of ours
outlasts its transaction, except these locks: a pool made with ``reset=give_back`` asks only for them.
"""

import asyncpg

from eventing.work import Connection

_HOLDERS: set[int] = set()


async def locked(connection: Connection, number: int) -> bool:
    """True when nobody else holds the lock of this number in this database; then this connection does."""
    _HOLDERS.add(connection.get_server_pid())  # before the answer, which may be cancelled on its way
    return bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", number))


async def give_back(connection: asyncpg.Connection) -> None:
    """What a pool does with a connection that comes back; when it raises, the pool ends the connection, and the lock with it."""
    if connection.get_server_pid() in _HOLDERS:
        _HOLDERS.discard(connection.get_server_pid())
        await connection.reset()
