"""`gmbench info` and `gmbench splits check`: the contents of a benchmark."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gmbench.cli import output
from gmbench.cli.options import (
    DEFAULT,
    BenchmarkOption,
    JsonOption,
    LabelsOption,
    SetsOption,
    loaded_benchmark,
)
from gmbench.errors import printable
from gmbench.schema import NAMES, PARAMETERS
from gmbench.wording import plural

if TYPE_CHECKING:
    from rich.text import Text

    from gmbench.benchmark.description import (
        BenchmarkDescription,
        Description,
        GMDescription,
        ParameterDescription,
    )

splits_app = typer.Typer(name="splits", no_args_is_help=True, help="Inspect the curated sets.")


def info(
    name: Annotated[
        str | None, typer.Argument(metavar="GM|PARAMETER|SET", help="What to show.")
    ] = None,
    benchmark: BenchmarkOption = None,
    labels: LabelsOption = "2023",
    as_json: JsonOption = False,
) -> None:
    """Show a benchmark, or one of its GMs, parameters or sets.

    A GM that mini116 does not have is looked for in red116.

    Example: `gmbench info STYLEGAN_2`
    """
    from gmbench.benchmark.benchmark import load_benchmark
    from gmbench.benchmark.description import describe
    from gmbench.errors import UnknownNameError

    chosen = load_benchmark(benchmark or DEFAULT, labels)
    try:
        described = describe(name, chosen)
    except UnknownNameError as unknown:
        if benchmark is not None:
            raise
        published = load_benchmark("red116", labels)
        try:
            described = describe(name, published)
        except UnknownNameError:
            raise UnknownNameError(
                unknown.what,
                unknown.name,
                [*chosen.sets, *NAMES, *chosen.index, *published.index],
                "`gmbench info` shows what mini116 has, `gmbench info -b red116` what red116 has.",
            ) from None
    if as_json:
        output.show_json(_plain(asdict(described)))
    else:
        output.show(*_pictures(described))


@splits_app.command("check")
def check(
    benchmark: BenchmarkOption = DEFAULT,
    sets: SetsOption = None,
    labels: LabelsOption = "2023",
    as_json: JsonOption = False,
) -> None:
    """Report what test sets share with their training GMs; exit code 1 where a GM is in both.

    Example: `gmbench splits check --benchmark red116`
    """
    from gmbench.benchmark.leakage import check_splits

    reports = check_splits(loaded_benchmark(benchmark, labels, sets))
    if as_json:
        output.show_json([asdict(report) for report in reports])
    else:
        rows = [
            [
                report.name,
                ", ".join(f"{count} {kind}" for kind, count in report.kinds.items()),
                str(report.n_training),
                "none" if not report.in_training else ", ".join(report.in_training),
                str(len({test for test, _ in report.same_labels})),
                str(len({test for test, _ in report.same_architecture})),
            ]
            for report in reports
        ]
        headings = ["set", "test GMs", "training GMs", "in both", "same 25 labels", "same 15"]
        output.show(output.table(headings, rows, left=(0, 1)))
        for report in reports:
            twins = [f"{test} = {training}" for test, training in report.same_labels]
            output.show(
                f"{report.name}: the same 25 labels in training: {', '.join(twins) or 'none'}",
                f"{report.name}: constant in test: {', '.join(report.constant) or 'none'}",
            )
            if report.untrained_classes:
                unseen = [f"{name} {value}" for name, value in report.untrained_classes]
                output.show(f"{report.name}: classes without training GM: {', '.join(unseen)}")
    if any(report.in_training for report in reports):
        raise typer.Exit(1)


def _plain(described: Any) -> Any:
    """Returns a description as JSON can hold it: null for an unknown label."""
    if isinstance(described, dict):
        return {name: _plain(value) for name, value in described.items()}
    if isinstance(described, (list, tuple)):
        return [_plain(value) for value in described]
    return None if isinstance(described, float) and math.isnan(described) else described


def _pictures(described: Description) -> list[Any]:
    from gmbench.benchmark.description import (
        BenchmarkDescription,
        ParameterDescription,
        SetDescription,
    )

    if isinstance(described, BenchmarkDescription):
        return _benchmark_picture(described)
    if isinstance(described, SetDescription):
        rows = [[gm.name, gm.kind, gm.content, gm.resolution or "-"] for gm in described.gms]
        title = f"{described.name}: {len(rows)} test GMs, {described.n_training} to train on"
        return [
            output.table(["GM", "kind", "content", "resolution"], rows, title=title, left=range(4))
        ]
    if isinstance(described, ParameterDescription):
        return _parameter_picture(described)
    return _gm_picture(described)


def _benchmark_picture(described: BenchmarkDescription) -> list[Any]:
    def counts(of: dict[str, int]) -> str:
        return ", ".join(f"{count} {name}" for name, count in of.items())

    return [
        _headed(
            described.name,
            f" {described.version}: {plural(described.n_gms, 'GM')}, "
            f"{plural(described.n_images, 'image')}",
        ),
        f"kinds: {counts(described.kinds)}",
        f"contents: {counts(described.contents)}",
        output.table(
            ["set", "n", "test GMs"],
            [[name, str(len(gms)), ", ".join(gms)] for name, gms in described.sets.items()],
            left=(0, 2),
        ),
        output.table(
            ["parameter", "type", "meaning"],
            [[one.name, str(one.type), one.meaning] for one in PARAMETERS],
            left=range(3),
        ),
    ]


def _headed(name: str, rest: str) -> Text:
    from rich.text import Text

    return Text.assemble((name, "bold"), printable(rest))


def _gm_picture(described: GMDescription) -> list[Any]:
    gm = described.gm
    sets = ", ".join(described.sets) or "no set (always a training GM)"
    facts = [gm.kind, gm.content, gm.resolution, str(gm.year or "")]
    told = ", ".join(fact for fact in facts if fact)
    lines = [
        _headed(gm.name, f" of {described.benchmark}: {told}; tested in {sets}"),
        output.table(
            ["parameter", "label"],
            [list(item) for item in described.labels.items()],
            left=range(2),
        ),
    ]
    if described.twins:
        lines.append(f"the same labels: {', '.join(described.twins)}")
    lines += [_note(one.parameter, one.value_2024, one.note) for one in described.notes]
    return lines


def _parameter_picture(described: ParameterDescription) -> list[Any]:
    parameter = described.parameter
    lines: list[Any] = [
        _headed(parameter.name, f" ({parameter.type}): {parameter.meaning}"),
        f"values: {parameter.values}",
    ]
    if described.smallest is not None:
        lines.append(
            f"smallest {described.smallest:,.0f}, median {described.median:,.15g}, "
            f"largest {described.largest:,.0f}"
        )
    elif not any(described.counts.values()):
        lines.append("No GM's value is known.")
    else:
        rows = [[name, str(count)] for name, count in described.counts.items()]
        lines.append(output.table(["class", "GMs"], rows))
    lines += [
        _note("all GMs" if one.gm == "*" else one.gm, one.value_2024, one.note)
        for one in described.notes
    ]
    return lines


def _note(where: str, value_2024: float | None, text: str) -> str:
    value = "" if value_2024 is None else f" It is {value_2024:.0f} there."
    return f"note, {where}: {text}{value}"
