"""Whether this process is one of several that `accelerate launch` or `torchrun` started."""

from __future__ import annotations

import os

from gmbench.errors import GmbenchError


class LaunchError(GmbenchError):
    """A command for one process that was started in several."""


def n_processes() -> int:
    """Returns the number of processes that a launcher started; 1 without a launcher."""
    return _number("WORLD_SIZE", 1)


def is_first() -> bool:
    """Returns whether this is the process that writes and speaks for all."""
    # Without a launcher, a RANK is left over from something else.
    return n_processes() == 1 or _number("RANK", 0) == 0


def require_one_process(what: str) -> None:
    """Checks that there is only one process, for work that is done by one.

    Raises:
        LaunchError: There are several.
    """
    if n_processes() > 1:
        raise LaunchError(
            f"{what} works in one process, and was started in {n_processes()}. The training of a "
            "network, `gmbench train NAME`, alone is for `accelerate launch` and `torchrun`."
        )


def _number(name: str, otherwise: int) -> int:
    value = os.environ.get(name, "")
    return int(value) if value.isdecimal() else otherwise
