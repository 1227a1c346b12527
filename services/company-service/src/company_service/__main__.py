"""Runs company-service: ``python -m company_service``."""

from company_service.app import MIGRATIONS, build
from company_service.settings import Settings
from servicekit.service import Program, run

PROGRAM = Program(name="company-service", schema="company", migrations=MIGRATIONS, settings=Settings, build=build)

if __name__ == "__main__":
    run(PROGRAM)
