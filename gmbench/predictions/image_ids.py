"""Which image an `image_id` is meant for that is a path, or written in another letter case."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from gmbench.benchmark.benchmark import Benchmark

_FILE = re.compile(r"(\d{1,6})(\.\w{1,5})?", re.ASCII)


def image_id_meant(image_id: str, benchmark: Benchmark) -> str:
    """Returns the right form of an `image_id`, or nothing where none can be told.

    It may be a path with folders before it, have an extension, backslashes, fewer than six digits
    or another letter case: `data/aae/123.png` is meant for `AAE/000123`.

    Args:
        image_id: As it stands in a file.
        benchmark: Whose image it is.
    """
    folder, file = _parts(image_id)
    gm = _by_form(benchmark.index).get(folder.casefold())
    found = _FILE.fullmatch(file)
    if gm is None or found is None or int(found[1]) >= benchmark.n_images[benchmark.index[gm]]:
        return ""
    return f"{gm}/{int(found[1]):06d}"


def gms_meant(image_ids: Iterable[str], known: Iterable[str]) -> Counter[str]:
    """Counts images by the GM that each is meant for; by the folder named where it is none.

    Args:
        image_ids: As they stand in a file.
        known: Names of GMs.
    """
    by_form = _by_form(known)
    counts = Counter(_parts(image_id)[0] for image_id in image_ids)
    meant: Counter[str] = Counter()
    for folder, count in counts.items():
        meant[by_form.get(folder.casefold(), folder)] += count
    return meant


def _parts(image_id: str) -> tuple[str, str]:
    """Returns the last folder and the file of a path, be it one of Windows or not."""
    path, _, file = image_id.strip().replace("\\", "/").rpartition("/")
    return path.rpartition("/")[2], file


def _by_form(known: Iterable[str]) -> dict[str, str]:
    return {name.casefold(): name for name in known}
