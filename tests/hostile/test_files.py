"""Cards, configurations, predictions, images and archives of strangers: refused in a line."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gmbench.board.submission_card import read_card
from gmbench.data.archives import TarReader, ZipReader, open_source
from gmbench.data.sources import Limits
from gmbench.errors import GmbenchError
from gmbench.parsing.load import SHIPPED, load_parser
from gmbench.predictions.predictions import validate_predictions
from gmbench.training.image_inputs import opened
from tests.data.fake_images import image_bytes

CORPUS = Path(__file__).parent / "corpus"
MOST = 3_000
"""Characters of a message."""

EDITS = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
EDIT = st.tuples(st.integers(0, 10**6), st.binary(max_size=8), st.integers(0, 8))

Edit = tuple[int, bytes, int]


def files_of(kind: str) -> list[Path]:
    return sorted((CORPUS / kind).iterdir())


def edited(data: bytes, edit: Edit) -> bytes:
    place, put, cut = edit
    place %= len(data) + 1
    return data[:place] + put + data[place + cut :]


def refused(read: Callable[[], object]) -> str:
    """The message of an error that a user can mend; empty where there was none."""
    said = ""
    try:
        read()
    except GmbenchError as error:
        said = str(error)
        if not said:
            pytest.fail("an error without a word")
    assert "\x1b" not in said
    assert len(said) < MOST
    return said


@pytest.mark.parametrize("file", files_of("cards"), ids=lambda file: file.stem)
def test_cards(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert refused(lambda: read_card(file))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("file", files_of("configs"), ids=lambda file: file.stem)
def test_configurations(file: Path, tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path / "model")
    shutil.copy(file, tmp_path / "model" / "config.json")
    assert refused(lambda: load_parser(tmp_path / "model"))


@pytest.mark.parametrize("file", files_of("predictions"), ids=lambda file: file.stem)
def test_predictions(file: Path) -> None:
    checklist = validate_predictions(file, "mini116").checklist
    assert not checklist.ok
    said = checklist.text()
    assert "\x1b" not in said
    assert "\0" not in said
    assert all(check.remedy for check in checklist.failures)


@EDITS
@given(which=st.integers(0), edit=EDIT)
def test_any_card(which: int, edit: Edit, tmp_path: Path) -> None:
    files = files_of("cards")
    card = tmp_path / "card.yaml"
    card.write_bytes(edited(files[which % len(files)].read_bytes(), edit))
    said = refused(lambda: read_card(card))
    assert said or card.read_bytes()


@EDITS
@given(edit=EDIT)
def test_any_predictions(edit: Edit, tmp_path: Path) -> None:
    whole = b"image_id,layers,loss_l1\nMINI_DCGAN/000000,12,1\nMINI_DCGAN/000001,13.5,0.25\n"
    file = tmp_path / "p.csv"
    file.write_bytes(edited(whole, edit))
    validation = validate_predictions(file, "mini116")
    assert (validation.predictions is None) == (not validation.checklist.ok)


@EDITS
@given(seed=st.integers(0, 20), edit=EDIT)
def test_any_image(seed: int, edit: Edit, tmp_path: Path) -> None:
    suffix, data = image_bytes(seed)
    file = tmp_path / f"image{suffix}"
    file.write_bytes(edited(data, edit))
    sizes: list[tuple[int, int]] = []
    said = refused(lambda: sizes.extend(image.size for image in opened(file)))
    assert bool(said) != bool(sizes)


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"DCGAN/{number}.png", image_bytes(number)[1])
    return buffer.getvalue()


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for number in range(3):
            data = image_bytes(number)[1]
            member = tarfile.TarInfo(f"DCGAN/{number}.png")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize("make", [_zip, _tar])
def test_any_archive(make: Callable[[], bytes], tmp_path: Path) -> None:
    whole = make()
    inside = tmp_path / "inside"
    inside.mkdir()

    @EDITS
    @given(edit=EDIT)
    def check(edit: Edit) -> None:
        file = inside / "archive"
        file.write_bytes(edited(whole, edit))

        def read() -> None:
            source = open_source(file, inside / "scratch", Limits())
            reader = (ZipReader if source.kind == "zip" else TarReader)(source.readable)
            assert all(len(reader.read(one)) <= one.size for one in source.files)

        refused(read)
        shutil.rmtree(inside / "scratch", ignore_errors=True)
        assert [path.name for path in tmp_path.iterdir()] == ["inside"]

    check()
