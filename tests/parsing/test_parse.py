from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from PIL import Image

from gmbench.benchmark.benchmark import Benchmark
from gmbench.errors import SourceError
from gmbench.parsing.parse import parse
from gmbench.parsing.rows import rows_of
from gmbench.schema import CONTINUOUS, DISCRETE, LOSSES, NAMES
from gmbench.training.checkpoint import ModelParserCheckpoint
from gmbench.training.image_inputs import Images
from gmbench.training.parsed import ParsedImages
from gmbench.training.parsed_gm import parsed_gm
from gmbench.training.parser_place import CheckpointError
from tests.training.families import family_image
from tests.training.image_files import FILES, SIZES, png
from tests.training.test_checkpoint import checkpoint_of


@pytest.fixture(scope="module")
def checkpoint(families: Benchmark) -> ModelParserCheckpoint:
    return checkpoint_of(families)


@pytest.fixture(scope="module")
def folder(checkpoint: ModelParserCheckpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("parser") / "model"
    checkpoint.save_pretrained(place)
    return place


def test_no_count_is_negative(checkpoint: ModelParserCheckpoint) -> None:
    odds = np.ones((2, sum(checkpoint.labels.n_classes)))
    below = ParsedImages(np.full((2, 9), [[-9.0], [0.5]]), odds, checkpoint.labels.n_classes)
    found = parsed_gm(below, checkpoint.labels, {})
    rows = rows_of(["a", "b"], below, checkpoint.labels)
    for one in found.parameters[:9]:
        assert rows[one.name][0] == 0.0
        assert one.value == pytest.approx(rows[one.name].mean())


def test_mean_and_majority_by_a_slow_way(checkpoint: ModelParserCheckpoint) -> None:
    images = [family_image(number, number) for number in range(7)]
    found = checkpoint.parse(images)
    assert found.n_images == 7
    assert [one.name for one in found.parameters] == [
        p.name for p in (*CONTINUOUS, *DISCRETE, *LOSSES)
    ]
    assert {one.name for one in found.parameters} == set(NAMES)
    singles = [checkpoint.parse_each([image]) for image in images]
    for number, one in enumerate(found.parameters):
        if number < 9:
            counts = [checkpoint.labels.counts(single)[0, number] for single in singles]
            assert one.value == pytest.approx(np.mean(counts), rel=1e-4)
            assert one.spread == pytest.approx(np.std(counts), rel=1e-3, abs=1e-3)
            assert (one.confidence, one.agreement) == (None, None)
            continue
        odds = np.array([single.by_head[number - 9][0] for single in singles])
        names = checkpoint.labels.classes.get(one.name, ("no", "yes"))
        votes = [sum(row.argmax() == c for row in odds) for c in range(len(names))]
        chosen = names.index(str(one.value))
        assert votes[chosen] == max(votes)
        assert one.agreement == pytest.approx(max(votes) / 7)
        assert one.confidence == pytest.approx(odds[:, chosen].mean(), rel=1e-4)
        assert one.spread is None


@pytest.mark.parametrize(
    ("odds", "value", "agreement"),
    [
        ([0.9, 0.9, 0.1], "yes", 2 / 3),
        ([0.6, 0.6, 0.01], "yes", 2 / 3),  # the majority, whatever the mean
        ([0.9, 0.4], "yes", 0.5),  # equal: the higher mean probability
        ([0.6, 0.1], "no", 0.5),
    ],
)
def test_majorities(
    odds: list[float], value: str, agreement: float, checkpoint: ModelParserCheckpoint
) -> None:
    n_classes = checkpoint.labels.n_classes
    probabilities = np.zeros((len(odds), sum(n_classes)))
    probabilities[:, -2], probabilities[:, -1] = 1 - np.array(odds), odds
    said = ParsedImages(np.zeros((len(odds), 9)), probabilities, n_classes)
    found = parsed_gm(said, checkpoint.labels, {})
    assert found.parameters[-1].value == value
    assert found.parameters[-1].agreement == pytest.approx(agreement)


@pytest.mark.parametrize("mode", FILES)
def test_files_of_every_mode_and_size(mode: str, folder: Path, tmp_path: Path) -> None:
    suffix, make = FILES[mode]
    files = []
    for number, size in enumerate(SIZES):
        files.append(tmp_path / f"{number}.{suffix}")
        files[-1].write_bytes(make(*size))
    found = parse(files, folder)
    assert found.n_images == len(SIZES)
    assert all(np.isfinite(one.value) for one in found.parameters[:9])


def test_a_file_that_is_no_image(folder: Path, tmp_path: Path) -> None:
    good, bad, text, broad, large = (
        tmp_path / f"{name}.png" for name in ("good", "bad", "text", "broad", "large")
    )
    family_image(0, 0).save(good)
    bad.write_bytes(good.read_bytes()[:200])
    text.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n")
    broad.write_bytes(png(np.zeros((2, 65_537, 1), int), 8, 0))
    large.write_bytes(png(np.zeros((8_193, 8_193, 1), int), 8, 0))
    for path, reason in (
        (bad, "image file is truncated"),
        (text, "no image of a known format (PNG, JPEG, WebP, BMP, GIF, TIFF)"),
        (broad, "65537 x 2 pixels; at most 65,536 a side are decoded"),
        (large, "8193 x 8193 pixels; at most 67,108,864 are decoded"),
        (tmp_path / "none.png", "No such file or directory"),
        (tmp_path, "Is a directory"),
    ):
        with pytest.raises(SourceError) as caught:
            parse([good, path], folder)
        assert str(caught.value) == f"{path} cannot be parsed: {reason}. Give image files."
    # Pillow reads the pixels of an image only when they are asked for.
    with Image.open(bad) as lazy, pytest.raises(SourceError, match="image file is truncated"):
        parse([lazy], folder)
    with pytest.raises(SourceError, match=r"bad\.png cannot be parsed"):
        parse(lazy, folder)  # It is closed.
    with pytest.raises(SourceError, match="An image of Pillow cannot be parsed"):
        parse(Image.open(io.BytesIO(bad.read_bytes())), folder)


def test_files_images_and_arrays_say_the_same(folder: Path, tmp_path: Path) -> None:
    images = [family_image(number, 0) for number in range(3)]
    files = [tmp_path / f"{number}.png" for number in range(3)]
    for image, file in zip(images, files, strict=True):
        image.save(file)
    arrays = np.stack([np.asarray(image) for image in images])
    found = parse(files, folder)
    for same in (map(str, files), images, arrays, list(arrays)):
        assert parse(same, folder) == found
    for one in (files[0], str(files[0]), images[0], arrays[0]):
        assert parse(one, folder) == parse(files[:1], folder)
    grey = arrays[0, ..., 0]
    assert parse(grey, folder) == parse(np.repeat(grey[..., None], 3, axis=2), folder)
    table = found.to_pandas()
    assert tuple(table.index) == NAMES
    assert table.loc["layers", "value"] == found.parameters[0].value


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([], "There is no image to parse"),
        (np.zeros((4, 4, 3)), r"An array of float64 of shape \(4, 4, 3\) is no image. Give uint8"),
        (np.zeros((3, 4, 4), np.uint8), r"An array of uint8 of shape \(3, 4, 4\) is no image"),
    ],
)
def test_what_is_no_image(images: Images, message: str, folder: Path) -> None:
    with pytest.raises(SourceError, match=message):
        parse(images, folder)


def test_images_are_opened_one_by_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / f"{number}.png" for number in range(4)]
    for number, path in enumerate(files):
        family_image(number, 0).save(path)
    order: list[str] = []
    opened = Image.open

    def watched(file: BinaryIO, formats: tuple[str, ...]) -> object:
        order.append(f"open {Path(file.name).stem}")
        return opened(file, formats=formats)

    from gmbench.training.views import Resized

    taken = Resized.apply

    def view(self: Resized, image: Image.Image, image_id: str = "") -> object:
        order.append("view")
        return taken(self, image, image_id)

    monkeypatch.setattr(Image, "open", watched)
    monkeypatch.setattr(Resized, "apply", view)
    parse(files, folder)
    assert order == [step for n in range(4) for step in (f"open {n}", "view")]


def test_the_package_without_its_parser(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("gmbench.parsing.load.SHIPPED", tmp_path / "parser")
    family_image(0, 0).save(tmp_path / "x.png")
    with pytest.raises(CheckpointError, match="parser is not there"):
        parse([tmp_path / "x.png"])
