from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gmbench.data.deepfakes import read_collection
from gmbench.data.frames import central_square, face_crop, read_frames
from gmbench.errors import MissingPackageError, SourceError
from tests.data.videos import celeb_df, face_forensics, grey_video, uadfv


def test_frames_are_evenly_spaced(tmp_path: Path) -> None:
    video = grey_video(tmp_path / "a.mp4", 60, count=10)
    means = [np.asarray(frame).mean() for frame in read_frames(video, 5)]
    assert len(means) == 5
    # The middle of each fifth: frames 1, 3, 5, 7, 9, each brighter by 2 than the one before it.
    assert np.allclose(means, 60 + 2 * np.array([1, 3, 5, 7, 9]), atol=1.5)
    assert len(read_frames(video, 50)) == 10


@pytest.mark.parametrize("content", [b"", b"no video at all" * 100])
def test_a_video_that_does_not_open(content: bytes, tmp_path: Path) -> None:
    video = tmp_path / "broken.mp4"
    video.write_bytes(content)
    with pytest.raises(SourceError, match=r"cannot be read as a video: .*Fetch it again") as caught:
        read_frames(video, 3)
    assert "\n" not in str(caught.value)


def test_a_cut_video_gives_what_it_has_or_says_so(tmp_path: Path) -> None:
    whole = grey_video(tmp_path / "a.mp4", 60, count=20).read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match="cannot be read as a video"):
        read_frames(cut, 3)


def test_without_pyav_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(MissingPackageError, match=r"gmbench\[video\]"):
        read_frames(tmp_path / "a.mp4", 3)


def test_the_face_is_found_and_cut_out() -> None:
    from skimage import data

    pictures: Any = data
    picture = pictures.astronaut()
    crop, found = face_crop(Image.fromarray(picture))
    assert found
    assert 60 < crop.width == crop.height < 260
    face = np.asarray(crop)
    windows = np.lib.stride_tricks.sliding_window_view(picture, face.shape)[..., 0, :, :, :]
    ((top, left),) = np.argwhere((windows[..., :9, :9, :] == face[:9, :9]).all(axis=(2, 3, 4)))
    # Her face lies about column 225, row 110 of the 512 x 512 pixels.
    assert top < 110 < top + crop.height
    assert left < 225 < left + crop.width


def test_without_a_face_the_middle_is_taken() -> None:
    flat = Image.fromarray(np.tile(np.arange(80, dtype=np.uint8), (60, 1)))
    crop, found = face_crop(flat)
    assert not found
    assert crop.size == (60, 60)
    assert np.asarray(crop)[0, [0, -1]].tolist() == [10, 69]
    assert central_square(flat).tobytes() == crop.tobytes()


def test_celeb_df(tmp_path: Path) -> None:
    folder = celeb_df(tmp_path / "celeb", persons=4)
    (folder / "List_of_testing_videos.txt").write_text(
        "1 Celeb-real/id0_0000.mp4\n0 Celeb-synthesis/id0_id1_0000.mp4\n0 Celeb-synthesis/no.mp4\n"
    )
    found = read_collection(folder)
    assert found.name == "Celeb-DF"
    assert [clip.fake for clip in found.clips] == [False] * 4 + [True] * 4
    assert found.clips[4].units == {"Celeb-DF id0", "Celeb-DF id1"}
    assert [clip.name for clip in found.clips if clip.part == "test"] == [
        "Celeb-real/id0_0000.mp4",
        "Celeb-synthesis/id0_id1_0000.mp4",
    ]
    assert found.notes == (
        "Celeb-DF: 4 of 590 videos of Celeb-real are there.",
        "Celeb-DF: 4 of 5,639 videos of Celeb-synthesis are there.",
        "Celeb-DF: 1 of the 3 videos of List_of_testing_videos.txt missing.",
    )


def test_face_forensics_takes_one_compression(tmp_path: Path) -> None:
    found = read_collection(face_forensics(tmp_path / "ff", videos=4))
    assert found.name == "FaceForensics++"
    assert len(found.clips) == 8
    assert all("/c23/" in clip.name for clip in found.clips)
    assert found.clips[-1].units == {
        "FaceForensics++ video 003",
        "FaceForensics++ video 002",
    }
    assert found.notes == ("FaceForensics++: compression c23.",)


def test_uadfv_and_dffd(tmp_path: Path) -> None:
    found = read_collection(uadfv(tmp_path / "UADFV", videos=2))
    assert found.name == "UADFV"
    assert {clip.name: set(clip.units) for clip in found.clips}["fake/0001_fake.mp4"] == {
        "UADFV 0001"
    }
    assert found.notes[0] == "UADFV: 2 of 49 videos of real are there."
    for name in ("ffhq/train/a.png", "stargan/test/b.png", "ffhq/test/c.png"):
        path = tmp_path / "dffd" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(path)
    dffd = read_collection(tmp_path / "dffd")
    assert [(clip.name, clip.fake, clip.part) for clip in dffd.clips] == [
        ("ffhq/test/c.png", False, "test"),
        ("ffhq/train/a.png", False, "train"),
        ("stargan/test/b.png", True, "test"),
    ]
    assert dffd.notes[0].startswith("DFFD: missing celeba, faceapp, pggan_v1")


def test_folders_that_are_no_collection(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not there"):
        read_collection(tmp_path / "nowhere")
    (tmp_path / "other").mkdir()
    with pytest.raises(SourceError, match="has no layout that is known"):
        read_collection(tmp_path)
    (tmp_path / "fake").mkdir()
    grey_video(tmp_path / "real" / "a.mp4", 60)
    with pytest.raises(SourceError, match="has no fake video or image"):
        read_collection(tmp_path)
