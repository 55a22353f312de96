"""The quality gate: whether a GM has learnt enough for its images to deserve a place in the zoo.

A sample of its images is compared with real images of its content, in a small space of hand-crafted
features that need no download (`features`). A GM passes if every check that applies to its kind
does:

| check | requirement | kinds |
|---|---|---|
| `finite_loss` | the training loss is a finite number at every step | all |
| `diversity` | images differ from one another, relative to how real ones do | all |
| `sharpness` | fine detail is neither missing nor mere noise, relative to real ones | all |
| `frechet` | nearer to real images than what the network made before training | all but AA |
| `perturbed` | each image differs from the nearest real one, but only by a little | AA |

The images of an adversarial attack are real images with a small pattern added. Their distance from
real ones is small however good the attack is, so `frechet` says nothing about it; what could go
wrong is that the pattern is lost in rounding to 8 bits, or that it buries the image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmbench.predictions.checks import Checklist

Images = NDArray[np.uint8]
"""Shape (images, 3, size, size)."""

N_SAMPLE = 64
"""Number of images of a GM that the gate looks at."""

_N_REAL = 500
"""Number of real images that they are compared with."""

_LIMITS: Mapping[str, tuple[float, float]] = {
    "diversity": (0.25, 4.0),
    "sharpness": (0.05, 4.0),
    "frechet": (0.0, 0.95),
    "perturbed": (0.9, 1.0),
}
"""Smallest and largest value that passes each check.

`diversity` and `sharpness` are multiples of the real images' own values, `frechet` is a multiple of
the untrained network's distance, and `perturbed` is a share of the images.
"""

_LEAST_SPREAD = np.repeat([2.0, 2.0, 2.0, 4.0, 2.0, 3.0], [36, 3, 3, 1, 8, 9])
"""Lower bound on the spread of each feature among real images.

It keeps a feature that is nearly constant there, such as the colour of grey images or the fine
detail of faces, from outweighing all others. The last two groups (frequencies, gradients) are held
down the most: a blurred face is nearer to a face than sharp noise is.
"""

_LEAST_POWER = 10.0
"""Added to the power in a ring of frequencies, in squared levels, before the logarithm.

