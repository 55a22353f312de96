"""Which image is meant by an `image_id` that is a path, or in a different letter case."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from gmbench.benchmark.benchmark import Benchmark

_FILE = re.compile(r"(\d{1,6})(\.\w{1,5})?", re.ASCII)


def image_id_meant(image_id: str, benchmark: Benchmark) -> str:
    """Returns the right form of an `image_id`, or an empty string if it cannot be determined.

    It may be a path with leading folders, or have an extension, backslashes, fewer than six digits
    or a different letter case: `data/aae/123.png` stands for `AAE/000123`.

    Args:
        image_id: As written in a file.
        benchmark: The benchmark whose image it is.
    """
    folder, file = _parts(image_id)
    gm = _by_form(benchmark.index).get(folder.casefold())
    found = _FILE.fullmatch(file)
    if gm is None or found is None or int(found[1]) >= benchmark.n_images[benchmark.index[gm]]:
        return ""
    return f"{gm}/{int(found[1]):06d}"


def gms_meant(image_ids: Iterable[str], known: Iterable[str]) -> Counter[str]:
    """Counts images by the GM that each is meant for, or by the folder named if that is no GM.

    Args:
        image_ids: As written in a file.
        known: Names of GMs.
    """
    by_form = _by_form(known)
    counts = Counter(_parts(image_id)[0] for image_id in image_ids)
    meant: Counter[str] = Counter()
    for folder, count in counts.items():
        meant[by_form.get(folder.casefold(), folder)] += count
    return meant


def _parts(image_id: str) -> tuple[str, str]:
    """Returns the last folder and the file of a path, in Windows notation or not."""
    path, _, file = image_id.strip().replace("\\", "/").rpartition("/")
    return path.rpartition("/")[2], file


def _by_form(known: Iterable[str]) -> dict[str, str]:
    return {name.casefold(): name for name in known}
