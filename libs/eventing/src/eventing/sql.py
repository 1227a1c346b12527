"""Named queries, kept as SQL in ``.sql`` files beside the code that runs them."""

from pathlib import Path
from typing import Any

import aiosql


def queries(module_file: str, name: str) -> Any:
    """The queries of ``<name>.sql`` beside a module: ``queries(__file__, "outbox")``.

    A name that ends in ``^`` gives a row or None, in ``$`` a value, in ``!`` a status; a bare one is iterated with ``async for``.
    """
    return aiosql.from_path(Path(module_file).with_name(f"{name}.sql"), "asyncpg", mandatory_parameters=False)
