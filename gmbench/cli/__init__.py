"""The command line: thin wrappers that call a pure function and print its result."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line."""
    try:
        # A second of imports, in which somebody may think better of it.
        from gmbench.cli.app import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: nothing was begun.\n")
        sys.exit(130)


__all__ = ["main"]