The step from little to none would otherwise count for more than everything visible.
"""

_REMEDY = "Train it longer, with another seed, or on other images."

_LARGEST_PERTURBATION = 48.0
"""Root mean square change of an attacked image, in levels of 255, beyond which it is buried."""


@dataclass(frozen=True, slots=True)
class Quality:
    """The gate's verdict on a GM.

    Attributes:
        checks: All checks, in the order of the module's table; one is skipped.
        figures: Figures that they are based on: `last_loss`, `diversity`, `real_diversity`,
            `sharpness`, `real_sharpness`, `frechet`, `untrained_frechet`, `perturbation`; None
            where not computed or not finite.
    """

    checks: Checklist
    figures: Mapping[str, float | None]

    @property
    def fault(self) -> str:
        """The checks that failed, with what was found, in one line; empty if none failed."""
        return "; ".join(f"{check.name} {check.message}" for check in self.checks.failures)

    def to_dict(self) -> dict[str, Any]:
        """Returns the checks and figures as JSON-serialisable data."""
        return {**self.checks.to_dict(), "figures": dict(self.figures)}


def judge(
    kind: str,
    history: Sequence[float],
    images: Images,
    real: Images,
    untrained: Images | None,
) -> Quality:
    """Puts a GM through the gate.

    Args:
        kind: Kind of the GM, which decides the checks that apply.
        history: Training loss by step.
        images: Images of the GM, shape (images, 3, size, size).
        real: All real images of its content.
        untrained: Images of the same network before training; not needed for an AA.
    """
    attack = kind == "AA"
    reference = real[:: max(1, len(real) // _N_REAL)][:_N_REAL]
    figures: dict[str, float | None] = {
        "last_loss": history[-1] if history else None,
        "diversity": diversity(images),
        "real_diversity": diversity(reference),
        "sharpness": sharpness(images),
        "real_sharpness": sharpness(reference),
    }
    values = {
        name: _ratio(figures[name], figures[f"real_{name}"]) for name in ("diversity", "sharpness")
    }
    if attack:
        values["perturbed"], figures["perturbation"] = _share_perturbed(images, real)
    else:
        features_of_real = features(reference)
        figures["frechet"] = frechet_distance(features(images), features_of_real)
        if untrained is not None:
            figures["untrained_frechet"] = frechet_distance(features(untrained), features_of_real)
        values["frechet"] = _ratio(figures["frechet"], figures.get("untrained_frechet"))
    checks = Checklist(f"images of a GM of kind {kind}")
    if history and np.isfinite(history).all():
        checks.passed("finite_loss", "at every step")
    else:
        checks.failed("finite_loss", "not at every step", _REMEDY)
    for name, (least, most) in _LIMITS.items():
        if name not in values:
            checks.skipped(name, f"not asked of the kind {kind}")
            continue
        value = values[name]
        found = "no finite value" if _finite(value) is None else f"{value:.3g}"
        if value is not None and least <= value <= most:
            checks.passed(name, found)
        else:
            checks.failed(name, f"{found}, outside {least:g} to {most:g}", _REMEDY)
    return Quality(checks, {name: _finite(value) for name, value in figures.items()})


def diversity(images: Images) -> float:
    """Returns how much images differ from one another: 0 when all are the same.

    This is the root mean square distance between two of them, in levels of 255, taken between
    thumbnails of 8 x 8 pixels so that noise, which differs in every image, does not pass for
    variety.
    """
    small = _thumbnails(images, 8).reshape(len(images), -1)
    return float(np.sqrt(2.0 * small.var(axis=0).mean()))


def sharpness(images: Images) -> float:
    """Returns the mean absolute Laplacian of the luminance, in levels of 255: fine detail."""
    grey = _luminance(images)
    around = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:]
    return float(np.abs(4.0 * grey[:, 1:-1, 1:-1] - around).mean())


def features(images: Images) -> NDArray[np.float64]:
    """Returns the hand-crafted features in which the Frechet-like distance is computed.

    For every image: the 6 x 6 lowest cosine coefficients of its luminance (what is where), the mean
    and spread of each channel and how far apart the channels are (colour), the logarithm of its
    power in 8 rings of spatial frequency (texture and traces of up-sampling), and the mean length
    of its gradients in each of 8 directions and in all (strokes and edges).

    Args:
        images: Shape (images, 3, size, size); size a power of two, at least 16.

    Returns:
        Shape (images, 60).
    """
    grey = _luminance(images)
    n, size = len(grey), grey.shape[-1]
    position = (np.arange(size) + 0.5) * np.pi / size
    cosines = np.cos(position[None] * np.arange(6)[:, None])
    low = np.einsum("iy,nyx,jx->nij", cosines, grey, cosines).reshape(n, -1) / size**2
    low[:, 1:] *= 2.0
    pixels = images.astype(np.float64)
    means, spreads = pixels.mean(axis=(2, 3)), pixels.std(axis=(2, 3))
    apart = pixels.std(axis=1).mean(axis=(1, 2))[:, None]
    gradient_y, gradient_x = np.gradient(grey, axis=(1, 2))
    length = np.hypot(gradient_x, gradient_y)
    direction = ((np.arctan2(gradient_y, gradient_x) / (2 * np.pi) + 0.5) * 8).astype(int) % 8
    shares = [(length * (direction == way)).mean(axis=(1, 2)) for way in range(8)]
    strokes = np.stack([*shares, length.mean(axis=(1, 2))], axis=1)
    return np.concatenate([low, means, spreads, apart, _rings(grey), strokes], axis=1)


def frechet_distance(sample: NDArray[np.float64], real: NDArray[np.float64]) -> float:
    """Returns the squared Frechet distance between two normal distributions fitted to features.

    |m - m'|^2 + tr(S + S' - 2 (S S')^(1/2)), after each feature has been divided by its spread
    among the real images (at least `_LEAST_SPREAD`), and with covariances shrunk a tenth of the way
    towards their diagonals, since samples are small.

    Args:
        sample: Features of the images, shape (images, features).
        real: Features of the real images, shape (images, features).
    """
    scale = np.maximum(real.std(axis=0), _LEAST_SPREAD)
    sample, real = sample / scale, real / scale
    shift = sample.mean(axis=0) - real.mean(axis=0)
    first, second = _covariance(sample), _covariance(real)
    values, vectors = np.linalg.eigh(second)
    root = (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
    common = np.sqrt(np.clip(np.linalg.eigvalsh(root @ first @ root), 0.0, None)).sum()
    distance = shift @ shift + np.trace(first) + np.trace(second) - 2.0 * common
    return float(max(distance, 0.0))


def _covariance(values: NDArray[np.float64]) -> NDArray[np.float64]:
    covariance = np.cov(values, rowvar=False)
    return np.asarray(0.9 * covariance + 0.1 * np.diag(np.diag(covariance)))


def _share_perturbed(images: Images, real: Images) -> tuple[float, float]:
    """Returns the share of images that are near a real one but not equal to it, and their change.

    The change is the median root mean square difference from the nearest real image, in levels.
    """
    known = real.reshape(len(real), -1).astype(np.float32)
    squares = np.einsum("ij,ij->i", known, known)
    changes = []
    for image in images.reshape(len(images), -1).astype(np.float32):
        nearest = known[np.argmin(squares - 2.0 * (known @ image))]
        changes.append(float(np.sqrt(np.mean((image - nearest) ** 2))))
    found = np.array(changes)
    return (
        float(((found > 0.0) & (found <= _LARGEST_PERTURBATION)).mean()),
        float(np.median(found)),
    )


def _rings(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the logarithm of the mean power in 8 rings of spatial frequency, (images, 8)."""
    size = grey.shape[-1]
    power = np.abs(np.fft.fft2(grey - grey.mean(axis=(1, 2), keepdims=True))) ** 2 / size**2
    frequency = np.fft.fftfreq(size) * size
    radius = np.hypot(frequency[:, None], frequency[None])
    borders = np.linspace(0.5, size / np.sqrt(2) + 0.5, 9)
    rings = []
    for inner, outer in pairwise(borders):
        rings.append(power[:, (radius >= inner) & (radius < outer)].mean(axis=1))
    return np.log(np.stack(rings, axis=1) + _LEAST_POWER)


def _luminance(images: Images) -> NDArray[np.float64]:
    weights = np.array([0.299, 0.587, 0.114])
    return np.asarray(np.einsum("nchw,c->nhw", images, weights))


def _thumbnails(images: Images, side: int) -> NDArray[np.float64]:
    n, channels, size, _ = images.shape
    block = size // side
    return np.asarray(
        images.reshape(n, channels, side, block, side, block).mean(axis=(3, 5), dtype=np.float64)
    )


def _ratio(value: float | None, base: float | None) -> float | None:
    if value is None or base is None:
        return None
    return value / max(base, 1e-9)


def _finite(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
