"""The four constraints on fingerprints (equations 1 to 5).

The paper specifies neither how its norms are taken nor how its transform is scaled. Here:

- The transform is orthonormal, so that the sum of squares over frequencies equals that over pixels
  (Parseval), and equations 1, 2 and 4 share one unit.
- A squared norm is the literal sum over the pixels, or frequencies, of a plane of 64 x 64; for
  other sizes it is scaled to that many: `REFERENCE_SIDE` squared times the mean. With the paper's
  weights, a pure wave of amplitude a then costs 0.05 * 64^2 a^2 / 2 (equation 1) and gains
  0.1 * 64 a / 2 (equation 3), which balance at a = 1/64: a fingerprint of 4 grey levels in 256.
  Means instead of sums, or a transform without a factor, would put it at 1 or at thousands.
- The largest magnitude is scaled by 64 over the side. A pattern that repeats over the whole image,
  which is what equation 3 rewards, then gains the same at every size.
- Every channel of every image is a separate plane; a term is the mean over all planes, so that it
  depends neither on the batch nor on the number of channels.
- Spectra are magnitudes. The complex spectrum of equation 4 would make the fingerprint itself
  symmetric about its diagonal, while the text asks for similar energy in both directions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gmbench.models.settings import Number, Settings

REFERENCE_SIDE = 64
"""Side of the paper's images, in pixels."""

WINDOW = 50
"""Side f of the low-pass window for images of that side (section 4.1)."""


@dataclass(frozen=True)
class FingerprintWeights:
    """Weights of the four terms of equation 5, with the paper's values; 0 removes a term.

    Attributes:
        magnitude: lambda_1.
        spectrum: lambda_2.
        repetitive: lambda_3.
        energy: lambda_4.
    """

    magnitude: float = 0.05
    spectrum: float = 0.001
    repetitive: float = 0.1
    energy: float = 1.0


class FingerprintSettings(Settings):
    """The lambdas among the settings of an objective; the defaults are the paper's (section 4.1).

    Attributes:
        lambda_magnitude: lambda_1, weight of equation 1; 0 removes the term, here and below.
        lambda_spectrum: lambda_2, weight of equation 2.
        lambda_repetitive: lambda_3, weight of equation 3.
        lambda_energy: lambda_4, weight of equation 4.
    """

    lambda_magnitude: Number = 0.05
    lambda_spectrum: Number = 0.001
    lambda_repetitive: Number = 0.1
    lambda_energy: Number = 1.0

    @property
    def fingerprint(self) -> FingerprintWeights:
        """The lambdas."""
        return FingerprintWeights(
            magnitude=self.lambda_magnitude,
            spectrum=self.lambda_spectrum,
            repetitive=self.lambda_repetitive,
            energy=self.lambda_energy,
        )


def fingerprint_terms(fingerprints: Tensor, weights: FingerprintWeights) -> dict[str, Tensor]:
    """Returns the weighted terms of equation 5 by name; their sum is J_f.

    The spectrum is computed once, and only if a term needs it. Terms of weight 0 are left out.

    Args:
        fingerprints: Shape (N, C, H, W).
        weights: The lambdas.

    Raises:
        ValueError: The energy term is requested for images that are not square.
    """
    terms = {}
    if weights.magnitude:
        terms["magnitude"] = weights.magnitude * magnitude_loss(fingerprints)
    if weights.spectrum or weights.repetitive or weights.energy:
        amplitude = amplitude_spectrum(fingerprints)
        if weights.spectrum:
            terms["spectrum"] = weights.spectrum * spectrum_loss(amplitude)
        if weights.repetitive:
            terms["repetitive"] = weights.repetitive * repetitive_loss(amplitude)
        if weights.energy:
            terms["energy"] = weights.energy * energy_loss(amplitude)
    return terms


def amplitude_spectrum(fingerprints: Tensor) -> Tensor:
    """Returns the magnitude of each plane's orthonormal 2D spectrum, shape (N, C, H, W).

    Frequency zero is at index (0, 0): the spectrum is not shifted.
    """
    # In half precision most sizes have no transform, and squares overflow.
    exact = fingerprints.to(torch.promote_types(fingerprints.dtype, torch.float32))
    spectrum: Tensor = torch.fft.fft2(exact, norm="ortho")
    return spectrum.abs()


def low_pass_window(height: int, width: int, device: torch.device | None = None) -> Tensor:
    """Returns the mask of low frequencies of an unshifted spectrum, bool of shape (height, width).

    It is the f x f region at the centre of the shifted spectrum, with f = round(50 / 64 * side).
    For even f it extends one further on the negative side, as the spectrum itself does.
    """
    rows, columns = (_low(side, device) for side in (height, width))
    return rows[:, None] & columns[None, :]


def magnitude_loss(fingerprints: Tensor) -> Tensor:
    """Returns J_m = ||F||^2 (equation 1) as a scalar.

    Args:
        fingerprints: Shape (N, C, H, W).
    """
    exact = fingerprints.to(torch.promote_types(fingerprints.dtype, torch.float32))
    return REFERENCE_SIDE**2 * exact.square().mean()


def spectrum_loss(amplitude: Tensor) -> Tensor:
    """Returns J_s, the energy at low frequencies (equation 2), as a scalar.

    Args:
        amplitude: Result of `amplitude_spectrum`, shape (N, C, H, W).
    """
    height, width = amplitude.shape[-2:]
    low = low_pass_window(height, width, device=amplitude.device)
    return REFERENCE_SIDE**2 * (amplitude.square() * low).mean()


def repetitive_loss(amplitude: Tensor) -> Tensor:
    """Returns J_r, minus the largest magnitude at high frequencies (equation 3), as a scalar.

    Args:
        amplitude: Result of `amplitude_spectrum`, shape (N, C, H, W).
    """
    height, width = amplitude.shape[-2:]
    low = low_pass_window(height, width, device=amplitude.device)
    peaks = amplitude.masked_fill(low, 0).amax(dim=(-2, -1))
    return -REFERENCE_SIDE / math.sqrt(height * width) * peaks.mean()


def energy_loss(amplitude: Tensor) -> Tensor:
    """Returns J_e, the difference of horizontal and vertical energy (equation 4), as a scalar.

    Args:
        amplitude: Result of `amplitude_spectrum`, shape (N, C, H, H).

    Raises:
        ValueError: The images are not square: their spectrum has no transpose to compare with.
    """
    height, width = amplitude.shape[-2:]
    if height != width:
        raise ValueError(f"The energy loss needs square images, not {height} x {width}.")
    return REFERENCE_SIDE**2 * (amplitude - amplitude.transpose(-2, -1)).square().mean()


def _low(side: int, device: torch.device | None) -> Tensor:
    """Returns the mask of low frequencies of one axis, bool of shape (side,)."""
    f = round(WINDOW / REFERENCE_SIDE * side)
    place = torch.arange(side, device=device)
    # Frequencies 0, 1, ..., -2, -1, in the order of the transform.
    frequency = torch.where(place < (side + 1) // 2, place, place - side)
    return (frequency >= -(f // 2)) & (frequency < f - f // 2)
