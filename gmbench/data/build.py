"""Builds the dataset folder of a benchmark from images: list, inspect, make shards, write, rename.

The plan, a fingerprint of everything on which the bytes depend, keeps apart work on other images
or by another version.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from gmbench.benchmark.benchmark import (
    MINI116,
    Benchmark,
    benchmark_files,
    dataset_folder,
    load_benchmark,
    read_benchmark,
)
from gmbench.benchmark.catalog import is_published
from gmbench.data.archives import open_source
from gmbench.data.built_gms import built_gms
from gmbench.data.dataset_card import card_text, eval_text
from gmbench.data.dataset_folder import (
    PLAN,
    check_built,
    check_out,
    check_places,
    clear,
    finish,
    is_built,
    make_shards,
    put_in_place,
    take_up,
    work_on,
)
from gmbench.data.inspection import (
    INSPECTION,
    IncompleteSourceError,
    Inspection,
    inspect,
    read_inspection,
)
from gmbench.data.listing import GMFiles, list_images
from gmbench.data.parallel import all_cores
from gmbench.data.shards import ShardRecord
from gmbench.data.sources import Limits, Source
from gmbench.errors import DatasetError
from gmbench.files import parse_json
from gmbench.progress import Progress
from gmbench.version import __version__
from gmbench.wording import plural

DEFAULT_NAME = "gm-parsing"
"""Name of a dataset that is given no other."""


@dataclass(frozen=True, slots=True)
class BuildResult:
    """A built dataset.

    Attributes:
        folder: The dataset folder.
        benchmark: Name of what was built, such as `red116` or `red116-partial`.
        inspection: What was found in the source.
        n_resumed: Number of GMs that an earlier, interrupted build had finished.
        already_built: Whether the folder existed before, built from the same images.
    """

    folder: Path
    benchmark: str
    inspection: Inspection
    n_resumed: int = 0
    already_built: bool = False


def build_dataset(
    benchmark: str | Path | Benchmark = "mini116",
    images: str | Path | None = None,
    out: str | Path = DEFAULT_NAME,
    *,
    merged: str | Path | None = None,
    allow_missing: bool = False,
    overwrite: bool = False,
    jobs: int | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> BuildResult:
    """Builds the Hugging Face dataset folder of a benchmark from images, or copies mini116's.

    A script that calls this needs `if __name__ == "__main__":`, because it starts processes.

    Args:
        benchmark: Labels, sets, and the number of images per GM; by name, folder, or loaded.
        images: Folder, ZIP or TAR with one folder of images per GM, at any depth; None for
            mini116, whose images come with the package.
        out: The folder to create; unfinished work is held in `OUT.partial` beside it.
        merged: A dataset, by name or folder, whose GMs `benchmark` has besides those of `images`.
        allow_missing: Build despite missing, empty or corrupt images, as a `-partial` benchmark.
        overwrite: Replace an earlier dataset.
        jobs: Number of processes; all cores when None.
        limits: Limits beyond which a source is refused; `Limits()` when None.
        progress: Called as the work proceeds.

    Raises:
        IncompleteSourceError: Images are missing and this was not allowed; holds the report.
        SourceError: The images cannot be read, or an archive is hostile.
        DatasetError: `out` cannot be written or is in use, or a process died.

    Examples:
        >>> import gmbench
        >>> result = gmbench.build_dataset("mini116", out="my-dataset")
        >>> sorted(path.name for path in result.folder.iterdir() if path.suffix == ".csv")
        ['gms.csv']
    """
    benchmark, out = load_benchmark(benchmark), Path(out)
    if images is None and _is_mini116(benchmark):
        return _copy_mini116(out, overwrite)
    location = _require_images(benchmark, images)
    limits = limits or Limits()
    others = _gms_of(merged, benchmark)
    check_places(location, out, overwrite)
    with work_on(out) as work:
        # A compressed archive is opened only when there is something to build.
        source = None if location.is_file() else open_source(location, work / "archive", limits)
        if is_built(out, overwrite):
            check_built(out, _plan_of(benchmark, location, source, limits, others))
            return _existing(benchmark, location, out, work, allow_missing)
        source = source or open_source(location, work / "archive", limits)
        listing = list_images(source, _without(benchmark, others))
        gms = {gm: (files, source.kind, source.readable) for gm, files in listing.gms.items()}
        gms = {gm: one for gm in benchmark.index if (one := (gms | others).get(gm)) is not None}
        listing = replace(listing, gms={gm: files for gm, (files, *_) in gms.items()})
        _refuse_errors(inspect(benchmark, listing, None), location, allow_missing)
        of_folder = source if source.kind == "folder" else None
        plan = _plan_of(benchmark, location, of_folder, limits, others)
        take_up(work, plan)
        records, n_resumed = make_shards(
            work,
            benchmark,
            gms,
            limits.pixels,
            jobs or all_cores(),
            progress,
        )
        report = inspect(benchmark, listing, records)
        _refuse_errors(report, location, allow_missing)
        kept = {gm: record for gm, record in records.items() if record.n_images}
        if not kept:
            raise _without_images(location, benchmark, records)
        built = replace(
            benchmark,
            name=_built_name(benchmark, report),
            n_images=tuple(count.kept or 0 for count in report.gms.values()),
        )
        files = {
            "README.md": card_text(built, kept, report),
            "eval.yaml": eval_text(built),
            INSPECTION: report.text(),
        }
        finish(work, out, built, kept, files, plan)
        return BuildResult(out, built.name, report, n_resumed)


def _without_images(
    location: Path, benchmark: Benchmark, records: Mapping[str, ShardRecord]
) -> DatasetError:
    """Returns the error for a source without a single usable image."""
    corrupt = [fault for record in records.values() for _, fault in record.corrupt]
    if not corrupt:
        return DatasetError(
            f"{location} holds no image of any GM of {benchmark.name}. "
            "Each GM needs a folder of its name, such as STYLEGAN."
        )
    fault, count = Counter(corrupt).most_common(1)[0]
    return DatasetError(
        f"{location}: none of the {plural(len(corrupt), 'file')} in folders of GMs can be decoded; "
        f"{count:,} of them: {fault}. Give the images as their authors published them."
    )


def _copy_mini116(out: Path, overwrite: bool) -> BuildResult:
    """Copies the dataset folder that comes with the package; no image is touched."""
    check_out(out, overwrite)
    result = BuildResult(out, MINI116.name, read_inspection(MINI116))
    with work_on(out) as work:
        if is_built(out, overwrite):
            check_built(out, parse_json((MINI116 / PLAN).read_text(encoding="utf-8"))["plan"])
            clear(work)
            return replace(result, already_built=True)
        shutil.rmtree(work / "dataset", ignore_errors=True)
        shutil.copytree(MINI116, work / "dataset", copy_function=shutil.copyfile)
        put_in_place(work, out)
    return result


def _is_mini116(benchmark: Benchmark) -> bool:
    """Returns whether a benchmark is the packaged one, whatever its name."""
    mini116 = read_benchmark(MINI116)
    return (benchmark.labels_sha256, benchmark.splits_sha256, benchmark.n_images) == (
        mini116.labels_sha256,
        mini116.splits_sha256,
        mini116.n_images,
    )


def _require_images(benchmark: Benchmark, images: str | Path | None) -> Path:
    """Returns the location of the images; only this function knows what to do without one."""
    if images is not None:
        return Path(images)
    if any(map(is_published, benchmark.gms)):
        raise DatasetError(
            f"{benchmark.name} is built from images that its authors publish and that gmbench "
            "does not redistribute. Fetch them with `gmbench data fetch red116`, or by hand, and "
            "give the folder or archive with --images."
        )
    raise DatasetError(
        f"The images of {benchmark.name} do not come with gmbench. Give the folder, ZIP or TAR "
        f"that holds a folder of images for each of its {len(benchmark.gms)} GMs with --images."
    )


def _existing(
    benchmark: Benchmark, location: Path, out: Path, work: Path, allow_missing: bool
) -> BuildResult:
    """Returns the dataset that already exists."""
    report = read_inspection(out)
    _refuse_errors(report, location, allow_missing)
    clear(work)
    return BuildResult(out, _built_name(benchmark, report), report, already_built=True)


def _gms_of(
    merged: str | Path | None, benchmark: Benchmark
) -> dict[str, tuple[GMFiles, str, Path]]:
    """Returns the images of those GMs of another dataset that the benchmark has."""
    if merged is None:
        return {}
    folder = dataset_folder(merged)
    if folder is None:
        raise DatasetError(
            f"{merged} has labels alone. Build it from its images first, and give its folder."
        )
    found = built_gms(load_benchmark(merged), folder)
    return {gm: one for gm, one in found.items() if gm in benchmark.index}


def _without(benchmark: Benchmark, gms: Collection[str]) -> Benchmark:
    """Returns a benchmark without some GMs, of which only the names are used."""
    kept = tuple(gm for gm in benchmark.gms if gm.name not in gms)
    return replace(benchmark, gms=kept, sets={}, n_images=(0,) * len(kept))


def _plan_of(
    benchmark: Benchmark,
    location: Path,
    source: Source | None,
    limits: Limits,
    others: Mapping[str, tuple[GMFiles, str, Path]],
) -> str:
    """Returns the SHA-256 of everything on which a dataset's bytes depend.

    Args:
        benchmark: What is built.
        location: Where the images are.
        source: The list of files of a folder; None for an archive, which is identified by its
            size and time alone.
        limits: Limits, of which the number of pixels decides what is kept.
        others: GMs of another dataset.
    """
    status = location.stat()
    facts = {
        "gmbench": __version__,
        "pyarrow": pa.__version__,
        "benchmark": benchmark_files(benchmark),
        "pixels": limits.pixels,
        "source": [status.st_size, status.st_mtime_ns]
        if source is None
        else [[f.path, f.size, f.modified] for f in source.files] + [list(source.unread)],
    }
    if others:
        shards = {gm: shard.stat() for gm, (*_, shard) in others.items()}
        facts["merged"] = [[gm, one.st_size, one.st_mtime_ns] for gm, one in shards.items()]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _refuse_errors(report: Inspection, location: Path, allow_missing: bool) -> None:
    """Raises the report as an error if something is missing and this was not allowed."""
    if not (report.checklist.ok or allow_missing):
        counts = ", ".join(
            f"{check.name.replace('_', ' ').replace('gms', 'GMs')}: {check.n_offenders:,}"
            for check in report.checklist.failures
        )
        raise IncompleteSourceError(
            f"{location} does not hold the whole {report.benchmark} ({counts}). "
            "Complete it, or give --allow-missing to build what is there.",
            report,
        )


def _built_name(benchmark: Benchmark, report: Inspection) -> str:
    whole = all(count.kept == count.expected for count in report.gms.values())
    return benchmark.name if whole else f"{benchmark.name.removesuffix('-partial')}-partial"
