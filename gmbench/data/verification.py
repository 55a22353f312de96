"""Checks that a dataset folder is whole and unchanged: structure, checksums, contents."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from gmbench.benchmark.benchmark import Benchmark, benchmark_files, read_benchmark
from gmbench.data.checksums import CHECKSUMS
from gmbench.data.dataset_card import card_configs
from gmbench.data.features import arrow_schema, label_values, shard_path
from gmbench.data.parallel import Progress, all_cores, in_processes
from gmbench.data.shard_checks import Faults, ShardCheck, check_shard
from gmbench.data.sources import Limits
from gmbench.data.workplace import INSPECTION
from gmbench.errors import BenchmarkError, DatasetError

Status = Literal["ok", "failed", "error"]

TEXTS = ("README.md", "benchmark.json", CHECKSUMS, "eval.yaml", "gms.csv", INSPECTION)
"""The files of a dataset folder beside its shards."""

_REBUILD = "Build it again with `gmbench data build --overwrite`, or fetch it again."
_CONTENTS = {
    "columns": "Every shard can be read and has the benchmark's columns",
    "row_counts": "Every shard has as many rows as gms.csv says",
    "image_ids": "Every image_id is its GM and its position",
    "labels": "Every label equals gms.csv",
    "targets": "Every target equals its labels, scaled",
    "images": "Every image decodes",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One named check.

    Attributes:
        name: Such as `checksums`.
        status: `ok`; `failed`; or `error`, if it could not be made as an earlier one failed.
        meaning: What holds when it is ok.
        offenders: What it failed on, all of them.
        remedy: What to do about it; empty when ok.
    """

    name: str
    status: Status
    meaning: str
    offenders: tuple[str, ...] = ()
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """All checks of a dataset folder, in their fixed order."""

    folder: Path
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether every check is ok."""
        return all(check.status == "ok" for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Returns the checks as what JSON can hold."""
        return {
            "folder": str(self.folder),
            "ok": self.ok,
            "checks": [
                {
                    "name": check.name,
                    "status": check.status,
                    "meaning": check.meaning,
                    "offenders": list(check.offenders),
                    "remedy": check.remedy,
                }
                for check in self.checks
            ],
        }


def verify_dataset(
    folder: Path,
    *,
    jobs: int | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Verification:
    """Checks a dataset folder; every image is decoded.

    A script that calls this needs `if __name__ == "__main__":`, as processes are started.

    Args:
        folder: The dataset folder.
        jobs: Number of processes; all cores when None.
        limits: Of which the number of pixels counts; `Limits()` when None.
        progress: Told how far the work is.

    Raises:
        DatasetError: There is no such folder, or a process died.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder. Give one that `gmbench data build` made.")
    missing = [name for name in TEXTS if not (folder / name).is_file()]
    benchmark, faults = _read(folder)
    checks = [
        _check("files", "Every file beside the shards is there", missing),
        _check("benchmark", "gms.csv and benchmark.json belong together", faults),
    ]
    if benchmark is None:
        names = {"shards": "", "card": "", "checksums": "", **_CONTENTS}
        checks += [
            Check(name, "error", meaning, (), "Mend gms.csv and benchmark.json first.")
            for name, meaning in names.items()
        ]
        return Verification(folder, tuple(checks))
    jobs = jobs or all_cores()
    checks += [
        _check("shards", "Every GM with images has its shard", _shard_faults(folder, benchmark)),
        _check("card", "The card's configurations are the benchmark's", _card(folder, benchmark)),
        _check("checksums", "Every file is unchanged", _checksum_faults(folder, jobs)),
    ]
    contents = _content_faults(folder, benchmark, jobs, limits or Limits(), progress)
    checks += [_check(name, meaning, contents[name]) for name, meaning in _CONTENTS.items()]
    return Verification(folder, tuple(checks))


def _check(name: str, meaning: str, faults: list[str]) -> Check:
    if not faults:
        return Check(name, "ok", meaning)
    return Check(name, "failed", meaning, tuple(faults), _REBUILD)


def _read(folder: Path) -> tuple[Benchmark | None, list[str]]:
    """Returns the benchmark if its tables can be used at all, and what is wrong with them."""
    try:
        benchmark = read_benchmark(folder)
        arrow_schema(benchmark)
        for name in benchmark.index:
            label_values(benchmark, name)
        written = (folder / "benchmark.json").read_text(encoding="utf-8")
    except (BenchmarkError, OSError) as error:
        return None, [str(error)]
    except (ValueError, IndexError, KeyError, OverflowError) as error:
        return None, [f"gms.csv holds a value that no column can have ({error})"]
    if benchmark_files(benchmark)["benchmark.json"] != written:
        return benchmark, ["the labels or sets in gms.csv are not those of benchmark.json"]
    return benchmark, []


def _expected_shards(benchmark: Benchmark) -> dict[str, str]:
    """Returns the GM of each shard that must be there, by its path."""
    counts = zip(benchmark.index, benchmark.n_images, strict=True)
    return {shard_path(benchmark, name): name for name, count in counts if count}


def _shard_faults(folder: Path, benchmark: Benchmark) -> list[str]:
    expected = _expected_shards(benchmark)
    found = {path.relative_to(folder).as_posix() for path in folder.glob("data/**/*.parquet")}
    return [f"{path}: missing" for path in expected if path not in found] + [
        f"{path}: belongs to no GM of the benchmark" for path in sorted(found - expected.keys())
    ]


def _card(folder: Path, benchmark: Benchmark) -> list[str]:
    try:
        text = (folder / "README.md").read_text(encoding="utf-8")
        configs = yaml.safe_load(text.split("---\n")[1])["configs"]
    except (OSError, ValueError, IndexError, KeyError, TypeError, yaml.YAMLError):
        return ["README.md: no configurations can be read from it"]
    expected = card_configs(benchmark)
    # A dataset may have further configurations, such as real images beside those of the GMs.
    if not isinstance(configs, list) or configs[: len(expected)] != expected:
        return ["README.md: its configurations are not those of benchmark.json"]
    return []


def _checksum_faults(folder: Path, jobs: int) -> list[str]:
    listed: dict[str, str] = {}
    try:
        for line in (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines():
            sha256, name = line.split("  ", maxsplit=1)
            listed[name] = sha256
    except (OSError, ValueError):
        return [f"{CHECKSUMS}: cannot be read"]
    found = {
        name: path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and (name := path.relative_to(folder).as_posix()) != CHECKSUMS
    }
    hashed = {
        name: sha256
        for (name, _), sha256 in in_processes(
            _sha256, [(n, p) for n, p in found.items() if n in listed], jobs, lambda item: item[0]
        )
    }
    faults = [f"{name}: missing" for name in listed if name not in found]
    faults += [
        f"{name}: changed" for name in found if name in listed and hashed[name] != listed[name]
    ]
    return faults + [f"{name}: not in {CHECKSUMS}" for name in found if name not in listed]


def _sha256(item: tuple[str, Path]) -> str:
    with item[1].open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
        if (folder / path).is_file()
    ]
    by_gm: dict[str, Faults] = {}
    done, total = 0, sum(task.n_images for task in tasks)
    for task, faults in in_processes(check_shard, tasks, jobs, lambda task: task.gm):
        by_gm[task.gm] = faults
        done += task.n_images
        if progress:
            progress(done, total)
    found: Faults = defaultdict(list)
    for task in tasks:
        for name, entries in by_gm[task.gm].items():
            found[name] += entries
    return found
