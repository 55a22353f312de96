"""A benchmark of GMs of one's own, from a table of labels to a dataset that every command takes."""

from __future__ import annotations

import errno
import math
import re
from dataclasses import replace
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest

from gmbench.benchmark.benchmark import MINI116, load_benchmark
from gmbench.benchmark.catalog import GM, UNKNOWN, red116, row_from_gm
from gmbench.benchmark.label_table import example_table, read_label_table
from gmbench.data.own_gms import benchmark_of
from gmbench.errors import BenchmarkError, DatasetError, UnknownNameError
from gmbench.files import disk_full
from gmbench.schema import NAMES
from tests.commands import data, gmbench
from tests.data.fake_images import image_bytes

ROOT = Path(__file__).parent.parent.parent
GMS = tuple(replace(gm, name=f"OWN_{gm.name}") for gm in red116()[:60])


def write(folder: Path, gms: tuple[GM, ...] = GMS, n_images: int = 2) -> Path:
    """Writes the labels of GMs as `mine.csv`, and a folder of images for each."""
    rows = [row_from_gm(gm) for gm in gms]
    table = folder / "mine.csv"
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for place, gm in enumerate(gms):
        (folder / "images" / gm.name).mkdir(parents=True)
        for number in range(n_images):
            kind, content = image_bytes(place * n_images + number)
            (folder / "images" / gm.name / f"{number}.{kind}").write_bytes(content)
    return table


def write_sets(folder: Path, **sets: tuple[str, ...]) -> Path:
    (folder / "sets").mkdir()
    for name, test in sets.items():
        (folder / "sets" / f"{name}.txt").write_text("\n".join(test) + "\n")
    return folder / "sets"


