"""Memory that stays with a process which frees and asks for the same again at every step."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
"""Parameters of glibc's `mallopt`, as its header numbers them."""

_LARGEST_BLOCK = 32 * 2**20
"""Bytes; glibc takes no larger limit, and maps what is above it for itself."""


def keep_freed_memory() -> bool:
    """Lets the C library keep what is freed, in place of handing it back to the kernel.

    A step of a small network frees some 20 MB and allocates them again; on the way through the
    kernel each page is cleared and mapped anew, a sixth of the step's time. What the process
    computes stays the same. It keeps the most that it has ever used.

    Returns:
        Whether the library did so; only glibc, Linux's usual one, can be told to.
    """
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018 - musl has a `mallopt` that does nothing
        mallopt = library.mallopt
    except (OSError, TypeError, AttributeError):
        return False
    wanted = (
        (_MMAP_THRESHOLD, _LARGEST_BLOCK),
        (_TRIM_THRESHOLD, 2**31 - 1),
        (_TOP_PAD, 64 * 2**20),
    )
    return all(mallopt(parameter, value) == 1 for parameter, value in wanted)
