"""Opens a built dataset by its folder, its name, or its name on the Hub."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from gmbench.benchmark.benchmark import MINI116, read_benchmark
from gmbench.data.build import DEFAULT_NAME, build_dataset
from gmbench.data.dataset_folder import check_path
from gmbench.data.features import TRAIN, configurations
from gmbench.data.real_images import REAL
from gmbench.errors import DatasetError, HubError, UnknownNameError, first_line, printable

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict, IterableDataset, IterableDatasetDict

_ON_THE_HUB = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def cache_folder() -> Path:
    """Returns the folder of datasets found by name: `GMBENCH_HOME` or `~/.cache/gmbench`.

    Raises:
        DatasetError: Neither `GMBENCH_HOME` nor `HOME` is set, and the system knows no home.
    """
    if chosen := os.environ.get("GMBENCH_HOME"):
        return Path(chosen)
    try:
        return Path.home() / ".cache" / "gmbench"
    except RuntimeError as error:
        raise DatasetError(
            "There is no home folder to keep things in. Set GMBENCH_HOME to a folder."
        ) from error


def load_dataset(
    path_or_name: str | Path = DEFAULT_NAME,
    config: str = "set_1",
    split: str | None = None,
    streaming: bool = False,
) -> Dataset | DatasetDict | IterableDataset | IterableDatasetDict:
    """Opens a dataset, as `datasets.load_dataset` does.

    Without `streaming`, `datasets` copies the shards into its own cache on first use. After
    streaming, Arrow's threads can abort Python as it exits (see docs/dataset.md for a remedy).

    Args:
        path_or_name: A dataset folder; a name, looked up in the current folder and then in
            gmbench's cache folder; `mini116`, which comes with the package; or
            `ORGANISATION/NAME` on the Hub. If there is no `gm-parsing`, mini116 is built in the
            cache folder under this name.
        config: `set_1` to `set_4`, or `all`; `real` for the real images of mini116 or a zoo.
        split: `train` or `test`; all splits when None.
        streaming: Read row by row, without a copy.

    Returns:
        What `datasets.load_dataset` returns: a dataset or, with `split=None`, a dictionary of
        them.

    Raises:
        DatasetError: There is no such folder or dataset, it is damaged, or `datasets` would read
            its path as a pattern.
        BenchmarkError: Its tables are damaged.
        UnknownNameError: The dataset has no such configuration or split.
        HubError: The Hub could not be reached or refused.

    Examples:
        >>> import gmbench
        >>> fold = gmbench.load_dataset("gm-parsing", "set_1")
        >>> fold["test"].num_rows
        576
        >>> fold["test"].features["gm"].int2str(fold["test"][0]["gm"])
        'MINI_ADV_FACES'
        >>> len(fold["test"][0]["target"])
        25
    """
    import datasets

    folder = _find(path_or_name)
    if folder is not None:
        check_path(folder)
        splits = configurations(read_benchmark(folder))
        if any((folder / REAL).glob("*.parquet")):
            splits.setdefault(REAL, {TRAIN: ()})
        if config not in splits:
            raise UnknownNameError(
                "Configuration", config, splits, f"{folder} has: {', '.join(splits)}."
            )
        # `datasets` also takes objects, such as `datasets.Split.TEST`.
        if isinstance(split, str) and re.split(r"[\[+]", split)[0] not in splits[config]:
            raise UnknownNameError(
                "Split", split, splits[config], f"{config} has: {', '.join(splits[config])}."
            )
        try:
            return datasets.load_dataset(str(folder), config, split=split, streaming=streaming)
        except Exception as error:  # `datasets` raises all kinds of errors on a damaged folder.
            detail = printable(first_line(error)).rstrip(".")
            raise DatasetError(
                f"{folder}, {config}, cannot be loaded: {detail}. "
                f"`gmbench data verify {folder}` says what is wrong with it."
            ) from error
    try:
        return datasets.load_dataset(str(path_or_name), config, split=split, streaming=streaming)
    except (OSError, ValueError) as error:
        # `datasets` raises many kinds, all of these families, if a name or a host fails.
        raise HubError(
            f"{path_or_name}, {config}, could not be loaded from the Hub: "
            f"{first_line(error).rstrip('.')}. "
            "Check the name, the configuration, your access (`hf auth login`) and the connection."
        ) from error


def _find(path_or_name: str | Path) -> Path | None:
    """Returns the folder that is meant, or None for a dataset on the Hub."""
    name = str(path_or_name)
    if name == DEFAULT_NAME and not Path(name).is_dir():
        return _default_dataset()
    places = [Path(name)]
    if "/" not in name and os.sep not in name:
        places.append(cache_folder() / name)
    for place in places:
        if place.is_dir():
            return place
    if name == "mini116":
        return MINI116
    if isinstance(path_or_name, str) and _ON_THE_HUB.fullmatch(name):
        return None
    raise DatasetError(
        f"There is no dataset {name}: looked for {' and '.join(map(str, places))}. Make it with "
        f"`gmbench data build --images FOLDER --out {name}`, or give its folder or "
        "ORGANISATION/NAME on the Hub."
    )


def _default_dataset() -> Path:
    """Returns the dataset of the default name in the cache folder: if nothing else, mini116."""
    folder = cache_folder() / DEFAULT_NAME
    if folder.is_dir():
        there, ours = read_benchmark(folder), read_benchmark(MINI116)
        if there.name != ours.name or there.version == ours.version:
            return folder
    # Another release of gmbench had another mini116, under whose names other images may be.
    try:
        return build_dataset("mini116", out=folder, overwrite=folder.is_dir()).folder
    except DatasetError as error:
        reason = str(error).removesuffix(" Give another --out.")
        raise DatasetError(f"{reason} Set GMBENCH_HOME to another folder.") from error
