"""`parse` with the package's own parser, as a user meets it."""

from __future__ import annotations

import csv
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gmbench.predictions.probabilities import schema_columns
from gmbench.schema import NAMES
from tests.commands import data, gmbench
from tests.parsing.mini_images import save_images


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of two GMs in a folder each, and a file that is none."""
    place = tmp_path_factory.mktemp("parse")
    for gm in ("MINI_DCGAN", "MINI_BETA_B"):
        save_images(gm, place / gm, 6)
    (place / "empty").mkdir()
    (place / "notes.csv").write_text("no image\n")
    return place


def test_known_then_likely_then_unknown(here: Path) -> None:
    done = gmbench("parse", "MINI_DCGAN", cwd=here)
    lines = [line for line in done.stdout.splitlines() if line.strip(" ─")]
    assert lines[0].strip() == "6 images"
    # Before the table: what makes these images, and whether the table means anything.
    assert lines[1].startswith("Most like: DCGAN")
    order = [line.split()[0] for line in lines if line[1:2].strip()]
    verdicts = [word for word in order if word in ("known", "likely", "unknown")]
    assert verdicts == sorted(verdicts, key=["known", "likely", "unknown"].index)
    assert all(any(f" {name} " in line for line in lines) for name in NAMES)
    assert "Most like: DCGAN" in done.stdout
    assert done.stderr.startswith("Parser: known_gms, trained on 176 models.")
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_json_csv_and_page(here: Path) -> None:
    found = data(
        "parse", "MINI_DCGAN", "--csv", "each.csv", "--html", "page.html", cwd=here
    )  # fmt: skip
    assert found["n_images"] == len(found["images"]) == 6
    assert [one["name"] for one in found["parameters"]] == list(NAMES)
    assert found["relatives"][0]["gm"] == "DCGAN"
    assert set(found["origin"]) == {
        "looks_real", "real_share", "unlike_anything", "farther", "mixed",
    }  # fmt: skip
    with (here / "each.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["image_id"] for row in rows] == [f"MINI_DCGAN/{n}.png" for n in range(6)]
    assert set(NAMES) | set(schema_columns()) <= set(rows[0])
    page = (here / "page.html").read_text()
    assert page.count("data:image/png;base64,") == 2
    assert "What made these 6 images" in page
    again = gmbench("parse", "MINI_DCGAN", "--csv", "each.csv", cwd=here, check=False)
    assert again.returncode == 2
    assert "each.csv" in again.stderr
    assert gmbench("parse", "MINI_DCGAN", "--csv", "each.csv", "--overwrite", cwd=here).stdout


def test_images_of_two_models_are_refused_parted_or_taken_together(here: Path) -> None:
    mixed = gmbench("parse", "MINI_DCGAN", "MINI_BETA_B", cwd=here, check=False)
    assert mixed.returncode == 2
    assert mixed.stdout == ""
    assert mixed.stderr.endswith(
        "These look like images of several models: 6 such as MINI_DCGAN/0.png, 6 such as "
        "MINI_BETA_B/0.png. Parse them apart with --group, or as one model's with --together.\n"
    )
    together = gmbench(
        "parse", "MINI_DCGAN", "MINI_BETA_B", "--together", "--html", "together.html", cwd=here
    )
    assert "These look like images of several models: `gmbench parse --group`" in together.stdout
    page = (here / "together.html").read_text()
    assert "of several models: <code>gmbench parse --group</code> parts them." in page
    found = data("parse", "MINI_DCGAN", "MINI_BETA_B", "--group", cwd=here)
    parts = [{Path(image).parent.name for image in one["images"]} for one in found["groups"]]
    assert parts == [{"MINI_DCGAN"}, {"MINI_BETA_B"}] or parts == [{"MINI_BETA_B"}, {"MINI_DCGAN"}]
    shown = gmbench("parse", "MINI_DCGAN", "MINI_BETA_B", "--group", cwd=here).stdout
    assert "Group 2 of 2: " in shown


def test_of_many_images_the_last_are_looked_at_too(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gmbench.parsing.grouping.MOST_COMPARED", 6)
    mixed = gmbench("parse", "MINI_DCGAN", "MINI_BETA_B", cwd=here, check=False)
    assert mixed.returncode == 2
    assert (
        "several models (6 of 12 were compared): 3 such as MINI_DCGAN/0.png, 3 such as "
        "MINI_BETA_B/0.png." in mixed.stderr
    )


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are Unicode")
def test_names_that_are_not_utf8(here: Path) -> None:
    folder = here / os.fsdecode(b"latin\xe9")
    folder.mkdir()
    shutil.copy(here / "MINI_DCGAN" / "0.png", folder / "0.png")
    gmbench("parse", folder.name, "--csv", "latin.csv", cwd=here)
    assert "latin\\udce9/0.png," in (here / "latin.csv").read_text()
    done = gmbench("parse", folder.name, "--out", "latin", cwd=here)
    assert "Traceback" not in done.stderr
    assert "latin\\\\udce9" in (here / "latin" / "run" / "run.json").read_text()


def test_what_is_hidden_or_a_folder_is_no_image(here: Path) -> None:
    for name in ("._0.png", ".thumbs/0.png", "sub.png/0.png"):
        (here / "mac" / name).parent.mkdir(parents=True, exist_ok=True)
        (here / "mac" / name).write_bytes(b"-")
    shutil.copy(here / "MINI_DCGAN" / "0.png", here / "mac" / "sub.png" / "0.png")
    assert data("parse", "mac", cwd=here)["images"] == ["mac/sub.png/0.png"]


@pytest.mark.skipif(os.name == "nt", reason="names there hold no such characters")
def test_names_steer_no_terminal(here: Path) -> None:
    (here / "steering").mkdir()
    shutil.copy(here / "MINI_DCGAN" / "0.png", here / "steering" / "a\x1b[2J\n.png")
    assert (
        r"Group 1 of 1: a\x1b[2J\n.png" in gmbench("parse", "steering", "--group", cwd=here).stdout
    )
    (here / "steering" / "b\x1b[2J.png").write_bytes(b"-")
    done = gmbench("parse", "steering", cwd=here, check=False)
    assert r"b\x1b[2J.png cannot be parsed" in done.stderr


def test_what_is_like_nothing(here: Path) -> None:
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(here / "black.png")
    shown = gmbench("parse", "black.png", cwd=here).stdout
    assert "Unlike anything known: of the images of models never seen only 0% lie farther" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("empty", "empty holds no image. Give image files, or a folder of them."),
        ("notes.csv", "notes.csv cannot be parsed: no image of a known format"),
        ("none.png", "none.png cannot be parsed: No such file or directory"),
        (f"{'a' * 300}.png", "cannot be parsed: File name too long"),
        ("a.tar", "a.tar is no image but may hold many"),
        ("https://host/a.png", "https://host/a.png is not on this machine. Give --out DIR too"),
        ("MINI_DCGAN --model empty", "empty holds no model parser: config.json is missing"),
        ("MINI_DCGAN --model nowhere", "nowhere is not there. Give the folder of a model parser"),
    ],
)
def test_what_goes_wrong(arguments: str, message: str, here: Path) -> None:
    done = gmbench("parse", *arguments.split(), cwd=here, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
