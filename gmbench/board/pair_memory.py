"""Cache of compared pairs of methods, in one file of the user's own cache folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmbench.files import WriteError

FILE = "pairs.sqlite"

Numbers = NDArray[np.float64]
"""Difference, ends of its interval and p-value per metric, shape (metrics, 4); NaN for None."""


def recall_pairs(cache: Path, keys: Iterable[str]) -> dict[str, Numbers]:
    """Returns the pairs stored under the given keys; a damaged file counts as empty."""
    found = {}
    try:
        with _opened(cache) as memory:
            for key in keys:
                for (data,) in memory.execute("SELECT data FROM pairs WHERE key = ?", (key,)):
                    found[key] = np.frombuffer(data, dtype="<f8").reshape(-1, 4)
    except (OSError, sqlite3.DatabaseError, ValueError, TypeError):
        with suppress(OSError):
            (cache / FILE).unlink()
        return {}
    return found


def remember_pairs(cache: Path, pairs: Mapping[str, Numbers]) -> None:
    """Stores pairs, each under a key that identifies everything it depends on.

    Raises:
        WriteError: The system refused.
    """
    try:
        with _opened(cache) as memory, memory:
            memory.executemany(
                "INSERT OR REPLACE INTO pairs VALUES (?, ?)",
                [(key, data.astype("<f8").tobytes()) for key, data in pairs.items()],
            )
    except (OSError, sqlite3.Error) as error:
        raise WriteError(
            f"{cache / FILE} cannot be written ({error}). Make room, or name another folder with "
            "GMBENCH_HOME."
        ) from error


@contextmanager
def _opened(cache: Path) -> Iterator[sqlite3.Connection]:
    cache.mkdir(parents=True, exist_ok=True)
    try:
        memory = _connection(cache / FILE)
    except sqlite3.DatabaseError:
        # The file is damaged: its pairs are computed again.
        (cache / FILE).unlink(missing_ok=True)
        memory = _connection(cache / FILE)
    with closing(memory):
        yield memory


def _connection(file: Path) -> sqlite3.Connection:
    memory = sqlite3.connect(file, timeout=60)
    try:
        memory.execute("CREATE TABLE IF NOT EXISTS pairs (key TEXT PRIMARY KEY, data BLOB)")
    except sqlite3.DatabaseError:
        memory.close()
        raise
    return memory
