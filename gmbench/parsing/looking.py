"""Parsing one part of a long run, in any process: images in, a file with their rows out.

Images are decoded as they arrive and parsed in batches, so that memory use is that of a few images,
whatever the size of the part.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from threadpoolctl import threadpool_limits

from gmbench.data.ahead import in_threads
from gmbench.data.image_files import fault_of
from gmbench.data.image_shards import is_shard
from gmbench.data.image_streams import images_of_files, images_of_shard
from gmbench.data.parallel import all_cores
from gmbench.data.remote import PATIENCE, UnreachedError
from gmbench.data.rgb import Pixels, decode_rgb
from gmbench.data.streamed_image import StreamedImage
from gmbench.errors import GmbenchError
from gmbench.parsing.known_gms import KnownGMs
from gmbench.parsing.load import load_parser, parser_sha256
from gmbench.parsing.parts import PartFile, PartRecord
from gmbench.parsing.work import Part, WorkError, names_of_part, part_path

if TYPE_CHECKING:
    from gmbench.training.checkpoint import ModelParserCheckpoint

_ATTEMPTS = 3
_PAUSE = 2.0
"""Seconds before a part whose host broke off is retried; twice as many the next time."""

_MOST_IMAGES = 256
_MOST_PIXELS = 2**22
"""A batch ends when it has this many images, or this many pixels in total."""


@dataclass(frozen=True, slots=True)
class PartTask:
    """A part, and all that a process needs to parse it.

    Attributes:
        folder: Folder of the run.
        part: Which images to parse.
        parser: Folder of the parser or its name on the Hub; the package's own if None.
        parser_sha256: SHA-256 that the parser must have.
        device: `cpu`, `cuda` or `mps`: where a network runs; `auto` until Ray has said what there
            is.
        patience: Seconds that a host may take for an image.
    """

    folder: Path
    part: Part
    parser: str | None
    parser_sha256: str
    device: str = "cpu"
    patience: float = PATIENCE


@dataclass(frozen=True, slots=True)
class PartOutcome:
    """Outcome of a part.

    Attributes:
        part: Its number.
        record: Its record; None if its file of many images could not be reached.
        unread: Why it could not be reached.
    """

    part: int
    record: PartRecord | None
    unread: str = ""


def parse_part(task: PartTask) -> PartOutcome:
    """Parses the images of a part and writes their rows.

    Raises:
        GmbenchError: The file cannot be written, or the parser or the list has changed.
    """
    parser = _parser(task.parser, task.device, task.parser_sha256)
    names = names_of_part(task.folder, task.part)
    for attempt in range(_ATTEMPTS):
        try:
            return PartOutcome(task.part.number, _written(task, parser, names))
        except UnreachedError as error:
            unread = f"{names[0]}: {error}"
            if attempt + 1 < _ATTEMPTS:
                time.sleep(_PAUSE * 2**attempt)
    return PartOutcome(task.part.number, None, unread)


@lru_cache(maxsize=1)
def _parser(place: str | None, device: str, sha256: str) -> KnownGMs | ModelParserCheckpoint:
    """Reads a parser once per process, and keeps the process to one core beside the others."""
    if parser_sha256(place) != sha256:
        raise WorkError(
            f"{place or 'The parser of the package'} is not the parser that the run was begun "
            "with. Give every machine the same one, and the same version of gmbench."
        )
    parser = load_parser(place)
    if not isinstance(parser, KnownGMs):
        import torch

        torch.set_num_threads(1)
        parser.to(device)
    return parser


def _written(
    task: PartTask, parser: KnownGMs | ModelParserCheckpoint, names: list[str]
) -> PartRecord:
    path = part_path(task.folder, task.part.number)
    facts = {"gmbench_part": str(task.part.number), "gmbench_parser": task.parser_sha256}
    if is_shard(names[0]):
        images = images_of_shard(names[0], task.patience)
    else:
        images = images_of_files(names, task.patience)
    # A GPU parses faster than one core decodes.
    threads = 1 if task.device == "cpu" else all_cores()
    with threadpool_limits(1), PartFile(path, parser.labels, facts) as file:
        for some in _together(in_threads(decoded, images, threads)):
            sound = [Image.fromarray(pixels) for _, pixels, _ in some if pixels is not None]
            faults = {place: fault for place, (_, _, fault) in enumerate(some) if fault}
            said = parser.parse_each(sound) if sound else None
            file.add([name for name, _, _ in some], said, faults)
    return PartRecord.of_file(path, task.part.number)


Decoded = tuple[str, Pixels | None, str]
"""Name, pixels or None, and why there are none."""


def decoded(image: StreamedImage) -> Decoded:
    """Returns the pixels of an image, or why there are none."""
    if image.fault:
        return image.name, None, image.fault
    try:
        return image.name, decode_rgb(image.data), ""
    except GmbenchError as error:
        return image.name, None, str(error)
    except Exception as error:  # noqa: BLE001 - decoders raise whatever damaged data leads them to
        return image.name, None, fault_of(error)


def _together(images: Iterator[Decoded]) -> Iterator[list[Decoded]]:
    some: list[Decoded] = []
    n_pixels = 0
    for image in images:
        some.append(image)
        n_pixels += 0 if image[1] is None else image[1].shape[0] * image[1].shape[1]
        if len(some) >= _MOST_IMAGES or n_pixels >= _MOST_PIXELS:
            yield some
            some, n_pixels = [], 0
    if some:
        yield some
