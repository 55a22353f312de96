"""Which images a prediction file is about: its benchmark, its `image_id`s, its sets."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gmbench.benchmark.benchmark import NAMED, Benchmark, load_benchmark, named_benchmark_with
from gmbench.errors import nearest_names
from gmbench.predictions.checks import MOST_SHOWN, Checklist
from gmbench.predictions.image_ids import gms_meant, image_id_meant
from gmbench.predictions.raw_table import RawTable
from gmbench.wording import plural

_WRITE, _OTHER_SET = "write it", "is not in that set"


@dataclass(frozen=True)
class ImageIndex:
    """The images of a benchmark's test sets, each of which has a row in a complete prediction file.

    Attributes:
        image_ids: Such as `AAE/000123`; one entry for each set that the image is in.
        sets: Index of the entry's set, in the order of `Benchmark.sets`.
        gms: Row of the entry's GM in `Benchmark.gms`.
    """

    image_ids: tuple[str, ...]
    sets: NDArray[np.int16]
    gms: NDArray[np.int32]

    @cached_property
    def as_arrow(self) -> pa.Array:
        """The `image_id`s."""
        return pa.array(self.image_ids, pa.string())


def image_index(benchmark: Benchmark) -> ImageIndex:
    """Returns the test images of a benchmark: set by set, GM by GM, in numerical order."""
    names = tuple(gm.name for gm in benchmark.gms)
    return _image_index(names, benchmark.n_images, tuple(benchmark.sets.values()))


@lru_cache(maxsize=4)
def _image_index(
    names: tuple[str, ...], n_images: tuple[int, ...], tested: tuple[tuple[str, ...], ...]
) -> ImageIndex:
    row_of = {name: row for row, name in enumerate(names)}
    image_ids: list[str] = []
    sets, gms, counts = [], [], []
    for number, test in enumerate(tested):
        for name in test:
            row = row_of[name]
            count = n_images[row]
            image_ids += [f"{name}/{image:06d}" for image in range(count)]
            sets.append(number)
            gms.append(row)
            counts.append(count)
    return ImageIndex(
        tuple(image_ids),
        np.repeat(np.array(sets, dtype=np.int16), counts),
        np.repeat(np.array(gms, dtype=np.int32), counts),
    )


def find_images(
    raw: RawTable,
    benchmark: str | Path | Benchmark | None,
    checklist: Checklist,
    *,
    partial: bool,
    min_images: int | None,
    for_submission: bool,
) -> tuple[Benchmark, ImageIndex, NDArray[np.int64]] | None:
    """Finds the benchmark, and which of its images each row is about.

    Returns:
        The benchmark, its image index and the entry of each row (-1 if it has none), or None if
        the images cannot be identified.
    """
    ids = raw.columns["image_id"]
    if pa.types.is_dictionary(ids.type):
        ids = ids.dictionary_decode()
    if not (pa.types.is_string(ids.type) or pa.types.is_large_string(ids.type)):
        checklist.failed(
            "column_types", f"column image_id is {ids.type}, not string.",
            "write it as text such as 'AAE/000123'.", fatal=True,
        )  # fmt: skip
        return None
    ids = pc.fill_null(pc.cast(ids, pa.string()), "")
    known = _find_benchmark(ids, benchmark, checklist)
    if known is None:
        return None
    index = image_index(known)
    order = _find_entries(raw, known, index, ids, checklist)
    if order is None:
        return None
    counts = np.bincount(order[order >= 0], minlength=len(index.image_ids))
    _check_repeats(raw, index, order, counts, checklist)
    found = np.flatnonzero(counts)
    check_sets_whole(
        known, index.sets[found], index.gms[found], checklist,
        partial=partial, min_images=min_images, for_submission=for_submission,
    )  # fmt: skip
    return known, index, order


def _gms_named(ids: pa.Array) -> Counter[str]:
    """Returns how many rows name each GM, the text before the last slash."""
    parts = pc.split_pattern(ids, "/", max_splits=1, reverse=True)
    named = pc.if_else(pc.match_substring(ids, "/"), pc.list_element(parts, 0), "")
    counted = pc.value_counts(named)
    names, counts = (counted.field(name).to_pylist() for name in ("values", "counts"))
    return Counter(dict(zip(names, counts, strict=True)))


def _find_benchmark(
    ids: pa.Array, benchmark: str | Path | Benchmark | None, checklist: Checklist
) -> Benchmark | None:
    """Returns the given benchmark, or infers it from the GM names in the file."""
    named = _gms_named(ids)
    if benchmark is not None:
        known = load_benchmark(benchmark)
        if _hits(named, known) * 2 < sum(named.values()):
            # Names that are merely written differently get their right form reported by row.
            named = gms_meant(ids.to_pylist(), known.index)
        strangers = sum(named.values()) - _hits(named, known)
        if strangers * 2 > sum(named.values()):
            other = named_benchmark_with(set(named))
            checklist.failed(
                "benchmark",
                f"most rows ({strangers:,}) name GMs that {known.name} does not have.",
                f"give --benchmark {other.name}." if other else "give the right --benchmark.",
                fatal=True,
            )
            return None
        checklist.passed("benchmark", f"{known.name}, version {known.version}")
        return known
    fitting = named_benchmark_with(set(named))
    if fitting is None:
        # A few wrong names are reported as such; the benchmark is the one that fits most rows.
        candidates = [load_benchmark(name) for name in NAMED]
        hits = [_hits(named, one) for one in candidates]
        if max(hits) * 2 <= sum(named.values()):
            meant = gms_meant(ids.to_pylist(), [name for one in candidates for name in one.index])
            hits = [_hits(meant, one) for one in candidates]
        fitting = candidates[int(np.argmax(hits))]
        if max(hits) * 2 <= sum(named.values()):
            examples = [f"{name or 'rows without a GM'} ({plural(n, 'row')})" for name, n in
                        named.most_common(MOST_SHOWN)]  # fmt: skip
            checklist.failed(
                "benchmark",
                f"the GM names fit none of {', '.join(NAMED)}.",
                "give --benchmark FOLDER, the folder of the dataset that was predicted; "
                "an image_id is the GM's name, a slash and six digits.",
                examples,
                len(named),
                fatal=True,
            )
            return None
    told = f"{fitting.name}, version {fitting.version}, told from the GM names"
    checklist.passed("benchmark", told)
    return fitting


def _hits(named: Counter[str], benchmark: Benchmark) -> int:
    """Returns how many rows name a GM of a benchmark."""
    return sum(count for name, count in named.items() if name in benchmark.index)


def _find_entries(
    raw: RawTable,
    benchmark: Benchmark,
    index: ImageIndex,
    ids: pa.Array,
    checklist: Checklist,
) -> NDArray[np.int64] | None:
    """Looks up each row's image; shape (rows,), -1 where there is no such image."""
    names = list(benchmark.sets)
    if benchmark.sets_overlap and "set" not in raw.columns:
        checklist.failed(
            "set_column",
            f"the sets of {benchmark.name} share GMs, but there is no column set.",
            f"add one that says for each row which set's model predicted it: {', '.join(names)}.",
            fatal=True,
        )
        return None
    if "set" in raw.columns:  # Where no sets share GMs, it may be left out, but not be wrong.
        chosen = raw.columns["set"]
        both = zip(chosen.to_pylist(), ids.to_pylist(), strict=True)
        found = pc.index_in(
            pa.array([f"{set_name}:{image_id}" for set_name, image_id in both], pa.string()),
            value_set=pa.array(
                [f"{names[s]}:{i}" for s, i in zip(index.sets, index.image_ids, strict=True)],
                pa.string(),
            ),
        )
    else:
        found = pc.index_in(ids, value_set=index.as_arrow)
    order: NDArray[np.int64] = pc.fill_null(found, -1).to_numpy(zero_copy_only=False)
    order = order.astype(np.int64)
    unknown = np.flatnonzero(order < 0)
    if len(unknown):
        first = unknown[:MOST_SHOWN].tolist()
        texts = [ids[row].as_py() for row in first]
        reasons = [_why_unknown(text, benchmark) for text in texts]
        rule = "keep rows of test images alone"
        if any(reason.startswith(_WRITE) for reason in reasons):
            rule = "an image_id is the GM's name, a slash and six digits"
        elif any(reason.endswith(_OTHER_SET) for reason in reasons):
            rule = "give each row in column set a set that tests its GM"
        checklist.failed(
            "image_ids_known",
            f"{len(unknown):,} of {plural(len(order), 'row')} "
            f"{'names' if len(unknown) == 1 else 'name'} no test image of {benchmark.name}.",
            f"{rule}; `gmbench template` lists them all.",
            [
                f"{raw.place(row)}: {text!r}: {reason}"
                for row, text, reason in zip(first, texts, reasons, strict=True)
            ],
            len(unknown),
        )
    else:
        checklist.passed("image_ids_known", "every row names a test image")
    return order


