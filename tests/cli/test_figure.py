"""`gmbench figure` as a user meets it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from gmbench.benchmark.benchmark import benchmark_files
from gmbench.predictions.writing import write_predictions
from tests.commands import gmbench
from tests.evaluation.populations import random_predictions, small_benchmark


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small benchmark in `small`, two methods' predictions and an attack."""
    place = tmp_path_factory.mktemp("here")
    benchmark = small_benchmark(3)
    (place / "small").mkdir()
    for name, text in benchmark_files(benchmark).items():
        (place / "small" / name).write_text(text)
    for seed, name in enumerate(("mine.csv", "other.parquet")):
        write_predictions(random_predictions(benchmark, seed), place / name)
    mini = random_predictions(small_benchmark(48, "mini116"), 0)
    write_predictions(mini, place / "mini.parquet")
    gmbench("attack", "mine.csv", "-b", "small", "--pairs", "20", "-o", "attack.json", cwd=place)
    (place / "more").mkdir()
    shutil.copy(place / "mine.csv", place / "more")
    (place / "broken.json").write_text('{"benchmark": "x"}')
    return place


@pytest.mark.parametrize(
    "words",
    [
        "3 -b small -o a.svg",
        "fig6 mine.csv other.parquet -b small -o a.png",
        "7 mine.csv -b small -o a.pdf",
        "8 mine.csv -b small -o a.svg",
        "9 mine.csv other.parquet -b small --parameter upsampling -o a.svg",
        "12 attack.json -o a.svg",
        "6 mine.csv more/mine.csv -b small -o a.svg",
    ],
)
def test_a_figure_is_drawn(words: str, here: Path) -> None:
    done = gmbench("figure", *words.split(), cwd=here)
    name = words.split()[-1]
    assert done.stderr.startswith(f"{name}: figure ")
    assert (here / name).stat().st_size > 5000
    again = gmbench("figure", *words.split(), cwd=here, check=False)
    assert "is there already. Say --overwrite" in again.stderr
    (here / name).unlink()


@pytest.mark.parametrize("number", ["10", "11"])
def test_figures_of_a_parser_without_a_network(number: str, here: Path) -> None:
    from gmbench.parsing.load import SHIPPED

    done = gmbench("figure", number, "--checkpoint", str(SHIPPED), cwd=here, check=False)
    assert done.returncode == 2
    assert "is a parser without a network, and this needs one" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        "5",
        "6",
        "3 mine.csv",
        "8 mine.csv other.parquet",
        "10",
        "6 mine.csv --checkpoint x",
        "6 mine.csv -b small -o a.jpg",
        "6 mine.csv mini.parquet",
        "9 mine.csv -b small --parameter layers",
        "12 broken.json",
        "12 nothing.json",
        "12 mine.csv",
    ],
)
def test_what_cannot_be_drawn_is_one_clear_line(
    words: str, here: Path, snapshot: SnapshotAssertion
) -> None:
    done = gmbench("figure", *words.split(), cwd=here, check=False)
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert done.stderr == snapshot
    assert not (here / "a.jpg").exists()
