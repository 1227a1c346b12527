"""``python -m local_stack.environment`` writes ``.env.example`` from the settings of every service."""

from importlib import import_module
from pathlib import Path

from local_stack.programs import PROGRAMS
from servicekit.configuration import env_example

EXAMPLE = Path(__file__).parents[4] / ".env.example"


def text() -> str:
    """Every setting of every service, with its description and a value that works locally."""
    services = {program.name: program.module for program in PROGRAMS if program.owns_database}
    return env_example({name: import_module(f"{module}.settings").Settings for name, module in services.items()})


if __name__ == "__main__":
    EXAMPLE.write_text(text(), encoding="utf-8")