def _why_unknown(image_id: str, benchmark: Benchmark) -> str:
    """Returns what is wrong with an image_id that was not found."""
    if image_id == "image_id":
        return "a header again; keep the first alone"
    meant = image_id_meant(image_id, benchmark)
    if meant not in ("", image_id):
        return f"{_WRITE} {meant}"
    name, _, number = image_id.rpartition("/")
    if name not in benchmark.index:
        nearest = nearest_names(name, benchmark.index, most=1)
        return "there is no such GM" + (f"; is it {nearest[0]}?" if nearest else "")
    if not any(name in test for test in benchmark.sets.values()):
        return f"{name} is in no test set; --sets cv10 tests every GM"
    if not (number.isdigit() and len(number) == 6):
        return "the number must have six digits"
    count = benchmark.n_images[benchmark.index[name]]
    if int(number) >= count:
        return f"{name} has {plural(count, 'image')}, numbered from 000000"
    return f"{name} {_OTHER_SET}"


def _check_repeats(
    raw: RawTable,
    index: ImageIndex,
    order: NDArray[np.int64],
    counts: NDArray[np.int64],
    checklist: Checklist,
) -> None:
    """Checks that no entry has more than one row, given how many each has."""
    repeated = np.flatnonzero(counts > 1)
    if len(repeated) == 0:
        checklist.passed("image_ids_unique", "no image is repeated")
        return
    offenders = []
    for entry in repeated[:MOST_SHOWN].tolist():
        places = [raw.place(row) for row in np.flatnonzero(order == entry)[:3].tolist()]
        more = f" and {counts[entry] - 3} more" if counts[entry] > 3 else ""
        offenders.append(f"{index.image_ids[entry]}: {', '.join(places)}{more}")
    checklist.failed(
        "image_ids_unique",
        f"{plural(len(repeated), 'image stands', 'images stand')} there more than once.",
        "keep one row an image.",
        offenders,
        len(repeated),
    )


