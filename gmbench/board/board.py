"""The files of a leaderboard, and access to its submissions and benchmarks.

```
leaderboard/
  submissions/NAME/   card.yaml  predictions.parquet  results.json
  benchmarks/NAME/    gms.csv  benchmark.json    for benchmarks that gmbench does not know by name;
                      NAME-cv10 etc. if sets other than the benchmark's own were predicted
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
from gmbench.benchmark.cross_validation import (
    PROTOCOLS,
    base_and_sets,
    name_with_sets,
    with_sets,
)
from gmbench.board.safe_yaml import MOST_BYTES
from gmbench.board.submission_card import NAME_PATTERN, RESERVED
from gmbench.errors import BenchmarkError, GmbenchError, UnknownNameError, plain_form

CARD, PREDICTIONS, RESULTS = "card.yaml", "predictions.parquet", "results.json"

LARGEST: dict[str, int] = {CARD: MOST_BYTES, PREDICTIONS: 100_000_000, RESULTS: 20_000_000}
"""Maximum size of each file of a submission, in bytes; larger files are not opened."""

MOST_SUBMISSIONS = 2000
"""Maximum number of submissions on a board; more are refused before any of them is read."""


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
            BoardError: The name is not safe as a folder name.
        """
        if not is_safe(name):
            raise BoardError(
                f"{name!r} cannot be the name of a submission: take letters, digits, - and _, at "
                "most 64, the first a letter or digit."
            )
        return self.submissions / name

    def names(self) -> list[str]:
        """Returns the sorted names of everything in the folder of submissions.

        Half-written folders, whose names begin with a dot, are left out.

        Raises:
            BoardError: There are more than `MOST_SUBMISSIONS`.
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
        """Returns the name of a submission if it is on the board.

        Raises:
            UnknownNameError: There is no such submission; the message names the nearest.
        """
        names = self.names()
        if name not in names:
            raise UnknownNameError("Submission", name, names, f"It is not in {self.submissions}.")
        return name


def find_board(folder: str | Path | Board | None = None) -> Board:
    """Returns the leaderboard in a folder; by default `leaderboard`, here or in the checkout.

    Raises:
        BoardError: There is no leaderboard there.
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
    """Returns whether a name is safe as a folder name, as those that cards give are."""
    fits = re.fullmatch(NAME_PATTERN.removesuffix("$"), name) is not None
    return fits and not RESERVED.fullmatch(name)


def files_of(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """Checks the files of a submission without opening any.

    Args:
        folder: The submission's folder.

    Returns:
        Those of the three files that are present and sound, by name, and the folder's problems.
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
    """Returns the benchmark that a card names: a known one, or one stored with the board.

    Args:
        board: The leaderboard.
        name: Name of the benchmark.
        version: Its version.
        sets: Sets that replace its own.

    Raises:
        BenchmarkError: There is no benchmark of that name, version and sets.
        BoardError: Its name is too much like that of a known one.
    """
    whole = name_with_sets(name, sets)
    if name in NAMED:
        # In one release of its labels: a board has one version of each benchmark.
        known = load_benchmark(name)
        known = known if sets is None else with_sets(known, sets)
    else:
        folder = board.benchmarks / whole
        if not is_safe(name) or folder.is_symlink() or not folder.is_dir():
            raise BenchmarkError(
                f"benchmark {whole!r} is not known and not in {board.benchmarks}."
                f"{_hint(board, name)} `gmbench submit --benchmark FOLDER` puts it there."
            )
        require_own_name(name)
        known = _read_kept(folder, sets)
    if (known.name, known.version) != (whole, version):
        raise BenchmarkError(
            f"{whole} has the version {known.version}, the card says {version}. "
            "Predict the present version and submit again."
        )
    return known


def require_own_name(name: str) -> None:
    """Checks that a benchmark that gmbench does not know has no name like those it knows.

    Raises:
        BoardError: It is the name of a known benchmark, with other sets or not, or differs from it
            in letter case or separators alone.
    """
    known = (name_with_sets(one, sets) for one in NAMED for sets in (None, *PROTOCOLS))
    taken = next((one for one in known if plain_form(one) == plain_form(name)), None)
    if taken is not None:
        raise BoardError(
            f"{name} cannot be the name of another benchmark: gmbench knows {taken}. Give it "
            "another name (`name` in benchmark.json)."
        )


def _hint(board: Board, name: str) -> str:
    """Returns a hint on what a card that names a missing benchmark may have meant."""
    for sets in PROTOCOLS:
        base, ending = name.removesuffix(name_with_sets("", sets)), name_with_sets(name, sets)
        if base != name:
            return f" {base} with other sets is `benchmark: {base}` and `sets: {sets}` on a card."
        for one in (name, ending):
            if is_safe(one) and (board.benchmarks / one).is_dir():
                return f" {one} is there: does `sets` of the card say what was predicted?"
    return ""


def _read_kept(folder: Path, sets: str | None) -> Benchmark:
    """Reads a benchmark stored with the board; sets other than its own are derived again.

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
    """Returns the files that make a benchmark known to the board; none if it is known already.

    Raises:
        BoardError: The board or gmbench has another benchmark of that name, or the name is not safe
            as a folder name.
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
    require_own_name(base)
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
