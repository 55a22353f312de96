from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from gmbench.applications import content
from gmbench.applications.parsers import Fingerprints
from gmbench.benchmark.benchmark import Benchmark
from gmbench.data.build import build_dataset
from gmbench.errors import BenchmarkError
from gmbench.models.fingerprint import FingerprintNetwork
from gmbench.models.settings import SettingError
from gmbench.training.options import RunOptions, hashed_name
from tests.applications.toys import OPTIONS, noise
from tests.training.families import family_benchmark


def parsers(benchmark: Benchmark) -> Mapping[str, Fingerprints]:
    torch.manual_seed(0)
    weights = {f"fen.{n}": t for n, t in FingerprintNetwork(2, 4).state_dict().items()}
    given = Fingerprints({"model.fen_depth": 2, "model.fen_width": 4}, weights)
    return dict.fromkeys(benchmark.sets, given)


def labelled(contents: tuple[str, ...], n_gms: int = 24) -> Benchmark:
    """GMs whose contents take turns, two sets of four."""
    benchmark = family_benchmark(n_gms, n_images=4)
    gms = tuple(
        replace(gm, content=contents[number % len(contents)])
        for number, gm in enumerate(benchmark.gms)
    )
    return replace(benchmark, gms=gms)


def built(place: Path, benchmark: Benchmark, wave: float) -> Path:
    for number, gm in enumerate(benchmark.gms):
        (place / "images" / gm.name).mkdir(parents=True)
        shown = noise(4, number, wave if gm.content == "faces" else 0.0)
        for image, pixels in enumerate(shown):
            Image.fromarray(pixels[0]).save(place / "images" / gm.name / f"{image}.png")
    return build_dataset(benchmark, place / "images", place / "dataset", jobs=1).folder


def test_content_that_can_be_told_is_told(tmp_path: Path, own_cache: Path) -> None:
    benchmark = labelled(("faces", "digits"))
    folder = built(tmp_path, benchmark, 60.0)
    found = content.content_independence(benchmark, folder, parsers(benchmark), OPTIONS)
    assert found.inputs["image"].accuracy.value > 0.9
    assert found.contents == {"digits": 12, "faces": 12}
    assert (found.tested_gms, found.chance) == (8, 0.5)
    assert found.inputs["image"].training_loss < found.guessing_loss == pytest.approx(math.log(2))
    one, other = (found.inputs[name].accuracy for name in ("fingerprint", "image"))
    assert found.difference.value == pytest.approx(one.value - other.value)
    assert json.dumps(found.to_dict(), allow_nan=False)


def test_content_that_leaves_no_trace_is_guessed(tmp_path: Path, own_cache: Path) -> None:
    benchmark = labelled(("faces", "digits"))
    folder = built(tmp_path, benchmark, 0.0)
    found = content.content_independence(benchmark, folder, parsers(benchmark), OPTIONS)
    for name in ("fingerprint", "image"):
        ci = found.inputs[name].accuracy.ci
        assert ci is not None
        assert ci[0] <= 0.5 <= ci[1]


def test_settings_have_folders_of_their_own() -> None:
    options = RunOptions(runs=Path("runs"))
    changed = replace(options, changes={"steps": 3})
    job, other = (content._job("image", None, "set_1", one) for one in (options, changed))
    assert job.folder == Path("runs/content_independence/image/seed_0/set_1")
    name = hashed_name("small", other.config.sha256)
    assert other.folder == Path(f"runs/content_independence/image/{name}/seed_0/set_1")
    # So has what begins with a parser of the user's choice.
    starts = (Fingerprints({}, {}, choice) for choice in ((), ("its hash",)))
    folders = [content._job("fingerprint", one, "set_1", options).folder for one in starts]
    assert folders == [
        Path(f"runs/content_independence/{one}/seed_0/set_1")
        for one in ("fingerprint", hashed_name("fingerprint", "its hash"))
    ]


@pytest.mark.parametrize("change", [{"model.inputs": "image"}, {"model.frozen": False}])
def test_fingerprints_that_learn_or_images_in_their_place_are_refused(
    change: dict[str, object],
) -> None:
    with pytest.raises(SettingError, match="in what is compared here"):
        content._job("fingerprint", None, "set_1", RunOptions(changes=change))


def test_rare_contents_are_one_class() -> None:
    benchmark = labelled(("faces", "faces", "faces", "digits", "icons", "letters"))
    found = content.contents_of(benchmark)
    assert sorted(set(found.values())) == ["faces", "other"]
    assert sum(one == "faces" for one in found.values()) == 12
    none_left = replace(benchmark, n_images=(0,) * 12 + (4,) * 12)
    assert set(content.contents_of(none_left).values()) == {"other"}


def test_benchmarks_that_will_not_do(tmp_path: Path) -> None:
    alone = labelled(("faces",))
    with pytest.raises(BenchmarkError, match=r"are of one content \(faces\)"):
        content.content_independence(alone, tmp_path, {}, OPTIONS)
    benchmark = labelled(("faces", "digits"))
    faces = tuple(gm.name for gm in benchmark.gms if gm.content == "faces")
    with pytest.raises(BenchmarkError, match="tests no GM of digits"):
        content.content_independence(
            replace(benchmark, sets={"set_1": faces[:2]}), tmp_path, {}, OPTIONS
        )
    with pytest.raises(BenchmarkError, match="set_1 leaves no GM of faces to train on"):
        content.content_independence(
            replace(benchmark, sets={"set_1": faces, "set_2": ("GM_01",)}), tmp_path, {}, OPTIONS
        )
