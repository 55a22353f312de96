"""Reads collections of real and manipulated videos in their owners' layouts.

Celeb-DF: `Celeb-real/`, `YouTube-real/` and `Celeb-synthesis/`, whose `id0_id1_0000.mp4` shows two
persons. FaceForensics++: `original_sequences/*/c23/videos/` and, likewise,
`manipulated_sequences/`, whose `000_003.mp4` shows the persons of two videos. DFFD: `ffhq/` and
`celeba/` are real, `faceapp/`, `pggan_v1/` and so on are fake, each with the owners' `train`,
`validation` and `test`. UADFV and any other: `real/` and `fake/`, where `0000.mp4` and
`0000_fake.mp4` belong together.

One compression of FaceForensics++ is read: c23 if it exists, else c40, else raw. Files may be
videos or images. Celeb-DF's `List_of_testing_videos.txt` names the videos of its test split.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from gmbench.data.class_folders import images_in
from gmbench.data.frames import VIDEO_SUFFIXES
from gmbench.data.listing import IMAGE_SUFFIXES
from gmbench.errors import SourceError

CELEB_DF: dict[str, int] = {"Celeb-real": 590, "Celeb-synthesis": 5639}
"""Number of videos of Celeb-DF by folder, as its owners and the paper count them."""

UADFV: dict[str, int] = {"real": 49, "fake": 49}
"""Number of videos of UADFV by folder."""

_TEST_LIST = "List_of_testing_videos.txt"
_COMPRESSIONS = ("c23", "c40", "raw")
_DFFD_REAL = ("ffhq", "celeba")
_DFFD_FAKE = (
    "faceapp", "pggan_v1", "pggan_v2", "stargan", "stylegan_celeba", "stylegan_ffhq",
)  # fmt: skip


@dataclass(frozen=True)
class Clip:
    """A video, or an image.

    Attributes:
        path: The file.
        name: Its path inside the collection.
        fake: Whether it is manipulated.
        units: Whom it shows: clips that share a unit must be on the same side of a split.
        part: `train` or `test` if the owners say so; else empty.
        collection: Name of its collection.
    """

    path: Path
    name: str
    fake: bool
    units: frozenset[str]
    part: str = ""
    collection: str = ""


@dataclass(frozen=True)
class Collection:
    """Real and manipulated videos or images.

    Attributes:
        name: Its name, such as `Celeb-DF`.
        clips: All clips.
        notes: What is missing of what the owners count, and which compression is read.
    """

    name: str
    clips: tuple[Clip, ...]
    notes: tuple[str, ...]


def read_collection(folder: Path) -> Collection:
    """Recognises whose layout a folder has, and lists its clips.

    Raises:
        SourceError: The folder has no known layout, or no real or no fake clip.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder} is not there. Give the folder of a collection of videos.")
    inside = {path.name for path in folder.iterdir() if path.is_dir()}
    if "Celeb-synthesis" in inside:
        found = _celeb_df(folder)
    elif "manipulated_sequences" in inside:
        found = _face_forensics(folder)
    elif {"real", "fake"} <= inside:
        found = _real_and_fake(folder)
    elif inside & set(_DFFD_FAKE):
        found = _dffd(folder)
    else:
        raise SourceError(
            f"{folder} has no layout that is known: Celeb-DF (Celeb-synthesis), FaceForensics++ "
            f"(manipulated_sequences), DFFD ({', '.join(_DFFD_FAKE)}), or the folders real and "
            "fake. Give the folder that holds these."
        )
    for fake, kind in ((False, "real"), (True, "fake")):
        if not any(clip.fake == fake for clip in found.clips):
            raise SourceError(
                f"{folder} ({found.name}) has no {kind} video or image. Fetch them, or give "
                "another folder."
            )
    return found


