"""Builds a zoo: trains its GMs, draws the test sets, writes the dataset folder.

All work is done in `OUT.partial`. A GM that is finished is kept there, whole or absent, so a build
that is killed goes on GM by GM and ends with the same bytes. The dataset is then made in a few
seconds from the finished GMs, as `gmbench data build` makes it, and put in place by one rename.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gmbench.benchmark.benchmark import Benchmark, benchmark_files
from gmbench.benchmark.catalog import GM
from gmbench.data.checksums import CHECKSUMS
from gmbench.data.dataset_card import eval_text
from gmbench.data.features import arrow_schema, label_values, shard_path
from gmbench.data.inspection import inspect
from gmbench.data.listing import Listing
from gmbench.data.parallel import Progress, all_cores, in_processes
from gmbench.data.shards import ShardRecord, ShardTask, make_shard
from gmbench.data.sources import Limits
from gmbench.data.workplace import (
    INSPECTION,
    PLAN,
    alone,
    check_out,
    check_places,
    clear,
    is_dataset,
    put_in_place,
    write_errors,
)
from gmbench.errors import DatasetError
from gmbench.files import write_durably
from gmbench.zoo.contact_sheet import IMAGES_IN_A_ROW, contact_sheet
from gmbench.zoo.curation import draw_test_sets
from gmbench.zoo.engines import check_engine, train_all
from gmbench.zoo.finished import FinishedGM, FinishedGMs
from gmbench.zoo.plan import ZooPlan, check_plan
from gmbench.zoo.report import ZooReport, report_on
from gmbench.zoo.zoo_card import real_images, zoo_card

ZOO_FILE = "zoo.json"
"""Holds the report, every GM's specification and trainings, and the origins of the real images."""

CONTACT_SHEET = "contact_sheet.png"


@dataclass(frozen=True, slots=True)
class ZooResult:
    """A built zoo.

    Attributes:
        folder: The dataset folder.
        report: What it is like.
        n_resumed: GMs that an earlier, interrupted build had finished.
        already_built: Whether the folder was there before, from the same plan.
    """

    folder: Path
    report: ZooReport
    n_resumed: int = 0
    already_built: bool = False


