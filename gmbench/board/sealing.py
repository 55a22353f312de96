"""Sealed entries of a live round: first a hash, after the deadline the file that it commits to.

Entries are public files. If they contained predictions before the deadline, anyone could enter
those under another name. An entry is therefore first `sealed.json`, which reveals nothing, and
after the deadline the prediction file with the nonce that the hash was made with:

```
sha256(nonce, sha256("ROUND/WHO"), sha256(prediction file))
```

The entry's name is part of the hash, so a copied hash cannot be opened under another name.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from pathlib import Path

from gmbench.board.board import PREDICTIONS, Board, BoardError, is_safe
from gmbench.board.free_names import require_free
from gmbench.board.rounds import CLOSED, REVEALED, read_closed, read_round, round_folder
from gmbench.files import json_text, parse_json, write_whole

SEALED, NONCE = "sealed.json", "nonce.txt"
PREDICTION_FILES = (PREDICTIONS, "predictions.csv")
"""Possible names of an entry's prediction file."""

_HASH = re.compile(r"[0-9a-f]{64}")
_LONGEST = 1000
"""Maximum size of a file with a sealed hash or nonce, in bytes; larger files are not read."""


def seal_of(nonce: bytes, name: str, who: str, content: bytes) -> str:
    """Returns the hash that binds an entry to its prediction file.

    Args:
        nonce: Prevents anyone from trying predictions until the hash matches.
        name: Name of the round.
        who: Name of the entry.
        content: The prediction file's bytes.
    """
    digest = hashlib.sha256(nonce)
    for part in (f"{name}/{who}".encode(), content):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def seal_entry(board: Board, name: str, who: str, file: Path, nonce_file: Path) -> Path:
    """Writes the hash of a prediction file as an entry, and stores its nonce elsewhere.

    Args:
        board: The leaderboard.
        name: Name of the round.
        who: Name of the entry.
        file: The prediction file; it stays where it is.
        nonce_file: Where to store the nonce, outside the board; it is needed to open the entry.

    Returns:
        The file with the hash.

    Raises:
        BoardError: The round is closed, or a name or file cannot be used.
        WriteError: A file cannot be written.
    """
    entry = entry_folder(board, name, who)
    if (round_folder(board, name) / CLOSED).exists():
        raise BoardError(f"{name} is closed: what is sealed now is too late. Enter another round.")
    # When the round is revealed, the entry becomes a submission.
    require_free(board, who, entry=entry)
    if nonce_file.resolve().is_relative_to(board.folder.resolve()):
        raise BoardError(
            f"{nonce_file} lies in {board.folder}, which is published. Keep it elsewhere."
        )
    content = _content(file)
    nonce = secrets.token_bytes(32)
    try:
        # An existing nonce opens an earlier entry, so it is not overwritten.
        handle = os.open(nonce_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as opened:
            opened.write(nonce.hex() + "\n")
    except OSError as error:
        raise BoardError(
            f"The nonce {nonce_file} cannot be written ({error.strerror}). "
            "Give another --nonce-file."
        ) from error
    sealed = json_text({"sha256": seal_of(nonce, name, who, content)})
    try:
        write_whole(entry / SEALED, sealed)
    except BaseException:
        nonce_file.unlink()
        raise
    return entry / SEALED


def open_entry(board: Board, name: str, who: str, file: Path, nonce_file: Path) -> Path:
    """Adds a prediction file and its nonce to the entry whose hash was made from them.

    Returns:
        The prediction file on the board.

    Raises:
        BoardError: The round still accepts entries, there is no sealed entry, or file and nonce do
            not match its hash.
        WriteError: A file cannot be written.
    """
    entry = entry_folder(board, name, who)
    if not (round_folder(board, name) / CLOSED).exists():
        raise BoardError(
            f"{name} is not closed: what is opened now can be copied. Open it when "
            f"{round_folder(board, name) / CLOSED} is there."
        )
    sealed, nonce, content = read_sealed(entry), read_nonce(nonce_file), _content(file)
    if seal_of(nonce, name, who, content) != sealed:
        raise BoardError(
            f"{file} and {nonce_file} do not make the hash in {entry / SEALED}. Give the very file "
            "that was sealed, its bytes unchanged, and the nonce of that sealing."
        )
    with file.open("rb") as opened:
        is_parquet = opened.read(4) == b"PAR1"
    place = entry / PREDICTION_FILES[0 if is_parquet else 1]
    write_whole(entry / NONCE, nonce.hex() + "\n")
    write_whole(place, content)
    return place


def close_round(board: Board, name: str) -> dict[str, str]:
    """Closes a round to further entries by recording the hash of every entry so far.

    Entries without a sound hash are not recorded; `gmbench leaderboard round validate` says what
    is wrong with them.

    Returns:
        The hash of each entry, by name.

    Raises:
        BoardError: There is no such round, or it is already closed.
        WriteError: A file cannot be written.
    """
    read_round(board, name)
    folder = round_folder(board, name)
    if (folder / CLOSED).exists() or (folder / REVEALED).exists():
        raise BoardError(f"{name} is closed already. {folder / CLOSED} says which entries it has.")
    hashes = {}
    for entry in sorted((folder / "entries").glob("*")):
        try:
            hashes[entry.name] = read_sealed(entry_folder(board, name, entry.name))
        except BoardError:
            continue
    write_whole(folder / CLOSED, json_text({"entries": hashes}))
    return hashes


def require_opened(board: Board, name: str, who: str, file: Path) -> None:
    """Checks that an opened entry is the one that was sealed in time.

    Raises:
        BoardError: It was not sealed in time, its hash has changed since, or file and nonce do not
            match the hash.
    """
    entry = entry_folder(board, name, who)
    sealed = read_sealed(entry)
    require_in_time(board, name, who, sealed)
    if seal_of(read_nonce(entry / NONCE), name, who, _content(file)) != sealed:
        raise BoardError(
            f"{file.name} and {NONCE} of {who} do not make the hash that was sealed. Let "
            "`gmbench leaderboard round open` put the very file there that was sealed."
        )


def require_in_time(board: Board, name: str, who: str, sealed: str) -> None:
    """Checks that a hash is the one recorded when the round was closed.

    Raises:
        BoardError: It is not, or the round is not closed.
    """
    hashes = read_closed(board, name)
    if hashes.get(who) != sealed:
        what = "was changed after" if who in hashes else "was not there at"
        raise BoardError(
            f"The hash of {who} {what} the deadline. Only what was sealed in time is scored: put "
            "back what was, or enter another round."
        )


def read_sealed(entry: Path) -> str:
    """Returns the hash of an entry.

    Raises:
        BoardError: The hash is missing or damaged.
    """
    path = entry / SEALED
    try:
        data = parse_json(_short_text(path))
    except ValueError:
        data = None
    found = data.get("sha256") if isinstance(data, dict) else None
    if not isinstance(found, str) or not _HASH.fullmatch(found):
        raise BoardError(
            f"{entry.name} needs {SEALED} with a hash. `gmbench leaderboard round seal` writes it."
        )
    return found


def read_nonce(path: Path) -> bytes:
    """Reads a nonce from its file.

    Raises:
        BoardError: The nonce is missing or damaged.
    """
    text = _short_text(path).strip()
    if not _HASH.fullmatch(text):
        raise BoardError(
            f"{path} holds no nonce of 64 hexadecimal digits. Give the file that "
            "`gmbench leaderboard round seal` wrote."
        )
    return bytes.fromhex(text)


def entry_folder(board: Board, name: str, who: str) -> Path:
    """Returns the folder of an entry, which need not exist.

    Raises:
        BoardError: There is no such round, or the name is not safe as a folder name.
    """
    read_round(board, name)
    if not is_safe(who):
        raise BoardError(
            f"{who!r} cannot be the name of an entry: take letters, digits, - and _, at most 64."
        )
    return round_folder(board, name) / "entries" / who


def _short_text(path: Path) -> str:
    try:
        if path.is_symlink() or path.stat().st_size > _LONGEST:
            return ""
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BoardError(
            f"{file} cannot be read ({error.strerror}). Give the prediction file."
        ) from error
