"""Folds of a user's videos and images: no person or video is in both training and test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gmbench.applications.sources import DetectionFold, Source
from gmbench.data.deepfakes import Clip, Collection
from gmbench.data.frames import VIDEO_SUFFIXES, central_square, face_crop, read_frames
from gmbench.errors import BenchmarkError
from gmbench.progress import Progress
from gmbench.training.image_inputs import opened
from gmbench.training.views import View

_HELD_OUT = 0.2
"""Share of the persons or videos held out for the test if there is no usable official split."""

_COUNTED = "videos and images"


@dataclass(frozen=True)
class ClipFold:
    """A fold of clips, and what a reader must know about it.

    Attributes:
        fold: What to train and test on.
        notes: What is missing, what was left out, and how often no face was found.
    """

    fold: DetectionFold
    notes: tuple[str, ...]


def clip_fold(
    train: Sequence[Collection],
    test: Collection | None,
    view: View,
    *,
    frames: int = 10,
    seed: int = 0,
    progress: Progress | None = None,
) -> ClipFold:
    """Reads clips and splits them by person and video.

    Args:
        train: Collections to train on.
        test: Collection to test on: its official test clips if it has any (as Celeb-DF and DFFD
            do), otherwise all clips. If None, a part of each training collection is tested: its
            official test part if that shares no person with the rest (Celeb-DF's does), otherwise
            a fifth of the persons.
        view: View of a face that networks see.
        frames: Number of frames per video.
        seed: Seed for drawing persons.
        progress: Progress callback, with the number of clips read.

    Raises:
        BenchmarkError: Training or test lacks a class.
        SourceError: A clip cannot be read.
    """
    notes = [note for one in (*train, *([test] if test else [])) for note in one.notes]
    if test is None:
        parted = [_parted(one, seed) for one in train]
        learnt = [clip for sides in parted for clip in sides[0]]
        held = [clip for sides in parted for clip in sides[1]]
    else:
        learnt = [clip for one in train for clip in one.clips]
        named = [clip for clip in test.clips if clip.part == "test"]
        held = named or list(test.clips)
        persons = {unit for clip in held for unit in clip.units}
        learnt = [clip for clip in learnt if not clip.units & persons]
    everything = sum(len(one.clips) for one in train)
    if left := everything - len(learnt) - (len(held) if test is None else 0):
        notes.append(f"{left:,} clips are left out: they show persons of both sides.")
    name = "+".join(one.name for one in train) + (f" to {test.name}" if test else "")
    _check_clips(name, learnt, held)
    sources: list[Source] = []
    faceless, n_frames = 0, 0
    for number, clip in enumerate((*learnt, *held)):
        if progress:
            progress(_COUNTED, number, len(learnt) + len(held))
        source, lacking = _source(clip, frames, view)
        sources.append(source)
        faceless, n_frames = faceless + lacking, n_frames + len(source.pixels)
    if faceless:
        notes.append(
            f"no face was found in {faceless:,} of {n_frames:,} frames: their central square is "
            "taken."
        )
    tested = _of_persons(held, sources[len(learnt) :])
    return ClipFold(DetectionFold(name, tuple(sources[: len(learnt)]), tested), tuple(notes))


def _parted(collection: Collection, seed: int) -> tuple[list[Clip], list[Clip]]:
    """Returns clips to train and to test on; clips with persons of both sides are in neither."""
    sides = [[clip for clip in collection.clips if clip.part == part] for part in ("train", "test")]
    shown = [{unit for clip in side for unit in clip.units} for side in sides]
    if all(shown) and not shown[0] & shown[1]:
        return sides[0], sides[1]
    units = sorted({unit for clip in collection.clips for unit in clip.units})
    order = np.random.default_rng([seed, len(units)]).permutation(len(units)).tolist()
    persons = {units[row] for row in order[: max(1, round(_HELD_OUT * len(units)))]}
    held = [clip for clip in collection.clips if clip.units <= persons]
    return [clip for clip in collection.clips if not clip.units & persons], held


def _check_clips(name: str, learnt: Sequence[Clip], held: Sequence[Clip]) -> None:
    """Checks a fold before any video is decoded.

    Raises:
        BenchmarkError: Training or test lacks a class.
    """
    for side, clips in (("to train on", learnt), ("to test on", held)):
        for fake, kind in ((False, "real"), (True, "fake")):
            if not any(clip.fake == fake for clip in clips):
                raise BenchmarkError(
                    f"{name} has no {kind} clip {side} once persons are parted. Give more videos, "
                    "or another collection with --test-dir."
                )


def _of_persons(clips: Sequence[Clip], sources: Sequence[Source]) -> tuple[Source, ...]:
    """Joins the sources of clips that show the same persons: they are not independent.

    Manipulated clips that share one of two persons stay apart: Celeb-DF pairs its persons so that
    all of them would become one.
    """
    several = len({clip.collection for clip in clips}) > 1
    # Collections have files of the same names, and folders of your own may have the same name too.
    names = [f"{clip.collection}/{clip.name}" if several else clip.name for clip in clips]
    if len(set(names)) < len(names):
        names = [clip.path.as_posix() for clip in clips]
    alike: dict[tuple[bool, frozenset[str]], list[Source]] = {}
    for clip, name, source in zip(clips, names, sources, strict=True):
        alike.setdefault((clip.fake, clip.units), []).append(replace(source, name=name))
    return tuple(
        replace(
            some[0],
            pixels=np.concatenate([one.pixels for one in some]),
            units=frozenset().union(*(one.units for one in some)),
        )
        for some in alike.values()
    )


def _source(clip: Clip, frames: int, view: View) -> tuple[Source, int]:
    """Reads a clip and counts its frames without a face."""
    if clip.path.suffix.lower() in VIDEO_SUFFIXES:
        crops = [face_crop(frame) for frame in read_frames(clip.path, frames)]
    else:
        # Images in collections are already crops of faces.
        crops = [(central_square(image), True) for image in opened(clip.path)]
    pixels = np.stack([view.apply(crop, clip.name) for crop, _ in crops])
    units = clip.units | {clip.path.resolve().as_posix()}
    return Source(clip.name, clip.fake, pixels, "", units), sum(not seen for _, seen in crops)
