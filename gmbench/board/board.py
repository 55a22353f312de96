"""Where the files of a leaderboard lie, and which submissions it has.

```
leaderboard/
  submissions/NAME/   card.yaml  predictions.parquet  results.json
  benchmarks/NAME/    gms.csv  benchmark.json    of benchmarks that gmbench does not know by name;
                      NAME-cv10 and the like where others than its own sets were predicted
  reported.csv        figures that papers report
  site/               made by `gmbench leaderboard build`
```
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, replace
from pathlib import Path

from gmbench.benchmark.benchmark import (
    NAMED,
    Benchmark,
    benchmark_files,
    load_benchmark,
    read_benchmark,
)
from gmbench.benchmark.catalog import LABEL_RELEASES
from gmbench.benchmark.cross_validation import (
    PROTOCOLS,
    base_and_sets,
    name_with_sets,
    with_sets,
)
from gmbench.board.safe_yaml import MOST_BYTES
from gmbench.board.submission_card import NAME_PATTERN
from gmbench.errors import BenchmarkError, GmbenchError, UnknownNameError

CARD, PREDICTIONS, RESULTS = "card.yaml", "predictions.parquet", "results.json"

LARGEST: dict[str, int] = {CARD: MOST_BYTES, PREDICTIONS: 100_000_000, RESULTS: 20_000_000}
"""Bytes that each file of a submission may have; a larger one is not opened."""

MOST_SUBMISSIONS = 2000
"""So many submissions a board may have; more are refused before any of them is read."""


class BoardError(GmbenchError):
    """A leaderboard that cannot be read, verified or built."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Board:
    """A leaderboard's folder."""

    folder: Path

    @property
    def submissions(self) -> Path:
        """Folder of the submissions."""
        return self.folder / "submissions"

    @property
    def benchmarks(self) -> Path:
        """Folder of the benchmarks that gmbench does not know by name."""
        return self.folder / "benchmarks"

    @property
    def reported(self) -> Path:
        """Table of the figures that papers report."""
        return self.folder / "reported.csv"

    @property
    def site(self) -> Path:
        """Folder of the pages."""
        return self.folder / "site"

    def submission(self, name: str) -> Path:
        """Returns the folder of a submission, which need not exist.

        Raises:
            BoardError: The name could lead elsewhere.
        """
        if not is_safe(name):
            raise BoardError(
                f"{name!r} cannot be the name of a submission: take letters, digits, - and _, at "
                "most 64, the first a letter or digit."
            )
        return self.submissions / name

    def names(self) -> list[str]:
        """Returns the names of everything in the folder of submissions, in order.

        Half-written folders, which begin with a dot, are left out.

        Raises:
            BoardError: There are too many.
        """
        if not self.submissions.is_dir():
            return []
        found: list[str] = []
        with os.scandir(self.submissions) as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    found.append(entry.name)
                if len(found) > MOST_SUBMISSIONS:
                    raise BoardError(
                        f"{self.submissions} holds more than {MOST_SUBMISSIONS:,} submissions. "
                        "None was read. Remove those that nobody asked for."
                    )
        return sorted(found)

    def require(self, name: str) -> str:
        """Returns a name that the board has.

        Raises:
            UnknownNameError: There is no such submission; names the nearest.
        """
        names = self.names()
        if name not in names:
            raise UnknownNameError("Submission", name, names, f"It is not in {self.submissions}.")
        return name


def find_board(folder: str | Path | Board | None = None) -> Board:
    """Returns the leaderboard in a folder; by default `leaderboard`, here or in the checkout.

    Raises:
        BoardError: There is none.
    """
    folder = folder.folder if isinstance(folder, Board) else folder
    here = Path("leaderboard")
    # A wheel carries no leaderboard; a checkout has one beside the package.
    places = (here, Path(__file__).parents[2] / here) if folder is None else (Path(folder),)
    for place in places:
        if (place / "submissions").is_dir():
            return Board(place)
    raise BoardError(
        f"There is no leaderboard in {places[0]}, and an installed gmbench carries none. Clone "
        "gmbench's repository and name its folder `leaderboard` with board= (--board in commands)."
    )


def is_safe(name: str) -> bool:
    """Returns whether a name is safe as the name of a folder."""
    return re.fullmatch(NAME_PATTERN.removesuffix("$"), name) is not None


