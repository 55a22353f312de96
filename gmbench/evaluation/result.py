"""The result of an evaluation, and its JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from gmbench.errors import UnknownNameError
from gmbench.evaluation.calibration_result import Calibration
from gmbench.evaluation.intervals import Interval
from gmbench.evaluation.metrics import METRICS
from gmbench.evaluation.summary import Summary
from gmbench.evaluation.tables import ends, to_frame

if TYPE_CHECKING:
    import pandas as pd

PROTOCOL = "2"
"""Version of the metrics' definitions. Results of different protocols are not comparable."""

TABLES = ("summary", "sets", "parameters", "calibration", "gms")
"""The tables that `Evaluation.to_pandas` makes."""

_OLDER = "not in this result: it was made before the metric was there"


@dataclass(frozen=True)
class SetResult:
    """All metrics in one set; `undefined` gives the reason for each value that is None."""

    n_gms: int
    n_images: int
    values: dict[str, float | None]
    intervals: dict[str, Interval | None]
    undefined: dict[str, str]


@dataclass(frozen=True)
class ParameterResult:
    """The scores of one parameter: means over the sets, like the summary.

    Attributes:
        type: `continuous`, `discrete` or `loss`.
        values: `l1`, `correlation` and `r2`, or `f1`, `f1_macro` and `accuracy`.
        intervals: 95% intervals of the values.
        classes: Class names; empty for a continuous parameter.
        confusion: Number of images by true (row) and predicted class, over all sets.
    """

    type: str
    values: dict[str, float | None]
    intervals: dict[str, Interval | None]
    classes: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class GMResult:
    """The scores of one test GM in one set.

    Attributes:
        gm: Its name.
        set: Name of the set.
        kind: Its kind.
        n_images: Number of its images.
        l1: Mean absolute error, normalised units.
        arch_accuracy: Fraction of the 6 discrete architecture parameters that are right, mean over
            its images; unknown ones do not count.
        loss_accuracy: The same for the 10 losses.
        truth: Its labels: counts and class indices; None where unknown.
        predicted: Mean prediction of each count, most frequent prediction of every other parameter.
        predicted_std: Standard deviation over its images of each count's prediction.
    """

    gm: str
    set: str
    kind: str
    n_images: int
    l1: float
    arch_accuracy: float
    loss_accuracy: float
    truth: dict[str, float | None]
    predicted: dict[str, float]
    predicted_std: dict[str, float]


@dataclass(frozen=True)
class WithoutTwins:
    """The headline metrics without the test GMs that have a twin in training.

    A twin is a training GM of the set with the same 15 architecture values: a method that
    recognises it need not parse the image.

    Attributes:
        n_gms: Number of test GMs that are left.
        gms: Those left out, by set name; only for sets that have any.
        same_labels: Those of them that share all 25 values with a twin, likewise.
        empty_sets: Sets whose GMs all have a twin; they enter no mean.
        summary: Each headline metric over the sets that have GMs left.
    """

    n_gms: int
    gms: dict[str, tuple[str, ...]]
    same_labels: dict[str, tuple[str, ...]]
    empty_sets: tuple[str, ...]
    summary: dict[str, Summary]

    @property
    def lines(self) -> tuple[str, ...]:
        """One line per set, for people: which GMs are left out, and whether any are left."""
        lines = []
        for name, gms in self.gms.items():
            same = self.same_labels.get(name, ())
            named = ", ".join(f"{gm}*" if gm in same else gm for gm in gms)
            gone = "; no other GM is left, and the means are without this set"
            lines.append(f"{name}: {named}{gone if name in self.empty_sets else ''}")
        return tuple(lines)


@dataclass(frozen=True)
class LossesWithoutPositive:
    """Losses that no GM of a set uses: always saying no has an F1 of 1 there, for nothing.

    Attributes:
        cells: Number of such (set, loss) pairs.
        of: Number of all pairs.
        sets: Those losses, by set name; only for sets that have any.
    """

    cells: int
    of: int
    sets: dict[str, tuple[str, ...]]

    @property
    def line(self) -> str:
        """The same in one line, for people; empty where there are none."""
        if not self.cells:
            return ""
        return (
            f"No GM of a set uses the loss in {self.cells} of {self.of} pairs of set and loss: "
            "saying no has a loss F1 of 1 there, for nothing."
        )