def _celeb_df(folder: Path) -> Collection:
    listed = folder / _TEST_LIST
    test = set()
    if listed.is_file():
        lines = listed.read_text(encoding="utf-8", errors="replace").splitlines()
        test = {line.split()[-1] for line in lines if line.strip()}

    def part(name: str) -> str:
        return "" if not test else "test" if name in test else "train"

    def units(name: str) -> Iterable[str]:
        stem = Path(name).stem
        return re.findall(r"id\d+", stem) or [f"youtube {stem}"]

    clips = [
        *_clips(folder, "Celeb-real", False, "Celeb-DF", units, part),
        *_clips(folder, "YouTube-real", False, "Celeb-DF", units, part),
        *_clips(folder, "Celeb-synthesis", True, "Celeb-DF", units, part),
    ]
    notes = _missing("Celeb-DF", clips, CELEB_DF)
    if test and (lacking := test - {clip.name for clip in clips}):
        notes.append(f"Celeb-DF: {len(lacking)} of the {len(test)} videos of {_TEST_LIST} missing.")
    return Collection("Celeb-DF", tuple(clips), tuple(notes))


def _face_forensics(folder: Path) -> Collection:
    present = {path.parent.name for path in folder.glob("*_sequences/*/*/videos")}
    chosen = next((one for one in _COMPRESSIONS if one in present), None)

    def units(name: str) -> Iterable[str]:
        # 000_003.mp4 or, of the actors, 01_02__walking.mp4.
        kind = "actor" if "/actors/" in name or "/DeepFakeDetection/" in name else "video"
        return [f"{kind} {one}" for one in Path(name).stem.partition("__")[0].split("_")]

    clips: list[Clip] = []
    for top, fake in (("original_sequences", False), ("manipulated_sequences", True)):
        for path in sorted(folder.glob(f"{top}/*/{chosen}/videos")):
            place = path.relative_to(folder).as_posix()
            clips += _clips(folder, place, fake, "FaceForensics++", units)
    notes = [f"FaceForensics++: compression {chosen}."] if chosen else []
    return Collection("FaceForensics++", tuple(clips), tuple(notes))


def _dffd(folder: Path) -> Collection:
    def part(name: str) -> str:
        return "test" if "test" in Path(name).parts[1:-1] else "train"

    clips = [
        clip
        for names, fake in ((_DFFD_REAL, False), (_DFFD_FAKE, True))
        for name in names
        for clip in _clips(folder, name, fake, "DFFD", lambda name: [name], part)
    ]
    present = {clip.name.split("/")[0] for clip in clips}
    lacking = [name for name in (*_DFFD_REAL, *_DFFD_FAKE) if name not in present]
    notes = [f"DFFD: missing {', '.join(lacking)}."] if lacking else []
    return Collection("DFFD", tuple(clips), tuple(notes))


def _real_and_fake(folder: Path) -> Collection:
    is_uadfv = "uadfv" in folder.resolve().name.lower()
    name = "UADFV" if is_uadfv else folder.resolve().name

    def units(path: str) -> Iterable[str]:
        inner = Path(path).parts[1:]
        # A subfolder is a person, a video or a GM; a file outside of any stands for itself.
        return [inner[0] if len(inner) > 1 else re.sub("_fake$", "", Path(path).stem)]

    # Two folders of your own may have the same name, and show other persons.
    whose = name if is_uadfv else folder.resolve().as_posix()
    clips = [
        *_clips(folder, "real", False, name, units, whose=whose),
        *_clips(folder, "fake", True, name, units, whose=whose),
    ]
    return Collection(name, tuple(clips), tuple(_missing(name, clips, UADFV) if is_uadfv else ()))


def _clips(
    folder: Path,
    place: str,
    fake: bool,
    collection: str,
    units: Callable[[str], Iterable[str]],
    part: Callable[[str], str] = lambda name: "",
    whose: str = "",
) -> list[Clip]:
    files = images_in(folder / place, VIDEO_SUFFIXES | IMAGE_SUFFIXES)
    names = [path.relative_to(folder).as_posix() for path in files]
    return [
        Clip(
            path,
            name,
            fake,
            frozenset(f"{whose or collection} {u}" for u in units(name)),
            part(name),
            collection,
        )
        for path, name in zip(files, names, strict=True)
    ]


def _missing(collection: str, clips: Iterable[Clip], counts: dict[str, int]) -> list[str]:
    found = [clip.name.split("/")[0] for clip in clips]
    return [
        f"{collection}: {found.count(name):,} of {count:,} videos of {name} are there."
        for name, count in counts.items()
        if found.count(name) != count
    ]
