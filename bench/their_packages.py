"""What we measure ourselves against and nobody needs otherwise, each in an environment of its own beside the product's."""

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def python_with(name: str) -> Path:
    """The Python of ``.venv-<name>``, made from ``requirements-<name>.lock`` where it is missing or older."""
    lock, environment = HERE / f"requirements-{name}.lock", HERE / f".venv-{name}"
    made = environment / "lock"
    if not made.exists() or made.read_bytes() != lock.read_bytes():
        print(f"installing {lock.name} into {environment.name} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
        python = environment / "bin" / "python"
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "pip", "sync", "--quiet", "--python", python, "--require-hashes", lock], check=True)
        shutil.copy(lock, made)
    return environment / "bin" / "python"