@dataclass(frozen=True)
class Manifest:
    """What a result was made from.

    Attributes:
        predictions: Name of the prediction file, without its folder.
        predictions_sha256: SHA-256 of the predictions, whatever the file's format.
        labels_sha256: SHA-256 of the labels.
        splits_sha256: SHA-256 of the sets, their GMs' numbers of images, and GMs without images.
        reference: What the p-values compare with.
        partial: Whether sets were allowed to lack GMs or images.
        min_images: Minimum number of images required of each GM; None for all.
        gmbench: Version of this package.
        numpy: Version of numpy, whose generator draws the replicates.
        protocol: Version of the metrics' definitions.
        replicates: Number of bootstrap replicates.
        seed: Seed of the bootstrap and of RANSAC.
    """

    predictions: str
    predictions_sha256: str
    labels_sha256: str
    splits_sha256: str
    reference: str
    partial: bool
    min_images: int | None
    gmbench: str
    numpy: str
    protocol: str
    replicates: int
    seed: int


@dataclass(frozen=True)
class Evaluation:
    """Everything that `gmbench evaluate` reports about a prediction file.

    Attributes:
        benchmark: Name of the benchmark.
        version: Its version.
        n_images: Number of predictions.
        n_gms: Number of test GMs.
        summary: Each metric over the sets.
        without_twins: The headline metrics without the test GMs that have a twin in training;
            None where no test GM has one.
        gm_level: Each metric except `p_value_images` with all images of a GM combined: the mean of
            its counts and of its losses' scores, the majority of its classes. None in older
            results.
        losses_without_positive: Losses that no GM of a set uses; None in older results.
        calibration: How far probabilities are from what comes true; None in older results.
        sets: Each set's metrics.
        parameters: Each parameter's results.
        gms: Each test GM's results, keyed by the GM's name, which follows the set's name and a
            slash where sets share GMs.
        manifest: What the result was made from.
    """

    benchmark: str
    version: str
    n_images: int
    n_gms: int
    summary: dict[str, Summary]
    without_twins: WithoutTwins | None
    gm_level: dict[str, Summary] | None
    losses_without_positive: LossesWithoutPositive | None
    calibration: Calibration | None
    sets: dict[str, SetResult]
    parameters: dict[str, ParameterResult]
    gms: dict[str, GMResult]
    manifest: Manifest

    def to_dict(self) -> dict[str, Any]:
        """Returns the result as plain data: finite numbers or None, keys in a fixed order."""
        names = [metric.name for metric in METRICS]
        return {
            "benchmark": self.benchmark,
            "version": self.version,
            "protocol": self.manifest.protocol,
            "n_images": self.n_images,
            "n_gms": self.n_gms,
            "summary": {name: asdict(self.summary[name]) for name in names},
            "without_twins": asdict(self.without_twins) if self.without_twins else None,
            "gm_level": self.gm_level
            and {name: asdict(self.gm_level[name]) for name in names if name in self.gm_level},
            "losses_without_positive": self.losses_without_positive
            and asdict(self.losses_without_positive),
            "calibration": self.calibration and self.calibration.to_dict(),
            "sets": {
                name: {
                    **{metric: result.values[metric] for metric in names},
                    "n_gms": result.n_gms,
                    "n_images": result.n_images,
                    "intervals": result.intervals,
                    "undefined": result.undefined,
                }
                for name, result in self.sets.items()
            },
            "parameters": {
                name: {
                    "type": result.type,
                    **result.values,
                    "intervals": result.intervals,
                    "classes": list(result.classes),
                    "confusion": [list(row) for row in result.confusion],
                }
                for name, result in self.parameters.items()
            },
            "gms": {name: asdict(result) for name, result in self.gms.items()},
            "manifest": asdict(self.manifest),
        }

    def to_pandas(
        self,
        table: Literal["summary", "sets", "parameters", "calibration", "gms"] = "summary",
    ) -> pd.DataFrame:
        """Returns a part of the result as a DataFrame; undefined values are NaN.

        Args:
            table: `summary` has one row per metric: its `mean` and `std` over the sets, the ends
                `lo` and `hi` of its interval, `gm_level`, its mean with all images of a GM
                combined, and `without_twins`, a headline metric's mean without the test GMs that
                have a twin in training, where there are any. `sets` has one row per set and one
                column per metric. `parameters` has one row per parameter: its scores, each followed
                by the ends of its interval, such as `l1_lo` and `l1_hi`. `calibration` has one row
                each for the architecture, the losses, and each of their parameters: its error with
                the ends of its interval, and the error expected of calibrated predictions. `gms`
                has one row per test GM in a set, with its scores.

        Raises:
            UnknownNameError: There is no such table.

        Examples:
            >>> import gmbench
            >>> from gmbench.predictions.reference import mean_mode
            >>> result = gmbench.evaluate(mean_mode(gmbench.load_benchmark("red116")), replicates=0)
            >>> frame = result.to_pandas().loc[["l1", "loss_f1"], ["mean", "std"]]
            >>> frame.reset_index().round(3)
                metric   mean    std
            0       l1  0.155  0.016
            1  loss_f1  0.739  0.021
        """
        if table == "summary":
            left = self.without_twins.summary if self.without_twins else {}
            together = self.gm_level or {}
            return to_frame(
                (
                    {
                        "metric": name, "mean": one.mean, "std": one.std, **ends(one.ci),
                        "gm_level": together[name].mean if name in together else None,
                        "without_twins": left[name].mean if name in left else None,
                    }
                    for name, one in self.summary.items()
                ),
                "metric",
            )  # fmt: skip
        if table == "sets":
            return to_frame(
                (
                    {"set": name, **one.values, "n_gms": one.n_gms, "n_images": one.n_images}
                    for name, one in self.sets.items()
                ),
                "set",
            )
        if table == "parameters":
            rows: list[dict[str, Any]] = []
            for name, parameter in self.parameters.items():
                rows.append({"parameter": name, "type": parameter.type})
                for score, value in parameter.values.items():
                    interval = parameter.intervals.get(score)
                    rows[-1] |= {score: value, **ends(interval, f"{score}_")}
            return to_frame(rows, "parameter")
        if table == "gms":
            shown = ("gm", "set", "kind", "n_images", "l1", "arch_accuracy", "loss_accuracy")
            return to_frame({key: getattr(one, key) for key in shown} for one in self.gms.values())
        if table == "calibration":
            found = self.calibration
            parts = {} if found is None else found.together | found.parameters
            return to_frame(
                (
                    {"of": name, "ece": one.ece, **ends(one.ci), "by_chance": one.by_chance}
                    for name, one in parts.items()
                ),
                "of",
            )
        raise UnknownNameError("Table", table, TABLES)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Evaluation:
        """Reads back the output of `to_dict`, also from JSON; what an older result lacks is None.

        Raises:
            KeyError: A key is missing.
            TypeError: A key is unexpected.
        """

        def intervals(ends: Mapping[str, Any]) -> dict[str, Interval | None]:
            return {name: None if pair is None else tuple(pair) for name, pair in ends.items()}

        def summary(of: Mapping[str, Any]) -> dict[str, Summary]:
            return {name: Summary.from_dict(one) for name, one in of.items()}

        def by_set(of: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
            return {name: tuple(gms) for name, gms in of.items()}

        apart = ("type", "intervals", "classes", "confusion")
        # Older results lack some blocks, and metrics that were added later.
        twins, together = data.get("without_twins"), data.get("gm_level")
        no_positive, calibration = data.get("losses_without_positive"), data.get("calibration")
        missing = {m.name: Summary(None, None, None, _OLDER) for m in METRICS}
        return cls(
            benchmark=data["benchmark"],
            version=data["version"],
            n_images=data["n_images"],
            n_gms=data["n_gms"],
            summary=missing | summary(data["summary"]),
            without_twins=twins
            and WithoutTwins(
                n_gms=twins["n_gms"],
                gms=by_set(twins["gms"]),
                same_labels=by_set(twins["same_labels"]),
                empty_sets=tuple(twins["empty_sets"]),
                summary={m.name: missing[m.name] for m in METRICS if m.headline}
                | summary(twins["summary"]),
            ),
            gm_level=together and summary(together),
            losses_without_positive=no_positive
            and LossesWithoutPositive(
                no_positive["cells"], no_positive["of"], by_set(no_positive["sets"])
            ),
            calibration=calibration and Calibration.from_dict(calibration),
            sets={
                name: SetResult(
                    n_gms=one["n_gms"],
                    n_images=one["n_images"],
                    values={metric.name: one.get(metric.name) for metric in METRICS},
                    intervals=intervals(one["intervals"]),
                    undefined={m.name: _OLDER for m in METRICS if m.name not in one}
                    | one["undefined"],
                )
                for name, one in data["sets"].items()
            },
            parameters={
                name: ParameterResult(
                    type=one["type"],
                    values={key: value for key, value in one.items() if key not in apart},
                    intervals=intervals(one["intervals"]),
                    classes=tuple(one["classes"]),
                    confusion=tuple(map(tuple, one["confusion"])),
                )
                for name, one in data["parameters"].items()
            },
            gms={name: GMResult(**one) for name, one in data["gms"].items()},
            manifest=Manifest(**data["manifest"]),
        )
