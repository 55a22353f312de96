"""The secret of a live round, and values derived from it that reveal nothing about it."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from gmbench.board.board import BoardError


@dataclass(frozen=True, slots=True)
class Seeds:
    """Seeds of the population of a round: 256 bits each; neither reveals the other.

    With few bits, anyone could draw every possible population and keep the one whose contents and
    shapes are those in the published images.

    Attributes:
        population: Seed of the GMs and of the test sets.
        contents: Seed of what the GMs are trained on.
    """

    population: int
    contents: int


def read_secret(path: Path, *, make: bool = False) -> bytes:
    """Reads the secret of a round, or creates one that only its owner can read.

    Raises:
        BoardError: There is no secret, it cannot be created, or it is too short.
    """
    made = False
    try:
        if make and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            made = True
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_hex(32) + "\n")
        secret = path.read_bytes().strip()
    except OSError as error:
        if made:
            path.unlink(missing_ok=True)  # A partial secret is useless.
        remedy = "Give another --seed-file." if make else "`round new` makes one."
        raise BoardError(
            f"The secret {path} cannot be {'made or ' if make else ''}read ({error.strerror}). "
            f"{remedy}"
        ) from error
    if len(secret) < 32:
        raise BoardError(
            f"{path} has {len(secret)} bytes; a secret that nobody guesses has 32 or more. "
            "Name a file that does not exist yet, and one is made."
        )
    return secret


def derived(secret: bytes, name: str, what: str) -> bytes:
    """Returns 32 bytes derived from a round's secret that reveal nothing about it."""
    return hmac.new(secret, f"gmbench round {name}: {what}".encode(), hashlib.sha256).digest()


def seeds_of(secret: bytes, name: str) -> Seeds:
    """Returns the seeds of a round's population."""
    return Seeds(
        *(int.from_bytes(derived(secret, name, what), "big") for what in ("population", "contents"))
    )