def check_sets_whole(
    benchmark: Benchmark,
    sets: NDArray[np.int16],
    gms: NDArray[np.int32],
    checklist: Checklist,
    *,
    partial: bool,
    min_images: int | None,
    for_submission: bool,
) -> None:
    """Checks that every set with a row, or every set, has enough images of all of its GMs.

    Args:
        benchmark: The benchmark that was predicted.
        sets: Index of the set of each image present.
        gms: Row of the GM of each of these images.
        checklist: Receives the check `sets_whole`, and `sets_all` if it is made.
        partial: Whether a set may lack GMs or images.
        min_images: Number of images of each GM that must be present; by default all. With
            `partial`, of each GM that has any; by default one.
        for_submission: Whether every set must be present.
    """
    offenders: list[str] = []
    whole: list[str] = []
    for number, (name, test) in enumerate(benchmark.sets.items()):
        rows = np.bincount(gms[sets == number], minlength=len(benchmark.gms))
        if not rows.any():
            continue
        before = len(offenders)
        for gm in test:
            row = benchmark.index[gm]
            has = int(rows[row])
            needed = benchmark.n_images[row]
            needed = needed if min_images is None else min(min_images, needed)
            if has < needed and (has or not partial):
                offenders.append(f"{name}: {gm} has {has:,} of {plural(needed, 'row')}")
        if len(offenders) == before:
            whole.append(name)
    of = benchmark.name
    if partial and min_images is None:
        checklist.passed("sets_whole", "not asked for (partial)")
    elif offenders:
        checklist.failed(
            "sets_whole",
            f"{plural(len(offenders), f'GM of {of} lacks', f'GMs of {of} lack')} rows.",
            "leave these GMs out, or lower --min-images."
            if partial
            else "predict every image of every GM of a set"
            f"{'.' if for_submission else ', or say --partial or --min-images N.'}",
            offenders,
        )
    elif partial:
        checklist.passed("sets_whole", f"each GM has {min_images:,} rows, or all (partial)")
    else:
        checklist.passed("sets_whole", f"whole: {', '.join(whole) or 'none'}")
    if for_submission:
        _check_sets_all(benchmark, sets, checklist)


def _check_sets_all(benchmark: Benchmark, sets: NDArray[np.int16], checklist: Checklist) -> None:
    names = list(benchmark.sets)
    absent = [name for number, name in enumerate(names) if number not in sets]
    if absent:
        checklist.failed(
            "sets_all",
            f"{len(absent)} of {len(names)} test sets are not predicted.",
            "predict them all: results over different sets do not compare.",
            absent,
        )
    else:
        checklist.passed("sets_all", f"all of {', '.join(names)}")
