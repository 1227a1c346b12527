"""``opsctl``, and ``python -m opsctl``."""

import sys


def main() -> None:
    """The program. Its parts take a second to load, and Ctrl-C during that second is to be as clean as later."""
    try:
        from opsctl.cli import cli  # noqa: PLC0415

        cli(prog_name="opsctl")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