def build_zoo(
    plan: ZooPlan,
    out: Path,
    *,
    jobs: int | None = None,
    engine: str = "local",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ZooResult:
    """Builds the dataset folder of a zoo.

    A script that calls this needs `if __name__ == "__main__":`, as processes are started.

    Args:
        plan: What to build.
        out: The folder to make; beside it `OUT.partial` holds unfinished work.
        jobs: GMs that are trained at once; as many as there are cores when None.
        engine: `local` for processes of this machine, or `ray`.
        overwrite: Replace an earlier dataset.
        progress: Told how many GMs are finished, and of how many.

    Raises:
        UnknownNameError: There is no such engine, or the plan has a kind or content without one.
        DatasetError: `out` cannot be written or is in use, a process died, a package is missing,
            or no GM passed the gate.
    """
    check_engine(engine)
    check_plan(plan)
    check_out(out, overwrite)
    if plan.images_from:
        check_places(plan.images_from, out, overwrite)
    work = out.with_name(f"{out.name}.partial")
    with write_errors(out), alone(work):
        if is_dataset(out) and not overwrite:
            return _existing(plan, out, work)
        return _Build(plan, out, work).run(engine, jobs, progress)


def _existing(plan: ZooPlan, out: Path, work: Path) -> ZooResult:
    """Returns the zoo that is there, if it is whole and of the same plan."""
    try:
        same = json.loads((out / PLAN).read_text(encoding="utf-8"))["plan"] == plan.sha256
        sums = (out / CHECKSUMS).read_text(encoding="utf-8").splitlines()
        whole = all((out / line.split(maxsplit=1)[1]).is_file() for line in sums)
        described = json.loads((out / ZOO_FILE).read_text(encoding="utf-8"))
        report = ZooReport.from_dict(described["report"])
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        same = whole = False
    if not (same and whole):
        raise DatasetError(
            f"{out} is there already and is another dataset, or is not whole. "
            "Give --overwrite to replace it, or another --out."
        )
    clear(work)
    return ZooResult(out, report, already_built=True)


class _Build:
    """One build: its plan, and the steps that lead to the folder."""

    def __init__(self, plan: ZooPlan, out: Path, work: Path) -> None:
        self.plan, self.out, self.work = plan, out, work
        self.folder = work / "dataset"

    def run(self, engine: str, jobs: int | None, progress: Progress | None) -> ZooResult:
        """Trains what is not finished yet, then makes the folder."""
        finished, n_resumed = self._train(engine, jobs, progress)
        gms = self._gms(finished)
        curation = draw_test_sets(
            gms, seed=self.plan.seed, diffusion_per_set=self.plan.diffusion_per_set
        )
        benchmark = Benchmark(
            name=self.plan.name,
            version=_version(gms, curation.sets, finished),
            gms=gms,
            sets=curation.sets,
            n_images=(self.plan.images_per_gm,) * len(gms),
        )
        report = report_on(benchmark, finished, curation.warnings)
        self._make_folder(benchmark, finished, report, jobs or all_cores())
        put_in_place(self.work, self.out)
        return ZooResult(self.out, report, n_resumed)

    def _train(
        self, engine: str, jobs: int | None, progress: Progress | None
    ) -> tuple[dict[str, FinishedGM], int]:
        """Returns every GM of the population, and how many were finished before."""
        plan = self.plan
        keys = {gm.name: plan.key(gm) for gm in plan.population}
        keeper = FinishedGMs(self.work / "gms")
        finished = keeper.read(keys)
        n_resumed, total = len(finished), len(plan.population)
        if progress:
            progress(n_resumed, total)
        missing = [gm for gm in plan.population if gm.name not in finished]
        needed = {gm.content for gm in missing}
        contents = {name: plan.contents[name].train for name in sorted(needed)}
        scratch = self.work / "contents"
        scratch.mkdir(exist_ok=True)
        for outcome in train_all(
            engine, [plan.task(gm) for gm in missing], contents, jobs, scratch
        ):
            name = outcome.specification.name
            finished[name] = keeper.keep(keys[name], outcome)
            if progress:
                progress(len(finished), total)
        return {gm.name: finished[gm.name] for gm in plan.population}, n_resumed

    def _gms(self, finished: Mapping[str, FinishedGM]) -> tuple[GM, ...]:
        """Returns the GMs that passed the gate, with their measured labels."""
        gms = tuple(
            GM(
                name=gm.name,
                kind=gm.kind,
                content=gm.content,
                values=labels,
                resolution=f"{gm.size}x{gm.size}",
            )
            for gm in self.plan.population
            if (labels := finished[gm.name].labels) is not None
        )
        if not gms:
            name, gm = next(iter(finished.items()))
            raise DatasetError(
                f"None of {len(finished)} GMs passed the quality gate. The first, {name}: "
                f"{gm.attempts[-1]['fault']}. Train longer, or on other images."
            )
        return gms

    def _make_folder(
        self,
        benchmark: Benchmark,
        finished: Mapping[str, FinishedGM],
        report: ZooReport,
        jobs: int,
    ) -> None:
        """Writes the whole dataset folder, from nothing: that takes seconds."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        records = self._make_shards(benchmark, finished, jobs)
        names = tuple(sorted(self.plan.contents))
        real = {
            name: real_images(self.plan.contents[name], names, self.plan.real_per_content)
            for name in names
        }
        listing = Listing({name: finished[name].images for name in records}, {}, (), ())
        texts = {
            "README.md": zoo_card(benchmark, records, self.plan, real),
            "eval.yaml": eval_text(benchmark),
            INSPECTION: _json(inspect(benchmark, listing, records).to_dict()),
            ZOO_FILE: _json(self._described(benchmark, finished, report)),
            **benchmark_files(benchmark),
        }
        files = {name: text.encode() for name, text in texts.items()}
        files |= {images.path: images.data for images in real.values()}
        files[CONTACT_SHEET] = self._contact_sheet(benchmark, finished)
        sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        sums |= {shard_path(benchmark, gm): record.sha256 for gm, record in records.items()}
        for name, data in files.items():
            (self.folder / name).parent.mkdir(exist_ok=True)
            write_durably(self.folder / name, data)
        text = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums))
        write_durably(self.folder / CHECKSUMS, text)
        write_durably(self.folder / PLAN, json.dumps({"plan": self.plan.sha256}) + "\n")

    def _make_shards(
        self, benchmark: Benchmark, finished: Mapping[str, FinishedGM], jobs: int
    ) -> dict[str, ShardRecord]:
        """Makes the shard of each GM, as `gmbench data build` does, and returns their records."""
        schema = arrow_schema(benchmark)
        scratch = self.work / "records"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        tasks = [
            ShardTask(
                files=finished[name].images,
                source_kind="tar",
                source_path=finished[name].archive,
                expected=self.plan.images_per_gm,
                max_pixels=Limits().pixels,
                labels=label_values(benchmark, name),
                schema=schema,
                shard=self.folder / shard_path(benchmark, name),
                record=scratch / f"{name}.json",
            )
            for name in benchmark.index
        ]
        made = {
            task.files.gm: record
            for task, record in in_processes(make_shard, tasks, jobs, lambda task: task.files.gm)
        }
        return {name: made[name] for name in benchmark.index}

    def _described(
        self, benchmark: Benchmark, finished: Mapping[str, FinishedGM], report: ZooReport
    ) -> dict[str, Any]:
        """Returns everything that is known of how the zoo was made."""
        plan = self.plan
        return {
            "report": report.to_dict(),
            "seed": plan.seed,
            "size": plan.size,
            "images_per_gm": plan.images_per_gm,
            "versions": plan.versions,
            "origins": [
                asdict(origin) for content in plan.contents.values() for origin in content.origins
            ],
            "gms": [
                {
                    "specification": asdict(specification),
                    "attempts": finished[specification.name].attempts,
                    "images_sha256": finished[specification.name].sha256,
                }
                for specification in plan.population
            ],
        }

    def _contact_sheet(self, benchmark: Benchmark, finished: Mapping[str, FinishedGM]) -> bytes:
        families = {gm.name: gm.family for gm in self.plan.population}
        return contact_sheet(
            [
                (gm, families[gm.name], finished[gm.name].read(IMAGES_IN_A_ROW))
                for gm in benchmark.gms
            ],
            self.plan.size,
        )


def _version(
    gms: tuple[GM, ...], sets: Mapping[str, tuple[str, ...]], finished: Mapping[str, FinishedGM]
) -> str:
    """Returns the start of a hash over labels, sets and images: any change changes it."""
    facts = [
        [[gm.name, gm.kind, gm.content, gm.values, finished[gm.name].sha256] for gm in gms],
        {name: list(test) for name, test in sets.items()},
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]


def _json(data: Any) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
