"""Builds a zoo: trains its GMs, draws the test sets, writes the dataset folder.

All work is done in `OUT.partial`. Each finished GM is kept there, whole or not at all, so a build
that is killed resumes GM by GM and ends with the same bytes. The dataset is then made from the
finished GMs in a few seconds, just as `gmbench data build` makes it, and moved into place with a
single rename.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from gmbench.benchmark.benchmark import Benchmark
from gmbench.benchmark.catalog import GM
from gmbench.benchmark.curation import Curation, draw_test_sets
from gmbench.data.dataset_card import eval_text
from gmbench.data.dataset_folder import (
    check_built,
    check_out,
    check_places,
    clear,
    finish,
    is_built,
    make_shards,
    take_up,
    work_on,
)
from gmbench.data.inspection import INSPECTION, inspect
from gmbench.data.listing import Listing
from gmbench.data.parallel import all_cores
from gmbench.data.sources import Limits
from gmbench.errors import DatasetError
from gmbench.files import json_text, parse_json
from gmbench.progress import Expectation, Progress
from gmbench.zoo.contact_sheet import IMAGES_IN_A_ROW, contact_sheet
from gmbench.zoo.devices import check_per_gpu, device_for
from gmbench.zoo.engines import check_engine, train_all
from gmbench.zoo.expected import expectation
from gmbench.zoo.finished import FinishedGM, FinishedGMs
from gmbench.zoo.plan import ZooPlan, check_plan
from gmbench.zoo.report import ZooReport, report_on
from gmbench.zoo.specification import Specification
from gmbench.zoo.zoo_card import real_images, zoo_card

ZOO_FILE = "zoo.json"
"""Holds the report, every GM's specification and attempts, and the origins of the real images."""

CONTACT_SHEET = "contact_sheet.png"


