"""How long a long run will take, from its first images and the size of its files."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import StatisticsError, fmean

from PIL import Image
from threadpoolctl import threadpool_limits

from gmbench.data.image_shards import TARS, ending_of, is_shard
from gmbench.data.image_streams import images_of_files, images_of_shard
from gmbench.data.parallel import in_processes
from gmbench.data.remote import is_remote
from gmbench.errors import GmbenchError
from gmbench.parsing.load import load_parser
from gmbench.parsing.looking import PartTask, decoded
from gmbench.parsing.work import names_of_part

_IMAGES = 16
"""Images that are parsed for it: a tenth of a second's work, or some seconds of a network."""

_HEADER = 768
"""Bytes of a TAR beside each image: a header of 512, and on average 256 that fill up a block."""

_FEW = 1_000
"""Fewer images take no half minute, beside which a process of one's own would count."""

_PARTS = 64
"""Parts whose size is looked at; the others are taken to be like them."""


def expected_seconds(tasks: Sequence[PartTask], at_once: int) -> float | None:
    """Returns how long parts will take, about.

    Args:
        tasks: The parts.
        at_once: Processes.

    Returns:
        Seconds, or None where that cannot be told before the first part is done: hosts of the
        network are asked for nothing twice, and what a GPU does is not what this process does.
    """
    if not tasks or tasks[0].device != "cpu":
        return None
    try:
        some = [names_of_part(task.folder, task.part) for task in tasks[:_PARTS]]
        if any(is_remote(names[0]) for names in some):
            return None
        of_files = sum(task.part.names for task in tasks)
        if of_files < _FEW and not any(is_shard(names[0]) for names in some):
            return None
        # A decoder that an image brings down takes that process with it, and not the run.
        look = partial(_first_images, names=some[0])
        ((_, (pace, size)),) = in_processes(look, tasks[:1], 1, lambda _: "the first images")
        images = fmean(_images_of(names, size) for names in some) * len(tasks)
    except (GmbenchError, OSError, StatisticsError):
        return None  # The run itself says what is wrong with an image or a file.
    return images * pace / min(at_once, len(tasks))


def _first_images(task: PartTask, names: list[str]) -> tuple[float, float]:
    """Returns the seconds that an image takes, and the bytes that it has, of the first ones."""
    images = images_of_shard(names[0]) if is_shard(names[0]) else images_of_files(names)
    parser, first = load_parser(task.parser), list(islice(images, _IMAGES))
    with threadpool_limits(1):
        seconds = 0.0
        for _ in range(2):  # What is done once alone is not the run's pace.
            started = time.perf_counter()
            found = [pixels for _, pixels, _ in map(decoded, first) if pixels is not None]
            if found:
                parser.parse_each([Image.fromarray(pixels) for pixels in found])
            seconds = time.perf_counter() - started
    size = fmean(len(image.data) for image in first)
    in_tar = ending_of(names[0]).endswith(TARS)
    return seconds / len(first), size + (_HEADER if in_tar else 0)


def _images_of(names: list[str], size: float) -> float:
    """Returns how many images a part has; of a file of many, how many of this size it holds."""
    return Path(names[0]).stat().st_size / size if is_shard(names[0]) else len(names)
