"""Builds the dataset folder: from the list of files to one rename, resumable at every moment.

All work is done in `OUT.partial`. Each GM's shard is renamed into place when it is whole, and a
record beside it says so; the last step renames the folder. So a build that is killed goes on
where it was, and `OUT` is whole or absent. The plan, a fingerprint of everything that the
bytes depend on, keeps work on other images or by another version apart.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from gmbench.benchmark.benchmark import SAMPLE, Benchmark, benchmark_files, read_benchmark
from gmbench.benchmark.catalog import is_published
from gmbench.data.archives import open_source
from gmbench.data.checksums import CHECKSUMS
from gmbench.data.dataset_card import card_text, eval_text
from gmbench.data.features import arrow_schema, label_values, shard_path
from gmbench.data.inspection import IncompleteSourceError, Inspection, inspect
from gmbench.data.listing import Listing, list_images
from gmbench.data.parallel import Progress, all_cores, in_processes
from gmbench.data.shards import ShardRecord, ShardTask, make_shard, read_record
from gmbench.data.sources import Limits, Source
from gmbench.data.workplace import (
    INSPECTION,
    PLAN,
    alone,
    check_out,
    check_places,
    clear,
    is_dataset,
    plan_of,
    put_in_place,
    write_errors,
)
from gmbench.errors import DatasetError
from gmbench.files import write_durably


@dataclass(frozen=True, slots=True)
class BuildResult:
    """A built dataset.

    Attributes:
        folder: The dataset folder.
        benchmark: Name of what was built, such as `red116` or `red116-partial`.
        inspection: What was found in the source.
        n_resumed: GMs that an earlier, interrupted build had finished.
        already_built: Whether the folder was there before, from the same images.
    """

    folder: Path
    benchmark: str
    inspection: Inspection
    n_resumed: int = 0
    already_built: bool = False


def build_dataset(
    benchmark: Benchmark,
    images: Path | None,
    out: Path,
    *,
    allow_missing: bool = False,
    overwrite: bool = False,
    jobs: int | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> BuildResult:
    """Builds the Hugging Face dataset folder of a benchmark from images, or copies the sample's.

    A script that calls this needs `if __name__ == "__main__":`, as processes are started.

    Args:
        benchmark: Labels, sets, and how many images each GM has.
        images: Folder, ZIP or TAR with one folder of images for each GM, at any depth; None for
            the sample, whose images come with the package.
        out: The folder to make; beside it `OUT.partial` holds unfinished work.
        allow_missing: Build in spite of missing, empty or corrupt images, as a `-partial`
            benchmark.
        overwrite: Replace an earlier dataset.
        jobs: Number of processes; all cores when None.
        limits: What a source may ask of us; `Limits()` when None.
        progress: Told how far the work is.

    Raises:
        IncompleteSourceError: Images are missing and that was not allowed; holds the report.
        SourceError: The images cannot be read, or an archive is hostile.
        DatasetError: `out` cannot be written or is in use, or a process died.
    """
    work = out.with_name(f"{out.name}.partial")
    if images is None and _is_sample(benchmark):
        return _copy_sample(out, work, overwrite)
    location = _require_images(benchmark, images)
    limits = limits or Limits()
    check_places(location, out, overwrite)
    with write_errors(out), alone(work):
        # A compressed archive is opened only when there is something to build.
        source = None if location.is_file() else open_source(location, work / "archive", limits)
        if is_dataset(out) and not overwrite:
            plan = plan_of(benchmark, location, source, limits)
            return _existing(benchmark, location, out, work, plan, allow_missing)
        source = source or open_source(location, work / "archive", limits)
        listing = list_images(source, benchmark)
        _refuse_errors(inspect(benchmark, listing, None), location, allow_missing)
        build = _Build(benchmark, source, listing, out, work, limits)
        return build.run(allow_missing, jobs or all_cores(), progress)


def _copy_sample(out: Path, work: Path, overwrite: bool) -> BuildResult:
    """Copies the dataset folder that comes with the package; no image is touched."""
    check_out(out, overwrite)
    report = Inspection.from_dict(json.loads((SAMPLE / INSPECTION).read_text(encoding="utf-8")))
    result = BuildResult(folder=out, benchmark=SAMPLE.name, inspection=report)
    with write_errors(out), alone(work):
        if is_dataset(out) and not overwrite:
            if not _is_whole(out, json.loads((SAMPLE / PLAN).read_text(encoding="utf-8"))["plan"]):
                raise _another_dataset(out)
            clear(work)
            return replace(result, already_built=True)
        shutil.rmtree(work / "dataset", ignore_errors=True)
        shutil.copytree(SAMPLE, work / "dataset", copy_function=shutil.copyfile)
        put_in_place(work, out)
    return result


def _is_sample(benchmark: Benchmark) -> bool:
    """Returns whether a benchmark is the packaged one; its name says nothing about that."""
    sample = read_benchmark(SAMPLE)
    return (benchmark.labels_sha256, benchmark.splits_sha256, benchmark.n_images) == (
        sample.labels_sha256,
        sample.splits_sha256,
        sample.n_images,
    )


def _require_images(benchmark: Benchmark, images: Path | None) -> Path:
    """Returns the place of the images; the only place that knows what to do without one."""
    if images is not None:
        return images
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
    benchmark: Benchmark, location: Path, out: Path, work: Path, plan: str, allow_missing: bool
) -> BuildResult:
    """Returns the dataset that is there, if it is whole and of the same plan."""
    if not _is_whole(out, plan):
        raise _another_dataset(out)
    try:
        report = Inspection.from_dict(json.loads((out / INSPECTION).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _another_dataset(out) from error
    _refuse_errors(report, location, allow_missing)
    clear(work)
    return BuildResult(
        folder=out,
        benchmark=_built_name(benchmark, report),
        inspection=report,
        already_built=True,
    )


def _is_whole(out: Path, plan: str) -> bool:
    """Tells whether a dataset is of a plan, and all of its files are there."""
    try:
        same = json.loads((out / PLAN).read_text(encoding="utf-8"))["plan"] == plan
        sums = (out / CHECKSUMS).read_text(encoding="utf-8").splitlines()
        return same and all((out / line.split(maxsplit=1)[1]).is_file() for line in sums)
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return False


def _another_dataset(out: Path) -> DatasetError:
    return DatasetError(
        f"{out} is there already and was built from other images or by another version, or "
        "is not whole. Give --overwrite to replace it, or another --out."
    )


def _refuse_errors(report: Inspection, location: Path, allow_missing: bool) -> None:
    """Raises the report as an error if something is missing and that was not allowed."""
    if report.errors and not allow_missing:
        counts = ", ".join(
            f"{finding.name.replace('_', ' ').replace('gms', 'GMs')}: {len(finding.entries):,}"
            for finding in report.errors
        )
        raise IncompleteSourceError(
            f"{location} does not hold the whole {report.benchmark} ({counts}). "
            "Complete it, or give --allow-missing to build what is there.",
            report,
        )


class _Build:
    """One build: its source, its plan, and the steps that lead to the folder."""

    def __init__(
        self,
        benchmark: Benchmark,
        source: Source,
        listing: Listing,
        out: Path,
        work: Path,
        limits: Limits,
    ) -> None:
        self.benchmark, self.source, self.listing = benchmark, source, listing
        self.out, self.work, self.limits = out, work, limits
        of_folder = source if source.kind == "folder" else None
        self.plan = plan_of(benchmark, source.location, of_folder, limits)

    def run(self, allow_missing: bool, jobs: int, progress: Progress | None) -> BuildResult:
        """Makes what is missing of the shards, then the folder."""
        self._take_up_plan()
        records, n_resumed = self._make_shards(jobs, progress)
        report = inspect(self.benchmark, self.listing, records)
        _refuse_errors(report, self.source.location, allow_missing)
        kept = {gm: record for gm, record in records.items() if record.n_images}
        if not kept:
            raise DatasetError(
                f"{self.source.location} holds no image of any GM of {self.benchmark.name}. "
                "Each GM needs a folder of its name, such as STYLEGAN."
            )
        built = replace(
            self.benchmark,
            name=_built_name(self.benchmark, report),
            n_images=tuple(count.kept or 0 for count in report.gms.values()),
        )
        self._write_texts(built, report, kept)
        put_in_place(self.work, self.out)
        return BuildResult(
            folder=self.out, benchmark=built.name, inspection=report, n_resumed=n_resumed
        )

    def _take_up_plan(self) -> None:
        """Keeps earlier work of the same plan, and clears away that of another."""
        plan = self.work / "plan.json"
        text = json.dumps({"plan": self.plan})
        if not plan.is_file() or plan.read_text(encoding="utf-8") != text:
            for folder in ("dataset", "records"):
                shutil.rmtree(self.work / folder, ignore_errors=True)
            write_durably(plan, text)
        for folder in ("dataset", "records"):
            (self.work / folder).mkdir(exist_ok=True)
        # What was being written when a build was killed: half a shard, or one of the texts.
        for path in (
            *(self.work / "records").glob("*.parquet"),
            *(self.work / "dataset").iterdir(),
        ):
            if path.is_file():
                path.unlink()

    def _make_shards(
        self, jobs: int, progress: Progress | None
    ) -> tuple[dict[str, ShardRecord], int]:
        """Returns the record of each GM that has files, and how many were there before."""
        schema = arrow_schema(self.benchmark)
        records: dict[str, ShardRecord] = {}
        tasks = []
        for gm, files in self.listing.gms.items():
            shard = self.work / "dataset" / shard_path(self.benchmark, gm)
            record = self.work / "records" / f"{gm}.json"
            if earlier := read_record(record, shard):
                records[gm] = earlier
                continue
            tasks.append(
                ShardTask(
                    files=files,
                    source_kind=self.source.kind,
                    source_path=self.source.readable,
                    expected=self.benchmark.n_images[self.benchmark.index[gm]],
                    max_pixels=self.limits.pixels,
                    labels=label_values(self.benchmark, gm),
                    schema=schema,
                    shard=shard,
                    record=record,
                )
            )
        # The longest first, so that no process works on alone at the end.
        tasks.sort(key=lambda task: sum(f.size for f in task.files.files), reverse=True)
        n_resumed = len(records)
        total = sum(len(files.files) for files in self.listing.gms.values())
        done = sum(len(self.listing.gms[gm].files) for gm in records)
        if progress:
            progress(done, total)
        for task, result in in_processes(make_shard, tasks, jobs, lambda task: task.files.gm):
            records[task.files.gm] = result
            done += len(task.files.files)
            if progress:
                progress(done, total)
        return {gm: records[gm] for gm in self.listing.gms}, n_resumed

    def _write_texts(
        self, built: Benchmark, report: Inspection, kept: dict[str, ShardRecord]
    ) -> None:
        folder = self.work / "dataset"
        texts = {
            "README.md": card_text(built, kept, report),
            "eval.yaml": eval_text(built),
            INSPECTION: json.dumps(report.to_dict(), indent=1, ensure_ascii=False) + "\n",
            **benchmark_files(built),
        }
        sums = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
        sums |= {shard_path(built, gm): record.sha256 for gm, record in kept.items()}
        texts[CHECKSUMS] = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums))
        texts[PLAN] = json.dumps({"plan": self.plan}) + "\n"
        for name, text in texts.items():
            write_durably(folder / name, text)


def _built_name(benchmark: Benchmark, report: Inspection) -> str:
    whole = all(count.kept == count.expected for count in report.gms.values())
    return benchmark.name if whole else f"{benchmark.name.removesuffix('-partial')}-partial"