@dataclass(frozen=True, slots=True)
class ZooResult:
    """A built zoo.

    Attributes:
        folder: The dataset folder.
        report: The report on it.
        n_resumed: Number of GMs that an earlier, interrupted build had finished.
        already_built: Whether the folder already existed, built from the same plan.
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
    per_gpu: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    expected: Callable[[Expectation], None] | None = None,
) -> ZooResult:
    """Builds the dataset folder of a zoo.

    A script that calls this needs an `if __name__ == "__main__":` guard, since it starts processes.

    Args:
        plan: What to build.
        out: The folder to create; unfinished work is kept beside it, in `OUT.partial`.
        jobs: Number of GMs trained at once; if None, one per core, or on GPUs as many as may
            share them.
        engine: `local` for processes on this machine, or `ray`.
        per_gpu: Maximum number of GMs that share a GPU; 4 if neither this nor `jobs` is given.
        overwrite: Whether to replace an earlier dataset.
        progress: Called with the number of finished GMs and their total number.
        expected: Called before the first GM with how long the missing ones are expected to take.

    Raises:
        UnknownNameError: There is no such engine, or the plan has an unknown kind or content.
        DatasetError: `out` cannot be written or is in use, a process died, a package is missing,
            there is no GPU for a plan that needs one, GMs of an interrupted build were trained on
            another device, or no GM passed the gate.
    """
    check_engine(engine)
    device_for(plan.device, engine)
    check_per_gpu(per_gpu, plan.device)
    check_plan(plan)
    check_out(out, overwrite)
    if plan.images_from:
        check_places(plan.images_from, out, overwrite)
    with work_on(out) as work:
        if is_built(out, overwrite):
            _check_built_on(out, plan.device)
            check_built(out, plan.sha256)
            report = _read_report(out)
            clear(work)
            return ZooResult(out, report, already_built=True)
        return _Build(plan, out, work).run(engine, jobs, per_gpu, progress, expected)


def _check_built_on(out: Path, device: str) -> None:
    try:
        described = parse_json((out / ZOO_FILE).read_text(encoding="utf-8"))
        was = str(described.get("device", "cpu"))
    except (OSError, ValueError, AttributeError):
        return  # Another check reports what is wrong with it.
    if was != device:
        raise DatasetError(
            f"{out} is there already and was trained on the {was}, not on the {device}. Give "
            f"--device {was}, --overwrite to replace it, or another --out."
        )


def _read_report(out: Path) -> ZooReport:
    try:
        described = parse_json((out / ZOO_FILE).read_text(encoding="utf-8"))
        return ZooReport.from_dict(described["report"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"{out / ZOO_FILE} is damaged ({type(error).__name__}). Build with --overwrite."
        ) from error


class _Build:
    """One build: its plan, and the steps that produce the folder."""

    def __init__(self, plan: ZooPlan, out: Path, work: Path) -> None:
        self.plan, self.out, self.work = plan, out, work

    def run(
        self,
        engine: str,
        jobs: int | None,
        per_gpu: int | None,
        progress: Progress | None,
        expected: Callable[[Expectation], None] | None,
    ) -> ZooResult:
        """Trains the GMs that are not finished yet, then makes the folder."""
        finished, n_resumed = self._train(engine, jobs, per_gpu, progress, expected)
        gms = self._gms(finished)
        curation = self._sets(gms)
        benchmark = Benchmark(
            name=self.plan.name,
            version=_version(gms, curation.sets, finished),
            gms=gms,
            sets=curation.sets,
            n_images=(self.plan.images_per_gm,) * len(gms),
        )
        report = report_on(benchmark, finished, curation.warnings)
        self._make_folder(benchmark, finished, report, jobs or all_cores())
        return ZooResult(self.out, report, n_resumed)

    def _train(
        self,
        engine: str,
        jobs: int | None,
        per_gpu: int | None,
        progress: Progress | None,
        expected: Callable[[Expectation], None] | None,
    ) -> tuple[dict[str, FinishedGM], int]:
        """Returns every GM of the population, and how many were already finished."""
        plan = self.plan
        keys = {gm.name: plan.key(gm) for gm in plan.population}
        keeper = FinishedGMs(self.work / "gms")
        self._refuse_other_device(keeper)
        finished = keeper.read(keys)
        n_resumed, total = len(finished), len(plan.population)
        missing = [gm for gm in plan.population if gm.name not in finished]
        if expected:
            # The number of cores of a cluster is not known here.
            at_once = jobs or (all_cores() if engine == "local" else None)
            expected(expectation(missing, at_once, plan.device))
        if progress:
            progress("GMs", n_resumed, total)
        needed = {need for gm in missing for need in gm.needs}
        contents = {key: plan.by_key[key].train for key in sorted(needed)}
        scratch = self.work / "contents"
        scratch.mkdir(exist_ok=True)
        for outcome in train_all(
            engine, [plan.task(gm) for gm in missing], contents, jobs, scratch, per_gpu
        ):
            name = outcome.specification.name
            finished[name] = keeper.keep(keys[name], outcome)
            if progress:
                progress("GMs", len(finished), total)
        return {gm.name: finished[gm.name] for gm in plan.population}, n_resumed

    def _refuse_other_device(self, keeper: FinishedGMs) -> None:
        """Refuses to resume with GMs trained on another device, or to delete them unasked."""
        plan = self.plan
        other = replace(plan, device="cpu" if plan.device == "cuda" else "cuda")
        if there := keeper.count({gm.name: other.key(gm) for gm in plan.population}):
            raise DatasetError(
                f"{self.work} holds GMs that were trained on the {other.device}: {there} of "
                f"{len(plan.population)}. A zoo is trained on one device. Give --device "
                f"{other.device} to go on, or delete that folder to begin anew on the "
                f"{plan.device}."
            )

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

    def _sets(self, gms: tuple[GM, ...]) -> Curation:
        """Returns the plan's test sets without the failed GMs, or draws sets if it has none."""
        plan = self.plan
        if plan.sets is None:
            return draw_test_sets(gms, seed=plan.seed, diffusion_per_set=plan.diffusion_per_set)
        made = {gm.name for gm in gms}
        warnings = tuple(
            f"{name} lacks {', '.join(lost)}, which did not pass the quality gate."
            for name, test in plan.sets.items()
            if (lost := [gm for gm in test if gm not in made])
        )
        sets = {
            name: tuple(gm for gm in test if gm in made)
            for name, test in plan.sets.items()
            if made & set(test)
        }
        return Curation(sets, warnings)

    def _make_folder(
        self,
        benchmark: Benchmark,
        finished: Mapping[str, FinishedGM],
        report: ZooReport,
        jobs: int,
    ) -> None:
        """Makes the whole dataset folder, which takes seconds, and moves it into place."""
        take_up(self.work, self.plan.sha256, afresh=True)
        sources = {gm: (finished[gm].images, "tar", finished[gm].archive) for gm in benchmark.index}
        records, _ = make_shards(self.work, benchmark, sources, Limits().pixels, jobs)
        real = [
            real_images(content, self.plan.content_names, self.plan.real_per_content)
            for _, content in sorted(self.plan.by_key.items())
        ]
        listing = Listing({name: files for name, (files, _, _) in sources.items()}, {}, (), ())
        files: dict[str, str | bytes] = {
            "README.md": zoo_card(benchmark, records, self.plan, real),
            "eval.yaml": eval_text(benchmark),
            INSPECTION: inspect(benchmark, listing, records).text(),
            ZOO_FILE: json_text(self._described(benchmark, finished, report)),
            CONTACT_SHEET: self._contact_sheet(benchmark, finished),
            **{images.path: images.data for images in real},
        }
        finish(self.work, self.out, benchmark, records, files, self.plan.sha256)

    def _described(
        self, benchmark: Benchmark, finished: Mapping[str, FinishedGM], report: ZooReport
    ) -> dict[str, Any]:
        """Returns everything that is known about how the zoo was made."""
        plan = self.plan
        return {
            "report": report.to_dict(),
            "seed": plan.seed,
            **({} if plan.content_seed is None else {"content_seed": plan.content_seed}),
            "sizes": plan.sizes,
            "images_per_gm": plan.images_per_gm,
            "device": plan.device,
            "versions": plan.versions,
            "origins": [asdict(origin) for origin in plan.origins],
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
        families = {gm.name: _made(gm, finished[gm.name]).family for gm in self.plan.population}
        return contact_sheet(
            [
                (gm, families[gm.name], finished[gm.name].read(IMAGES_IN_A_ROW))
                for gm in benchmark.gms
            ],
            max(self.plan.sizes),
        )


def _made(gm: Specification, finished: FinishedGM) -> Specification:
    """Returns what was trained in the end: the GM itself or one of its spares."""
    spare: int = finished.attempts[-1].get("spare", 0)
    return (gm, *gm.spares)[spare]


def _version(
    gms: tuple[GM, ...], sets: Mapping[str, tuple[str, ...]], finished: Mapping[str, FinishedGM]
) -> str:
    """Returns the start of a hash over labels, sets and images; any change to them changes it."""
    facts = [
        [[gm.name, gm.kind, gm.content, gm.values, finished[gm.name].sha256] for gm in gms],
        {name: list(test) for name, test in sets.items()},
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]
