"""A dataset folder that somebody edited: whatever stands in it, words and never a traceback."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import datasets
import pytest

from gmbench.benchmark.benchmark import load_benchmark
from gmbench.data.inspection import read_inspection
from gmbench.data.loading import load_dataset
from gmbench.data.verification import verify_dataset
from gmbench.errors import BenchmarkError, GmbenchError
from gmbench.predictions.images import image_index

FILES = ("gms.csv", "benchmark.json", "README.md", "inspection.json", "checksums.sha256")
NASTY = (
    "1e18", "-1", "0.5", "nan", "inf", "1e400", "9" * 5_000, str(2**63), "", "\0", "../../x", "a/b",
    "\u00e9\u200e", "x" * 5_000, "[" * 20_000, '{"a":' * 100_000, "- " * 10_000, "---\n", "null",
    "true", '"', "\n", ",", "&a [*a, *a]", "!!python/object:os.system", "\x1b[2J", ".",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def edited(data: bytes, dice: random.Random) -> bytes:
    """Returns the content of a file after one edit."""
    nasty = dice.choice(NASTY).encode()
    place = dice.randrange(len(data) + 1)
    lines = data.splitlines(keepends=True)
    row = dice.randrange(len(lines))
    words = list(re.finditer(rb"[\w.+-]+", data))
    word = dice.choice(words)
    return dice.choice(
        (
            data[:place],
            data[:place] + nasty + data[place:],
            data[: word.start()] + nasty + data[word.end() :],
            data[: word.start()] + nasty + data[word.end() :],
            data[:place] + dice.randbytes(3) + data[place + 3 :],
            b"".join(lines[:row] + lines[row + 1 :]),
            b"".join(lines[: row + 1] + lines[row:]),
            b"".join([*lines[:row], nasty, *lines[row + 1 :]]),
            nasty,
        )
    )


def tried(folder: Path, seed: int) -> list[str]:
    """Reads a folder in every way; returns what each said."""
    said = []

    ways: list[Callable[[], object]] = [
        lambda: image_index(load_benchmark(folder)),
        lambda: verify_dataset(folder, jobs=1),
        lambda: read_inspection(folder),
    ]
    if seed % 4 == 0:
        ways.append(lambda: load_dataset(folder, "set_1", "test", streaming=True))
    for read in ways:
        try:
            said.append(type(read()).__name__)
        except GmbenchError as error:
            said.append(str(error))
    assert all(said)
    return said


@pytest.mark.parametrize("start", range(4))
def test_any_edit(start: int, dataset: Path) -> None:
    refused = 0
    for seed in range(40 * start, 40 * (start + 1)):
        dice = random.Random(seed)
        file = dataset / dice.choice(FILES)
        before = file.read_bytes()
        file.write_bytes(edited(before, dice))
        said = tried(dataset, seed)
        refused += any(" " in one for one in said)
        assert all("\x1b" not in one and len(one) < 10_000 for one in said)
        file.write_bytes(before)
    assert refused > 5


@pytest.mark.parametrize("nasty", NASTY[14:17])
@pytest.mark.parametrize("name", FILES)
def test_what_is_nested_too_deep(name: str, nasty: str, dataset: Path) -> None:
    shutil.copy(dataset / "README.md", dataset / "old.md")
    (dataset / name).write_text(f"---\n{nasty}---\n" if name == "README.md" else nasty)
    assert tried(dataset, 0)
    assert not verify_dataset(dataset, jobs=1).ok


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (r"(STYLEGAN,.*\n)", r"\1\1", "STYLEGAN stands there twice"),
        (r"(STYLEGAN,.*?,6),\d+,", r"\1,1e18,", "layers of STYLEGAN is 1e+18, not a number up to"),
        (
            r"(STYLEGAN,.*?),6,",
            r"\1,1000000000000000000,",
            "STYLEGAN has 1,000,000,000,000,000,000",
        ),
        (r"(STYLEGAN,.*),[01]\n", r"\1,0.5\n", "loss_ce of STYLEGAN is 0.5, not 0 or 1"),
        (r"STYLEGAN,", "../../STYLEGAN,", "a GM has the name '../../STYLEGAN', which cannot be"),
        (r"\n(.|\n)*", "\n", "no GM is listed"),
    ],
)
def test_tables_that_cannot_be(old: str, new: str, words: str, dataset: Path) -> None:
    table = dataset / "gms.csv"
    text, count = re.subn(old, new, table.read_text(), count=1)
    assert count == 1
    table.write_text(text)
    with pytest.raises(BenchmarkError) as caught:
        load_benchmark(dataset)
    assert words in str(caught.value)
    check = verify_dataset(dataset, jobs=1).failures[0]
    assert (check.name, words in check.offenders[0]) == ("benchmark", True)


@pytest.mark.parametrize("index", ["1e18", "128"])
def test_a_class_without_end(index: str, dataset: Path) -> None:
    table = dataset / "gms.csv"
    header, row, *rest = table.read_text().splitlines()
    cells = row.split(",")
    cells[header.split(",").index("normalization")] = index
    table.write_text("\n".join([header, ",".join(cells), *rest]) + "\n")
    words = f"normalization of ADV_FACES is {float(index):g}, not a class, 0 to 127"
    with pytest.raises(BenchmarkError, match=re.escape(words)):
        load_benchmark(dataset)
