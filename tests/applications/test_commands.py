from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from gmbench.applications import detection
from gmbench.cli.detect import _on_benchmark
from gmbench.errors import BenchmarkError
from tests.applications.toys import OPTIONS, noise
from tests.commands import data, gmbench
from tests.data.videos import uadfv

TINY = [
    "--change=view={kind: resized, size: 8}",
    "--change=model={fen_depth: 2, fen_width: 4, widths: [4, 4], hidden: 4, dropout: 0.0}",
    "--change=steps=20",
    "--change=learning_rate=0.03",
    "--device=cpu",
]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Two classes, twelve images each; the GM leaves stripes."""
    for name, wave in (("real", 0.0), ("MY_GAN", 60.0)):
        (tmp_path / "own" / name).mkdir(parents=True)
        for number, pixels in enumerate(noise(12, len(name), wave)):
            Image.fromarray(pixels[0]).save(tmp_path / "own" / name / f"{number}.png")
    return tmp_path


def test_attribute(own: Path) -> None:
    arguments = ["attribute", "--data-dir", "own", "--method", "knn", "--method", "gan_fingerprint"]
    found = data(*arguments, *TINY, cwd=own)
    assert found["methods"]["gan_fingerprint"]["accuracy"]["value"] == 1.0
    assert found["classes"] == ["MY_GAN", "real"]
    shown = gmbench(*arguments, *TINY, cwd=own).stdout
    assert "own: 2 classes, preset small" in shown
    assert "chance 0.500" in shown


def test_detect_in_videos(tmp_path: Path) -> None:
    uadfv(tmp_path / "UADFV")
    arguments = ["detect", "--data-dir", "UADFV", "--frames", "2", "--variant", "image_fingerprint"]
    done = gmbench(*arguments, *TINY, cwd=tmp_path)
    assert "one_number" in done.stdout
    assert "8 test images of 2 fake and 2 real sources" in done.stdout
    assert "note: UADFV: 10 of 49 videos of real are there." in done.stderr
    assert "note: no face was found in" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["detect", "--content", "cats"], "mini116 has no GMs with real images of cats"),
        (["detect", "--set", "set_9"], "Set 'set_9' is not known"),
        (["detect", "--data-dir", "nowhere"], "nowhere is not there"),
        (["detect", "--variant", "phase"], "Variant 'phase' is not known"),
        (["detect", "--data-dir", "nowhere", "--variant", "phase"], "Variant 'phase' is not known"),
        (
            ["detect", "--data-dir", "nowhere", "--variant", "model_parsing"],
            "model_parsing begins with a trained parser. Give one with --parser",
        ),
        (["detect", "--parser", "nowhere/at/all"], "nowhere/at/all is not there"),
        (["attribute", "--gm", "MINI_SNGAN"], "Attribution needs two GMs at least"),
        (["attribute", "--data-dir", "nowhere"], "nowhere is not there"),
        (["attribute", "--data-dir", "nowhere", "--method", "knnn"], "Method 'knnn' is not known"),
        (["study", "content_independence", "--parser", "no/such/one"], "no/such/one is not there"),
        (["detect", "-b", "red116"], "Give the folder of a dataset with --data"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    # Without progress: a slow machine has more of it to tell.
    done = gmbench("--quiet", *arguments, *TINY, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "only", "message"),
    [
        ("icons", None, "No GM of icons is in set_1, set_2, set_3, set_4, which"),
        (None, ["set_2"], "No GM of a content with real images is in set_2, which"),
    ],
)
def test_sets_that_test_no_gm_of_a_content(
    content: str | None, only: list[str] | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detection, "read_folds", lambda *_: ([], []))
    with pytest.raises(BenchmarkError, match=message):
        _on_benchmark("mini116", content, only, None, None, OPTIONS, lambda *_: None)
