"""Runs org-service: ``python -m org_service``."""

from org_service.app import MIGRATIONS, build
from org_service.settings import Settings
from servicekit.service import Program, run

PROGRAM = Program(name="org-service", schema="org", migrations=MIGRATIONS, settings=Settings, build=build)

if __name__ == "__main__":
    run(PROGRAM)
