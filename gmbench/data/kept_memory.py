"""Keeps memory in a process that frees it and allocates the same amount again at every step."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
"""Parameters of glibc's `mallopt`, as its header numbers them."""

_LARGEST_BLOCK = 32 * 2**20
"""In bytes; glibc accepts no larger limit, and maps blocks above it separately."""


def keep_freed_memory() -> bool:
    """Lets the C library keep freed memory instead of returning it to the kernel.

    A step of a small network frees about 20 MB and allocates them again; if they go through the
    kernel, each page is cleared and mapped anew, which takes a sixth of the step's time. What the
    process computes stays the same. It keeps the most memory that it has ever used.

    Returns:
        Whether the library does so; only glibc, the usual one on Linux, can be told to.
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
