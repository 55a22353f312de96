"""Checks that a dataset folder is complete and unchanged: structure, checksums, contents."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import yaml

from gmbench.benchmark.benchmark import Benchmark, benchmark_files, read_benchmark
from gmbench.data.checksums import CHECKSUMS, compare_files, is_there, read_checksums
from gmbench.data.dataset_card import card_configs
from gmbench.data.features import arrow_schema, label_values, shard_path
from gmbench.data.inspection import INSPECTION
from gmbench.data.parallel import all_cores, in_processes
from gmbench.data.shard_checks import Faults, ShardCheck, check_shard
from gmbench.data.sources import Limits, shown
from gmbench.errors import BenchmarkError, DatasetError
from gmbench.predictions.checks import Checklist
from gmbench.progress import Progress

TEXTS = ("README.md", "benchmark.json", CHECKSUMS, "eval.yaml", "gms.csv", INSPECTION)
"""The files of a dataset folder beside its shards."""

_LONGEST_CARD = 2**22
"""Maximum number of characters of a card that are read; that of red116 has 40,000."""

_REBUILD = "Build it again with `gmbench data build --overwrite`, or fetch it again."
_CONTENTS = {
    "columns": "every shard can be read and has the benchmark's columns",
    "row_counts": "every shard has as many rows as gms.csv says",
    "image_ids": "every image_id is its GM and its position",
    "labels": "every label equals gms.csv",
    "targets": "every target equals its labels, scaled",
    "images": "every image decodes",
}
_MEANINGS = {
    "files": "every file beside the shards is there",
    "benchmark": "gms.csv and benchmark.json belong together",
    "shards": "every GM with images has its shard",
    "card": "the card's configurations are the benchmark's",
    "checksums": "every file is unchanged",
    **_CONTENTS,
}


def verify_dataset(
    folder: Path,
    *,
    jobs: int | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Checklist:
    """Checks a dataset folder, decoding every image.

    A script that calls this needs `if __name__ == "__main__":`, because it starts processes.

    Args:
        folder: The dataset folder.
        jobs: Number of processes; all cores when None.
        limits: Limits, of which only the number of pixels is used; `Limits()` when None.
        progress: Called as the work proceeds.

    Raises:
        DatasetError: There is no such folder, or a process died.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder. Give one that `gmbench data build` made.")
    checklist = Checklist(str(folder), keeps_all=True)
    _note(checklist, "files", [name for name in TEXTS if not (folder / name).is_file()])
    benchmark, faults = _read(folder)
    _note(checklist, "benchmark", faults, fatal=benchmark is None)
    if benchmark is None:
        for name in list(_MEANINGS)[2:]:
            checklist.skipped(name, "not looked at: gms.csv and benchmark.json cannot be used")
        return checklist
    _note(checklist, "shards", _shard_faults(folder, benchmark))
    _note(checklist, "card", _card(folder, benchmark))
    _note(checklist, "checksums", _checksum_faults(folder))
    found = _content_faults(folder, benchmark, jobs or all_cores(), limits or Limits(), progress)
    for name in _CONTENTS:
        _note(checklist, name, found[name])
    return checklist


def _note(checklist: Checklist, name: str, faults: list[str], *, fatal: bool = False) -> None:
    if faults:
        checklist.failed(name, f"not so: {_MEANINGS[name]}", _REBUILD, faults, fatal=fatal)
    else:
        checklist.passed(name, _MEANINGS[name])


def _read(folder: Path) -> tuple[Benchmark | None, list[str]]:
    """Returns the benchmark if its tables can be used at all, and what is wrong with them."""
    try:
        benchmark = read_benchmark(folder)
        arrow_schema(benchmark)
        for name in benchmark.index:
            label_values(benchmark, name)
        written = (folder / "benchmark.json").read_text(encoding="utf-8")
    except (BenchmarkError, OSError, ValueError) as error:
        return None, [str(error)]
    if benchmark_files(benchmark)["benchmark.json"] != written:
        return benchmark, ["the labels or sets in gms.csv are not those of benchmark.json"]
    return benchmark, []


def _expected_shards(benchmark: Benchmark) -> dict[str, str]:
    """Returns the GM of each shard that must exist, by the path of the shard."""
    counts = zip(benchmark.index, benchmark.n_images, strict=True)
    return {shard_path(benchmark, name): name for name, count in counts if count}


def _shard_faults(folder: Path, benchmark: Benchmark) -> list[str]:
    expected = _expected_shards(benchmark)
    found = {path.relative_to(folder).as_posix() for path in folder.glob("data/**/*.parquet")}
    return [f"{path}: missing" for path in expected if path not in found] + [
        f"{shown(path)}: belongs to no GM of the benchmark"
        for path in sorted(found - expected.keys())
    ]


def _card(folder: Path, benchmark: Benchmark) -> list[str]:
    try:
        with (folder / "README.md").open(encoding="utf-8") as file:
            text = file.read(_LONGEST_CARD)
        configs = yaml.safe_load(text.split("---\n")[1])["configs"]
    except (OSError, ValueError, LookupError, TypeError, yaml.YAMLError, RecursionError):
        return ["README.md: no configurations can be read from it"]
    expected = card_configs(benchmark)
    # A dataset may have further configurations, such as real images beside those of the GMs.
    if not isinstance(configs, list) or configs[: len(expected)] != expected:
        return ["README.md: its configurations are not those of benchmark.json"]
    return []


def _checksum_faults(folder: Path) -> list[str]:
    try:
        compared = compare_files(folder, read_checksums(folder))
    except DatasetError as error:
        return [str(error)]
    return [
        *(f"{path}: missing" for path in compared.missing),
        *(f"{path}: changed" for path in compared.changed),
        *(f"{path}: not in {CHECKSUMS}" for path in compared.further),
    ]


def _content_faults(
    folder: Path, benchmark: Benchmark, jobs: int, limits: Limits, progress: Progress | None
) -> Faults:
    schema = arrow_schema(benchmark)
    tasks = [
        ShardCheck(
            gm=gm,
            path=folder / path,
            n_images=benchmark.n_images[benchmark.index[gm]],
            max_pixels=limits.pixels,
            labels=label_values(benchmark, gm),
            schema=schema,
        )
        for path, gm in _expected_shards(benchmark).items()
        if is_there(folder / path)
    ]
    by_gm: dict[str, Faults] = {}
    done, total = 0, sum(task.n_images for task in tasks)
    for task, faults in in_processes(check_shard, tasks, jobs, lambda task: task.gm):
        by_gm[task.gm] = faults
        done += task.n_images
        if progress:
            progress("images", done, total)
    found: Faults = defaultdict(list)
    for task in tasks:
        for name, entries in by_gm[task.gm].items():
            found[name] += entries
    return found