def files_of(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """Looks at the files of a submission without opening any.

    Args:
        folder: The submission's folder.

    Returns:
        The three files that are there and sound, by name, and what is wrong with the folder.
    """
    problems: list[str] = []
    sound: dict[str, Path] = {}
    if folder.is_symlink() or not folder.is_dir():
        return {}, [f"{folder.name} is not a folder"]
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        facts = entry.stat(follow_symlinks=False)
        if entry.name not in LARGEST:
            problems.append(f"{entry.name!r} does not belong there")
        elif not stat.S_ISREG(facts.st_mode):
            problems.append(f"{entry.name} is a link or a folder, not a file")
        elif facts.st_size > LARGEST[entry.name]:
            most = LARGEST[entry.name]
            problems.append(f"{entry.name} has {facts.st_size:,} bytes; at most {most:,} are read")
        else:
            sound[entry.name] = folder / entry.name
    there = {entry.name for entry in found}
    problems += [f"{name} is missing" for name in LARGEST if name not in there]
    return sound, problems


def find_benchmark(board: Board, name: str, version: str, sets: str | None = None) -> Benchmark:
    """Returns the benchmark that a card names: a known one, or one that lies with the board.

    Args:
        board: The leaderboard.
        name: Name of the benchmark.
        version: Its version.
        sets: Sets in place of its own.

    Raises:
        BenchmarkError: There is none of that name, version and sets.
    """
    whole = name_with_sets(name, sets)
    if name in NAMED:
        release = version.partition(".")[0]
        known = load_benchmark(name, release if release in LABEL_RELEASES else LABEL_RELEASES[0])
        known = known if sets is None else with_sets(known, sets)
    else:
        folder = board.benchmarks / whole
        if not is_safe(name) or folder.is_symlink() or not folder.is_dir():
            raise BenchmarkError(
                f"benchmark {whole!r} is not known and not in {board.benchmarks}."
                f"{_hint(board, name)} `gmbench submit --benchmark FOLDER` puts it there."
            )
        known = _read_kept(folder, sets)
    if (known.name, known.version) != (whole, version):
        raise BenchmarkError(
            f"{whole} has the version {known.version}, the card says {version}. "
            "Predict the present version and submit again."
        )
    return known


def _hint(board: Board, name: str) -> str:
    """Says what a card may have meant that speaks of a benchmark which is not there."""
    for sets in PROTOCOLS:
        base, ending = name.removesuffix(name_with_sets("", sets)), name_with_sets(name, sets)
        if base != name:
            return f" {base} with other sets is `benchmark: {base}` and `sets: {sets}` on a card."
        for one in (name, ending):
            if is_safe(one) and (board.benchmarks / one).is_dir():
                return f" {one} is there: does `sets` of the card say what was predicted?"
    return ""


def _read_kept(folder: Path, sets: str | None) -> Benchmark:
    """Reads a benchmark that lies with the board; other sets than its own are made anew.

    Raises:
        BenchmarkError: It is damaged, or its sets are not those that follow from its labels.
    """
    known = read_benchmark(folder)
    if sets is None:
        return known
    base = known.name.removesuffix(name_with_sets("", sets))
    made = with_sets(replace(known, name=base, sets={}), sets)
    there, right = ({name: set(test) for name, test in one.sets.items()} for one in (known, made))
    if there != right:
        raise BenchmarkError(
            f"The sets in {folder} are not those that --sets {sets} makes of its labels. Give one "
            "of the two benchmarks another name."
        )
    return made


def benchmark_texts(board: Board, benchmark: Benchmark) -> dict[Path, str]:
    """Returns the files that the board needs to know a benchmark, none where it does already.

    Raises:
        BoardError: The board has another benchmark of that name, or cannot have the name.
        BenchmarkError: A known benchmark of that name has another version.
    """
    base, sets = base_and_sets(benchmark)
    if base in NAMED:
        known = find_benchmark(board, base, benchmark.version, sets)
        if _identity(known) != _identity(benchmark):
            raise BoardError(
                f"{benchmark.name} is the name of a known benchmark, but the folder given holds "
                "other labels, sets or numbers of images: part of it, perhaps. Submit predictions "
                "of the whole benchmark, or give yours another name."
            )
        return {}
    if not is_safe(benchmark.name):
        raise BoardError(
            f"The benchmark's name {benchmark.name!r} is not one that a board can have: take "
            "letters, digits, - and _ (`name` in benchmark.json)."
        )
    folder = board.benchmarks / benchmark.name
    if folder.exists():
        known = _read_kept(folder, sets)
        if _identity(known) != _identity(benchmark):
            raise BoardError(
                f"{folder} holds {known.told}, the predictions are of {benchmark.told}. "
                "A board has one version of each benchmark."
            )
        return {}
    return {folder / name: text for name, text in benchmark_files(benchmark).items()}


def _identity(benchmark: Benchmark) -> tuple[str, ...]:
    return (benchmark.name, benchmark.version, benchmark.labels_sha256, benchmark.splits_sha256)
