"""Runs sync-worker: ``python -m sync_worker``."""

from servicekit.service import Program, run
from sync_worker.app import MIGRATIONS, REBUILT, build
from sync_worker.settings import Settings

PROGRAM = Program(name="sync-worker", schema="sync", migrations=MIGRATIONS, settings=Settings, build=build, rebuilt=REBUILT)

if __name__ == "__main__":
    run(PROGRAM)
