"""Runs visma-connector: ``python -m visma_connector``."""

from servicekit.service import Program, run
from visma_connector.app import MIGRATIONS, REBUILT, build
from visma_connector.settings import Settings

PROGRAM = Program(name="visma-connector", schema="connector", migrations=MIGRATIONS, settings=Settings, build=build, rebuilt=REBUILT)

if __name__ == "__main__":
    run(PROGRAM)
