"""Reading a parser of any kind."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from gmbench.benchmark.catalog import TABLES
from gmbench.data.checksums import sha256_of
from gmbench.parsing.known_gms import KnownGMs
from gmbench.parsing.saving import ARRAYS, known_gms_of
from gmbench.training.parser_place import CONFIG, KNOWN_GMS, config_of, file_of, unreadable

if TYPE_CHECKING:
    from gmbench.training.checkpoint import ModelParserCheckpoint

SHIPPED = TABLES / "parser"
"""The parser that comes with the package; see docs/parser.md."""

_WEIGHTS = "model.safetensors"
"""The file of a network's weights, as `huggingface_hub` calls it."""


def load_parser(path: str | Path | None = None) -> KnownGMs | ModelParserCheckpoint:
    """Reads a parser from a folder, or from the Hub by its name.

    Args:
        path: Folder or name; the parser that comes with the package if None.

    Returns:
        The parser: either of known GMs, such as the package's own, or a network. Its
        `parse(images)` infers the 25 parameters of the GM that made the images.

    Raises:
        CheckpointError: There is no parser, or it cannot be read.
        MissingPackageError: The parser is a network, and torch is not installed.

    Examples:
        >>> import numpy as np
        >>> parser = load_parser()
        >>> parser.trained_on["n_gms"]
        176
        >>> parser.parse(np.zeros((2, 32, 32, 3), np.uint8)).n_images
        2
    """
    place = SHIPPED if path is None else path
    config = config_of(place)
    if config.get("method") != KNOWN_GMS:
        # torch takes two seconds to import, and the package's own parser does not need it.
        from gmbench.training.checkpoint import load_checkpoint

        return load_checkpoint(place)
    try:
        return known_gms_of(config, file_of(place, ARRAYS))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise unreadable(place, error) from error


def parser_sha256(path: str | Path | None = None) -> str:
    """Returns a SHA-256 of everything a parser consists of, distinguishing it from any other.

    Args:
        path: As in `load_parser`.

    Raises:
        CheckpointError: There is no parser, or it cannot be read.
    """
    place = SHIPPED if path is None else path
    weights = ARRAYS if config_of(place).get("method") == KNOWN_GMS else _WEIGHTS
    try:
        sums = [sha256_of(file_of(place, name)) for name in (CONFIG, weights)]
    except OSError as error:
        raise unreadable(place, error) from error
    return hashlib.sha256("".join(sums).encode()).hexdigest()
