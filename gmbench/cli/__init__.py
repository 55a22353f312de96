"""The command line: thin wrappers that call a pure function and print its result."""

from gmbench.cli.app import main

__all__ = ["main"]
