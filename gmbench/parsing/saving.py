"""The parser of known GMs as a folder: arrays in `parser.npz`, everything else in `config.json`.

Never pickle: arrays are read with `allow_pickle=False`, and their consistency is checked before an
image is looked at.
"""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmbench.errors import LONGEST_NAME
from gmbench.files import json_text, write_whole
from gmbench.parsing.distances import Distances
from gmbench.parsing.known_gms import KnownGMs
from gmbench.parsing.surety import Surety
from gmbench.schema import N_CONTINUOUS
from gmbench.training.discriminants import Discriminants
from gmbench.training.leaf_trees import LeafTrees
from gmbench.training.parsed import LabelSpace
from gmbench.training.parser_place import KNOWN_GMS, training_facts
from gmbench.training.relatives import Relatives
from gmbench.training.residual_features import N_RESIDUAL
from gmbench.training.spectral_features import N_FEATURES
from gmbench.version import __version__

ARRAYS = "parser.npz"
MOST_BYTES = 2**28
"""Arrays that take more when decompressed are not read."""

_FORMAT = 1

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
"""By version of NumPy's format; the third is for names of fields, which no array here has."""


def save_parser(parser: KnownGMs, folder: Path) -> None:
    """Writes a parser into a folder, which is created if needed.

    Raises:
        WriteError: The folder cannot be written to.
    """
    arrays = {
        **parser.relatives.trees.to_arrays(),
        **parser.relatives.discriminants.to_arrays(),
        **parser.distances.to_arrays(),
        "values": parser.values,
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    config = {
        "method": KNOWN_GMS,
        "format": _FORMAT,
        "gmbench": __version__,
        "licence": "MIT",
        "gms": parser.names,
        "labels": asdict(parser.labels),
        "real_from": parser.real_from,
        "surety": parser.surety.to_dict(),
        "trained_on": parser.trained_on,
    }
    write_whole(folder / ARRAYS, buffer.getvalue())
    write_whole(folder / "config.json", json_text(config))


def known_gms_of(config: Mapping[str, Any], file: Path) -> KnownGMs:
    """Makes a parser from its configuration and its arrays.

    Args:
        config: Content of `config.json`.
        file: `parser.npz`.

    Raises:
        KeyError: Something is missing.
        ValueError: Something is damaged, inconsistent, or takes too much memory.
        OSError: The file cannot be read.
    """
    if config["format"] != _FORMAT:
        raise ValueError(f"its format is {config['format']}, this gmbench reads {_FORMAT}")
    arrays = _read(file)
    names = tuple(str(name) for name in config["gms"])
    values = arrays["values"].astype(float)
    labels = LabelSpace.from_dict(config["labels"])
    n_all = len(arrays["threshold_of_gm"])
    trees = LeafTrees.from_arrays(arrays, n_all)
    parser = KnownGMs(
        names=names,
        values=values,
        labels=labels,
        relatives=Relatives(trees, Discriminants.from_arrays(arrays, n_all)),
        distances=Distances.from_arrays(arrays),
        surety=Surety.from_dict(config["surety"]),
        real_from=float(config["real_from"]),
        trained_on=training_facts(config["trained_on"]),
    )
    n_features = len(parser.distances.mean)
    if n_features != N_FEATURES + N_RESIDUAL:
        raise ValueError(
            f"it was trained on {n_features} features of an image, and this gmbench computes "
            f"{N_FEATURES + N_RESIDUAL}"
        )
    classes = values[:, N_CONTINUOUS:] if values.ndim == 2 else values
    sound = (
        classes.shape == (len(names), len(labels.n_classes))
        and 0 < len(names) <= n_all
        and bool(np.isfinite(values).all())
        and bool(((classes >= 0) & (classes < labels.n_classes)).all())
        and bool(np.isfinite((parser.real_from, *parser.surety.distances)).all())
        and bool((trees.leaves.data >= 0).all() and np.isfinite(trees.leaves.data).all())
        and all(name.isprintable() and len(name) <= LONGEST_NAME for name in names)
        and len(parser.relatives.discriminants.mean) == n_features
        and int(trees.feature.max()) < n_features
    )
    if not sound:
        raise ValueError("its arrays do not go together")
    return parser


def _read(file: Path) -> dict[str, NDArray[Any]]:
    try:
        with zipfile.ZipFile(file) as archive:
            _check_size(sum(entry.file_size for entry in archive.infolist()))
            # Memory is allocated as an array's header demands, however short the array is.
            _check_size(sum(_declared(archive, entry) for entry in archive.infolist()))
        with np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        # The last two: compressed in a way that Python does not know, or with a password.
        raise ValueError(f"{file.name} is damaged") from error


def _check_size(size: int) -> None:
    if size > MOST_BYTES:
        raise ValueError(f"its arrays take {size:,} bytes; at most {MOST_BYTES:,} are read")


def _declared(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> int:
    """Returns the size in bytes that the header of an array declares."""
    with archive.open(entry) as packed:
        version = np.lib.format.read_magic(packed)
        if version not in _HEADERS:
            raise ValueError(f"{entry.filename} is no array that is read")
        shape, _, dtype = _HEADERS[version](packed)
    return math.prod(shape) * dtype.itemsize
