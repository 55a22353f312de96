"""The command line: thin wrappers that call a pure function and print its result."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line."""
    try:
        # Imports take a second, during which the user may press Ctrl-C.
        from gmbench.cli.app import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: nothing was begun.\n")
        sys.exit(130)


__all__ = ["main"]
