"""What a parser of known GMs says of images of unseen GMs: together, and one by one.

    python benchmarks/parser_unseen.py --data DIR --extra DIR --real DIR -o FILE.json GM...

Ten folds leave GMs out as its training does. Eight images of a GM left out should stay together,
and sixteen of two GMs of a fold should be split, both as `gmbench parse --group` splits them and as
images are said, unasked, to be of several models. For each GM named, what is read off one image is
compared with its labels.
"""

from __future__ import annotations

from typing import Any

import known_images
import numpy as np
from numpy.typing import NDArray

from gmbench.files import json_text, write_whole
from gmbench.parsing.fitting import Fitted, KnownImages, fit_known_gms, folds_of
from gmbench.parsing.grouping import APART, MIXED, groups_of
from gmbench.parsing.known_gms import SaidOfImages
from gmbench.parsing.train import COPIES
from gmbench.schema import N_CONTINUOUS

DRAWS = 300
IMAGES = 8
"""Number of images of one GM in a draw."""


def grouped(images: KnownImages, fitted: Fitted, own: bool, seed: int) -> dict[str, float]:
    """Returns how often images of one GM stay together, and images of two are split.

    Args:
        images: Images that the parser was trained on.
        fitted: The parser, and what was said fold by fold.
        own: Whether to draw published GMs rather than replicas.
        seed: Seed of the folds, and of the draws of GMs and images.
    """
    generator = np.random.default_rng([seed, 0x9A])
    named = np.array(images.names) == np.array(images.speaks_for)
    fold_of = np.zeros(len(images.groups), dtype=int)
    for number, out in enumerate(folds_of(images, seed)):
        fold_of[out] = number
    images_of = [np.flatnonzero(images.groups == gm) for gm in range(len(images.names))]
    gms = [gm for gm in np.flatnonzero(named == own).tolist() if len(images_of[gm]) >= IMAGES]
    fold_of_gm = {gm: int(fold_of[images_of[gm][0]]) for gm in gms}
    counts = np.zeros(5)
    for _ in range(DRAWS):
        one = int(generator.choice(gms))
        beside = [gm for gm in gms if gm != one and fold_of_gm[gm] == fold_of_gm[one]]
        other = int(generator.choice(beside))
        drawn = [generator.choice(images_of[gm], IMAGES, replace=False) for gm in (one, other)]
        alone, both = (fitted.unseen.shares[rows] for rows in (drawn[0], np.concatenate(drawn)))
        parts = groups_of(both, APART)
        counts += (
            len(groups_of(alone, APART)) == 1,
            len(parts) > 1,
            _pure(parts),
            len(groups_of(alone, MIXED)) > 1,
            len(groups_of(both, MIXED)) > 1,
        )
    names = ("whole", "parted", "with_their_own", "one_called_several", "two_called_several")
    return dict(zip(names, (counts / DRAWS).round(4).tolist(), strict=True))


def _pure(parts: list[NDArray[np.int64]]) -> float:
    """Returns the share of the images that are in a group most of which is from their GM."""
    right = sum(max((part < IMAGES).sum(), (part >= IMAGES).sum()) for part in parts)
    return float(right / (2 * IMAGES))


def looked_at(images: KnownImages, fitted: Fitted, gm: str) -> dict[str, Any]:
    """Returns what is read off a GM's middle image, along with its labels.

    Args:
        images: Images that the parser was trained on.
        fitted: The parser, and what was said fold by fold.
        gm: A published GM.
    """
    row = images.names.index(gm)
    rows = np.flatnonzero(images.groups == row)
    said = fitted.unseen.of(rows[[len(rows) // 2]])
    parsed = fitted.parser.parse_said(SaidOfImages(said.shares, said.real, said.distances))
    labels, found = fitted.parser.labels, {}
    n_right = 0
    for number, (one, value) in enumerate(zip(parsed.parameters, images.values[row], strict=True)):
        if number < N_CONTINUOUS:
            assert one.interval is not None
            ends = (one.interval.low, one.interval.high)
            found[one.name] = [one.value, *ends, float(value), one.verdict]
            continue
        names = labels.classes.get(one.name, ("no", "yes"))
        n_right += one.value == names[int(value)]
        found[one.name] = [one.value, names[int(value)], round(one.confidence or 0, 3), one.verdict]
    relatives = {one.gm: round(one.share, 3) for one in parsed.relatives}
    return {
        "classes_and_losses_right": n_right,
        "relatives": relatives,
        "origin": parsed.to_dict()["origin"],
        "parameters": found,
    }


def main() -> None:
    """Trains eleven times, and writes what was said."""
    parser = known_images.options(__doc__)
    parser.add_argument("gms", nargs="*", metavar="GM")
    arguments = parser.parse_args()
    seed = arguments.seed
    benchmark, images = known_images.read(arguments)
    fitted = fit_known_gms(images, benchmark, seed, {})
    found: dict[str, Any] = {"seed": seed, "copies": COPIES, "draws": DRAWS}
    for domain, own in (("published", True), ("replicas", False)):
        found[domain] = grouped(images, fitted, own, seed)
        print(domain, found[domain], flush=True)
    found["looked_at"] = {gm: looked_at(images, fitted, gm) for gm in arguments.gms}
    write_whole(arguments.out, json_text(found))


if __name__ == "__main__":
    main()
