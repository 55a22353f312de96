"""The pixel and divergence losses of the schema, and a sum that records its terms.

L1, L2 and MSE are three different functions here: the mean absolute difference, the Euclidean norm
of an image's difference (not squared), and the mean squared difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
from torch.nn import functional

from gmbench.schema import LOSSES

#: Widths of the Gaussian kernels of the maximum mean discrepancy, relative to the median distance.
KERNEL_WIDTHS: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0, 4.0)


class LossSum:
    """Adds up the terms of an objective and records which losses were actually added.

    Attributes:
        names: Names of the schema's losses that were added so far, unordered.
    """

    def __init__(self) -> None:
        self.names: set[str] = set()

    def add(self, *terms: tuple[str, float, torch.Tensor]) -> torch.Tensor:
        """Returns the weighted sum of the terms and records their names.

        Args:
            terms: Name of the schema's loss, weight and value (a scalar) of each term. A term of
                weight 0 is neither added nor recorded.
        """
        total = torch.zeros(())
        for name, weight, value in terms:
            if weight:
                self.names.add(name)
                total = total + weight * value
        return total

    @property
    def recorded(self) -> tuple[str, ...]:
        """The names of the losses that were added, in the schema's order."""
        return in_schema_order(self.names)


def in_schema_order(names: Iterable[str]) -> tuple[str, ...]:
    """Returns names of losses, each once, in the schema's order."""
    known = set(names)
    return tuple(loss.name for loss in LOSSES if loss.name in known)


def l1_distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Returns the mean absolute difference, a scalar."""
    return (a - b).abs().mean()


def l2_distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Returns the Euclidean norm of the difference, averaged over the first axis, a scalar.

    The norm is divided by the square root of the number of values, so that it is on the scale of
    one pixel: it is the root mean square of each image, and never the mean square.
    """
    difference = (a - b).flatten(1)
    # The small constant keeps the gradient finite where the difference is exactly zero.
    return (difference.pow(2).mean(1) + 1e-8).sqrt().mean()


def mean_squared_error(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Returns the mean squared difference, a scalar."""
    return (a - b).pow(2).mean()


DISTANCES: Mapping[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "loss_l1": l1_distance,
    "loss_l2": l2_distance,
    "loss_mse": mean_squared_error,
}
"""The distances between two batches, by the schema's names of the losses."""


def binary_cross_entropy(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Returns the mean cross-entropy of pixels as probabilities, a scalar.

    Args:
        a: Output of a network, black 0, white 1.
        b: The target, in [0, 1].
    """
    return functional.binary_cross_entropy(a.clamp(1e-4, 1.0 - 1e-4), b)


def logistic_cross_entropy(
    a: torch.Tensor, b: torch.Tensor, log_scale: torch.Tensor
) -> torch.Tensor:
    """Returns the mean cross-entropy of 8-bit pixels under a discretised logistic, a scalar.

    Source: Kingma et al., 2016, section 5.1.

    Args:
        a: Means of the distributions, black 0, white 1; of any size.
        b: The target, multiples of 1/255 in [0, 1].
        log_scale: Logarithm of their scale, of a shape that broadcasts.
    """
    inverse = (-log_scale.clamp(-5.0, 1.0)).exp()
    above, below = ((b - a + half) * inverse for half in (0.5 / 255, -0.5 / 255))
    inside = torch.sigmoid(above) - torch.sigmoid(below)
    # Far away, the difference vanishes in single precision; there the density replaces it.
    density = functional.logsigmoid(below) + functional.logsigmoid(-below) + inverse.log()
    log_inside = torch.where(inside > 1e-5, inside.clamp(min=1e-12).log(), density - 5.541)
    ends = torch.where(b < 0.5 / 255, functional.logsigmoid(above), log_inside)
    return -torch.where(b > 1 - 0.5 / 255, functional.logsigmoid(-below), ends).mean()


def gaussian_kl(mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    """Returns KL(N(mean, variance) || N(0, 1)), summed over features, averaged over images.

    Source: Kingma and Welling, 2014, appendix B.
    """
    nothing = torch.zeros(())
    return kl_between(mean, log_variance, nothing, nothing)


def kl_between(
    mean: torch.Tensor,
    log_variance: torch.Tensor,
    other_mean: torch.Tensor,
    other_log_variance: torch.Tensor,
) -> torch.Tensor:
    """Returns KL(N(mean, variance) || N(other)), summed over features, averaged over images."""
    ratio = (log_variance - other_log_variance).exp()
    shift = (mean - other_mean).pow(2) * (-other_log_variance).exp()
    per_image = 0.5 * (ratio + shift - 1.0 + other_log_variance - log_variance).sum(1)
    return per_image.mean()


def maximum_mean_discrepancy(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Returns the squared maximum mean discrepancy of two samples, a scalar.

    The kernel is a mean of Gaussian kernels whose widths follow the median squared distance, which
    is treated as a constant. Source: Gretton et al., 2012; for generators, Li, Swersky and Zemel,
    2015.

    Args:
        a: Shape (images, features).
        b: Shape (images, features).
    """
    both = torch.cat([a, b])
    norms = both.pow(2).sum(1)
    squared = (norms[:, None] + norms[None] - 2.0 * both @ both.T).clamp_min(0.0)
    median = squared.detach().flatten().median().clamp_min(1e-6)
    kernel = torch.stack([(-squared / (2.0 * w * median)).exp() for w in KERNEL_WIDTHS]).mean(0)
    n = len(a)
    return kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2.0 * kernel[:n, n:].mean()