def test_the_example_is_read(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(example_table())
    (gm,) = read_label_table(tmp_path / "labels.csv")
    (published,) = (gm for gm in red116() if gm.name == "DCGAN")
    assert (gm.name, gm.values) == ("MY_DCGAN", published.values)
    done = gmbench("template", "--labels", cwd=tmp_path)
    assert done.stdout == example_table()
    gmbench("template", "--labels", "-o", "mine.csv", cwd=tmp_path)
    assert read_label_table(tmp_path / "mine.csv") == (gm,)


def test_the_docs_make_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="measuring networks needs torch")
    page = (ROOT / "docs" / "own-gms.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert code is not None
    monkeypatch.chdir(tmp_path)
    Path("my_gms.csv").write_text(example_table())
    networks = {f"NET_{i}": torch.nn.Sequential(torch.nn.Linear(100, i)) for i in (1, 2)}
    exec(code[1], {"networks": networks})  # the docs' own code
    gms = read_label_table(Path("my_gms.csv"))
    assert [(gm.name, gm.kind, gm.content) for gm in gms] == [
        ("NET_1", "GAN", "other"),
        ("NET_2", "GAN", "other"),
    ]
    assert [gm.values[NAMES.index("parameters")] for gm in gms] == [101, 202]
    assert [gm.values[NAMES.index("loss_adversarial")] for gm in gms] == [1, 1]


def test_names_that_folders_do_not_tell_apart(tmp_path: Path) -> None:
    same = tuple(replace(GMS[0], name=name) for name in ("My_GAN", "OTHER", "my-gan", "My_GAN"))
    rows = [row_from_gm(gm) for gm in same]
    table = tmp_path / "mine.csv"
    table.write_text("\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)]))
    with pytest.raises(BenchmarkError) as caught:
        read_label_table(table)
    assert str(caught.value).splitlines()[1:] == [
        "line 4, column gm: my-gan and My_GAN of line 2 differ by letter case or separators alone, "
        "which folders of images are not told apart by. Rename one.",
        "line 5, column gm: My_GAN stands in line 2 too. Give every GM a name of its own.",
    ]


@pytest.mark.parametrize("name", ["train", "all", "a-b", "hard faces", "x[1]"])
def test_a_set_whose_name_cannot_be_used(name: str, tmp_path: Path) -> None:
    table = write(tmp_path, GMS[:6])
    sets = write_sets(tmp_path, set_1=(GMS[0].name,), **{name: (GMS[1].name,)})
    with pytest.raises(BenchmarkError, match=re.escape(f"{name}.txt has no name for a test set")):
        benchmark_of(table, tmp_path / "images", sets=sets)


def test_sets_of_ones_own(tmp_path: Path) -> None:
    gms = GMS[:6]
    write(tmp_path, gms)
    # Names in a file may stand in any order.
    write_sets(tmp_path, set_1=(gms[3].name, gms[0].name), set_2=(gms[1].name,))
    built = gmbench(
        "data", "build", "--gms", "mine.csv", "--images", "images", "--sets", "sets",
        "--out", "dataset", "--jobs", "1", cwd=tmp_path,
    )  # fmt: skip
    assert "Wrote mine to dataset" in built.stderr
    benchmark = load_benchmark(tmp_path / "dataset")
    assert benchmark.gms == gms
    assert benchmark.n_images == (2,) * 6
    assert benchmark.sets == {"set_1": (gms[0].name, gms[3].name), "set_2": (gms[1].name,)}
    assert data("data", "verify", "dataset", "--jobs", "1", cwd=tmp_path)["ok"]
    fold = datasets.load_dataset(
        str(tmp_path / "dataset"), "set_1", cache_dir=str(tmp_path / "cache")
    )
    assert {split: rows.num_rows for split, rows in fold.items()} == {"train": 8, "test": 4}
    gmbench("template", "--benchmark", "dataset", "-o", "empty.csv", cwd=tmp_path)
    assert len((tmp_path / "empty.csv").read_text().splitlines()) == 1 + 2 * 3


def test_drawn_sets(tmp_path: Path) -> None:
    table = write(tmp_path, n_images=1)
    own = benchmark_of(table, tmp_path / "images", draw_sets=True)
    assert list(own.benchmark.sets) == ["set_1", "set_2", "set_3", "set_4"]
    assert own.benchmark == benchmark_of(table, tmp_path / "images", draw_sets=True).benchmark
    members = [name for test in own.benchmark.sets.values() for name in test]
    assert len(members) == len(set(members)) > 8
    other = benchmark_of(table, tmp_path / "images", draw_sets=True, seed=1)
    assert other.benchmark.sets != own.benchmark.sets
    assert other.benchmark.version != own.benchmark.version


@pytest.mark.slow
def test_beside_the_gms_of_mini116(tmp_path: Path) -> None:
    gms = GMS[:3]
    write(tmp_path, gms)
    mini116 = load_benchmark("mini116")
    gmbench(
        "data", "build", "--gms", "mine.csv", "--images", "images", "--with", "mini116",
        "--out", "dataset", "--jobs", "1", cwd=tmp_path,
    )  # fmt: skip
    benchmark = load_benchmark(tmp_path / "dataset")
    assert benchmark.gms == (*gms, *mini116.gms)
    assert benchmark.n_images == (2, 2, 2, *mini116.n_images)
    # The sets stay; the user's GMs are among those to train on.
    assert benchmark.sets == mini116.sets
    assert {gm.name for gm in gms} < set(benchmark.training_gms("set_1"))
    assert data("data", "verify", "dataset", "--jobs", "1", cwd=tmp_path)["ok"]
    # Images are the same bytes, targets are normalised over all GMs.
    gm = mini116.test_gms("set_1")[0]
    shards = [pq.read_table(next(place.rglob(f"{gm}.parquet"))) for place in
              (tmp_path / "dataset" / "data", MINI116 / "data")]  # fmt: skip
    assert shards[0]["image"].equals(shards[1]["image"])
    assert shards[0]["image_id"].equals(shards[1]["image_id"])
    expected = benchmark.normalise(benchmark.labels[benchmark.index[gm], :9])
    assert shards[0]["target"][0].as_py()[:9] == pytest.approx(expected.tolist())
    again = gmbench(
        "data", "build", "--gms", "mine.csv", "--images", "images", "--with", "mini116",
        "--out", "dataset", "--jobs", "1", cwd=tmp_path,
    )  # fmt: skip
    assert "was already built" in again.stderr


def test_merging_takes_sets_and_refuses_one_name_twice(tmp_path: Path) -> None:
    gms = GMS[:3]
    table, mini116 = write(tmp_path, gms), load_benchmark("mini116")
    sets = write_sets(tmp_path, mixed=(gms[0].name, "MINI_DCGAN"))
    own = benchmark_of(table, tmp_path / "images", sets=sets, merged=mini116).benchmark
    assert own.sets == {"mixed": (gms[0].name, "MINI_DCGAN")}
    assert own.version != benchmark_of(table, tmp_path / "images", merged=mini116).benchmark.version
    (tmp_path / "twice").mkdir()
    twice = write(tmp_path / "twice", (replace(gms[0], name="mini-dcgan"),))
    with pytest.raises(BenchmarkError, match="mini-dcgan is a GM of mini116 too"):
        benchmark_of(twice, tmp_path / "twice" / "images", merged=mini116)


def test_merging_a_dataset_that_lacks_images_of_test_gms(tmp_path: Path) -> None:
    table, mini116 = write(tmp_path, GMS[:3]), load_benchmark("mini116")
    lost = (mini116.sets["set_1"][0], *mini116.sets["set_2"])
    partial = replace(
        mini116,
        n_images=tuple(
            0 if gm.name in lost else n for gm, n in zip(mini116.gms, mini116.n_images, strict=True)
        ),
    )
    own = benchmark_of(table, tmp_path / "images", merged=partial)
    assert own.benchmark.sets["set_1"] == mini116.sets["set_1"][1:]
    assert list(own.benchmark.sets) == ["set_1", "set_3", "set_4"]
    assert own.warnings[0] == f"set_1: mini116 has no image of {lost[0]}"
    assert len(own.warnings) == 2


@pytest.mark.slow
def test_unknown_labels_become_a_dataset(tmp_path: Path) -> None:
    hidden = dict.fromkeys([NAMES.index("filters"), 10, 20], UNKNOWN)
    values = [hidden.get(place, value) for place, value in enumerate(GMS[0].values)]
    gms = (replace(GMS[0], values=tuple(values)), *GMS[1:3])
    write(tmp_path, gms)
    write_sets(tmp_path, set_1=(gms[0].name,))
    gmbench(
        "data", "build", "--gms", "mine.csv", "--images", "images", "--sets", "sets",
        "--out", "dataset", "--jobs", "1", cwd=tmp_path,
    )  # fmt: skip
    benchmark = load_benchmark(tmp_path / "dataset")
    assert [gm.row() for gm in benchmark.gms] == [gm.row() for gm in gms]
    assert data("data", "verify", "dataset", "--jobs", "1", cwd=tmp_path)["ok"]
    rows = datasets.load_dataset(
        str(tmp_path / "dataset"), "set_1", split="test", cache_dir=str(tmp_path / "cache")
    )
    row = rows.remove_columns("image")[0]
    assert [name for name in NAMES if row[name] is None] == [NAMES[place] for place in hidden]
    assert math.isnan(row["target"][NAMES.index("filters")])
    said = gmbench("info", gms[0].name, "-b", "dataset", cwd=tmp_path).stdout
    assert said.count("unknown") == 3
    gmbench("baseline", "median_mode", "-b", "dataset", "-o", "made.csv", cwd=tmp_path)
    assert data("validate", "made.csv", "-b", "dataset", cwd=tmp_path)["ok"]
    found = data("evaluate", "made.csv", "-b", "dataset", "--replicates", "0", cwd=tmp_path)
    assert found["parameters"]["filters"]["l1"] is None
    assert found["summary"]["l1"]["mean"] is not None


def test_a_gm_of_which_too_little_is_known(tmp_path: Path) -> None:
    blank = replace(GMS[0], values=(*GMS[0].values[:15], *[UNKNOWN] * 10))
    write(tmp_path, (blank,))
    with pytest.raises(BenchmarkError, match=r"column loss_l1: no loss is known\. Fill one in"):
        read_label_table(tmp_path / "mine.csv")


def test_red140_is_built_of_its_images(tmp_path: Path) -> None:
    made = load_benchmark("red140")
    for name in (made.gms[0].name, "GLIDE"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(2):
            kind, content = image_bytes(number)
            (tmp_path / "images" / name / f"{number}.{kind}").write_bytes(content)
    gmbench(
        "data", "build", "--gms", "red140", "--images", "images", "--allow-missing",
        "--out", "dataset", "--jobs", "1", cwd=tmp_path,
    )  # fmt: skip
    built = load_benchmark(tmp_path / "dataset")
    assert (built.name, sum(built.n_images)) == ("red140-partial", 4)
    assert built.labels_sha256 == made.labels_sha256
    assert data("data", "verify", "dataset", "--jobs", "1", cwd=tmp_path)["ok"]


def test_no_room_to_list_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(*_: object) -> None:
        raise disk_full(tmp_path, OSError(errno.ENOSPC, "No space left on device"))

    monkeypatch.setattr("gmbench.data.own_gms.open_source", fill)
    table, sets = write(tmp_path, GMS[:2]), write_sets(tmp_path, set_1=(GMS[0].name,))
    with pytest.raises(DatasetError, match=r"no room there\. Set TMPDIR to another"):
        benchmark_of(table, tmp_path / "images.tar.gz", sets=sets)


def test_a_gm_without_images_is_missing(tmp_path: Path) -> None:
    write(tmp_path, GMS[:3])
    for path in (tmp_path / "images" / GMS[1].name).iterdir():
        path.unlink()
    write_sets(tmp_path, set_1=(GMS[0].name,))
    done = gmbench(
        "data", "build", "--gms", "mine.csv", "--images", "images", "--sets", "sets",
        "--jobs", "1", cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert GMS[1].name in done.stdout
    assert "missing GMs: 1" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--gms", "mine.csv", "--images", "images"], "needs test sets: give either a folder"),
        (["--gms", "mine.csv", "--images", "images", "--draw-sets", "--sets", "sets"], "either"),
        (["--gms", "mine.csv", "--draw-sets"], "mine.csv has labels alone. Give the images"),
        (["--gms", "mine.csv", "--images", "images", "--draw-sets"], "No test set can be drawn"),
        (["--gms", "mine.csv", "--images", "images", "--sets", "no"], "no holds no test set"),
        (["--gms", "mine.csv", "--images", "no", "--sets", "sets"], "no does not exist"),
        (["--gms", "none.csv", "--images", "images"], "labels: No such file or directory."),
        (["--gms", "mine.csv", "--benchmark", "red116"], "Give --benchmark or --gms, not both"),
        (["--draw-sets"], "are for GMs of your own: give --gms FILE.csv"),
    ],
)
def test_what_cannot_be(tmp_path: Path, arguments: list[str], message: str) -> None:
    write(tmp_path, GMS[:2])
    write_sets(tmp_path, set_1=(GMS[0].name,))
    done = gmbench("data", "build", *arguments, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize(
    ("gm", "message"),
    [
        (replace(GMS[1], name="G" * 201), "which cannot be part of a path"),
        (
            replace(GMS[1], values=(1e17, *GMS[1].values[1:])),
            "layers of .* is 1e\\+17, not a number",
        ),
    ],
)
def test_what_no_dataset_can_hold(gm: GM, message: str, tmp_path: Path) -> None:
    table, sets = write(tmp_path, (GMS[0], gm)), write_sets(tmp_path, set_1=(GMS[0].name,))
    with pytest.raises(BenchmarkError, match=f"No dataset can be made of .*{message}"):
        benchmark_of(table, tmp_path / "images", sets=sets)


@pytest.mark.parametrize("year", ["\u00b2", "9" * 5000, "-1"])
def test_a_year_that_is_none(year: str, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(
        "".join(
            f"{line},{cell}\n"
            for line, cell in zip(example_table().splitlines(), ("year", year), strict=True)
        ),
        encoding="utf-8",
    )
    with pytest.raises(BenchmarkError, match=r"line 2 \(MY_DCGAN\), column year: .* is no year"):
        read_label_table(tmp_path / "labels.csv")


def test_names_that_cannot_be(tmp_path: Path) -> None:
    table = write(tmp_path, GMS[:2])
    sets = write_sets(tmp_path, set_1=("DCGAM",))
    with pytest.raises(UnknownNameError, match="It stands in"):
        benchmark_of(table, tmp_path / "images", sets=sets)
    (sets / "set_1.txt").write_text("# nobody\n")
    (sets / "set_2.txt").write_text(f"{GMS[0].name}\n")
    with pytest.raises(BenchmarkError, match=r"set_1\.txt names no GM"):
        benchmark_of(table, tmp_path / "images", sets=sets)
    with pytest.raises(BenchmarkError, match="has the name of a benchmark, red116"):
        benchmark_of(table.rename(tmp_path / "red116.csv"), tmp_path / "images", sets=sets)
