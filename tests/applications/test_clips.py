from __future__ import annotations

from pathlib import Path

import pytest

from gmbench.applications.clips import clip_fold
from gmbench.applications.detection import SIMPLE, detect
from gmbench.data.deepfakes import read_collection
from gmbench.errors import BenchmarkError, SourceError
from gmbench.training.views import Resized
from tests.applications.toys import OPTIONS, SIDE
from tests.data.videos import celeb_df, face_forensics, grey_video, uadfv


def test_one_collection_is_parted_by_person(tmp_path: Path) -> None:
    made = clip_fold(
        [read_collection(celeb_df(tmp_path / "c"))], None, Resized(SIDE), frames=2, seed=3
    )
    fold = made.fold
    persons = [
        {unit for one in side for unit in one.units if unit.startswith("Celeb-DF")}
        for side in (fold.train, fold.test)
    ]
    assert not persons[0] & persons[1]
    videos = [{one.name for one in side} for side in (fold.train, fold.test)]
    assert not videos[0] & videos[1]
    assert all(one.pixels.shape == (2, 1, SIDE, SIDE, 3) for one in fold.train)
    assert all(one.pixels.shape[1:] == (1, SIDE, SIDE, 3) for one in fold.test)
    assert "Celeb-DF: 12 of 590 videos of Celeb-real are there." in made.notes
    assert any("no face was found in" in note for note in made.notes)


def test_the_owners_test_is_for_those_who_train_elsewhere(tmp_path: Path) -> None:
    celeb = celeb_df(tmp_path / "celeb", persons=4)
    (celeb / "List_of_testing_videos.txt").write_text(
        "1 Celeb-real/id2_0000.mp4\n0 Celeb-synthesis/id0_id1_0000.mp4\n"
    )
    train = [
        read_collection(face_forensics(tmp_path / "ff")),
        read_collection(uadfv(tmp_path / "u")),
    ]
    made = clip_fold(train, read_collection(celeb), Resized(SIDE), frames=2)
    assert made.fold.name == "FaceForensics+++u to Celeb-DF"
    assert len(made.fold.train) == 16 + 20
    assert {one.name for one in made.fold.test} == {
        "Celeb-real/id2_0000.mp4",
        "Celeb-synthesis/id0_id1_0000.mp4",
    }


def test_files_of_the_same_name_in_two_collections_are_two_sources(tmp_path: Path) -> None:
    collections = [read_collection(uadfv(tmp_path / name)) for name in ("one", "other")]
    made = clip_fold(collections, None, Resized(SIDE), frames=1)
    found = detect([made.fold], "both", OPTIONS, [])
    fakes = [one.name for one in made.fold.test if one.fake]
    assert any(name.startswith("one/fake/") for name in fakes)
    assert found.n_fake == len(set(fakes)) == len(found.detectors[SIMPLE].sources) == len(fakes)


def test_folders_of_the_same_name_show_other_persons(tmp_path: Path) -> None:
    one, other = (read_collection(uadfv(tmp_path / side / "own", videos=5)) for side in "ab")
    apart = clip_fold([one], other, Resized(SIDE), frames=1).fold
    assert (len(apart.train), len(apart.test)) == (10, 10)
    tested = clip_fold([one, other], None, Resized(SIDE), frames=1).fold.test
    assert len({source.name for source in tested}) == len(tested) == 4
    same = read_collection(tmp_path / "a" / "own")
    assert {clip.units for clip in same.clips} == {clip.units for clip in one.clips}


def test_clips_of_the_same_persons_are_one_source_of_the_test(tmp_path: Path) -> None:
    celeb = celeb_df(tmp_path / "celeb", persons=4)
    collection = read_collection(celeb)
    fold = clip_fold([read_collection(uadfv(tmp_path / "u"))], collection, Resized(SIDE), frames=2)
    shown = {(clip.fake, clip.units) for clip in collection.clips}
    assert 1 < len(shown) < len(collection.clips)
    assert len(fold.fold.test) == len(shown)
    assert sum(len(one.pixels) for one in fold.fold.test) == 2 * len(collection.clips)
    assert len(fold.fold.train) == 20


def test_a_detector_of_videos(tmp_path: Path) -> None:
    """Fakes are brighter: every video is told."""
    collection = read_collection(uadfv(tmp_path / "uadfv"))
    made = clip_fold([collection], None, Resized(SIDE), frames=2)
    found = detect([made.fold], made.fold.name, OPTIONS, ["image_fingerprint"], notes=made.notes)
    assert found.detectors["image_fingerprint"].auc.value == 1.0
    assert (found.n_fake, found.n_real, found.n_images) == (2, 2, 8)
    assert found.notes == made.notes
    assert SIMPLE in found.detectors


def test_videos_that_will_not_do(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    grey_video(folder / "real/a.mp4", 60)
    grey_video(folder / "fake/b.mp4", 180)
    with pytest.raises(BenchmarkError, match=r"own has no (real|fake) clip to"):
        clip_fold([read_collection(folder)], None, Resized(SIDE))
    broken = uadfv(tmp_path / "broken", videos=6)
    (broken / "fake/0003_fake.mp4").write_bytes(b"nothing")
    with pytest.raises(SourceError, match=r"0003_fake\.mp4 cannot be read as a video"):
        clip_fold([read_collection(broken)], None, Resized(SIDE))
