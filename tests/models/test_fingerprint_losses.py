"""Each term against loops over frequencies, written from the equations."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from torch import Tensor

from gmbench.models.fingerprint_losses import (
    FingerprintWeights,
    amplitude_spectrum,
    energy_loss,
    fingerprint_terms,
    low_pass_window,
    magnitude_loss,
    repetitive_loss,
    spectrum_loss,
)

SIDES = [8, 9, 28, 64]


def literal(fingerprints: np.ndarray) -> dict[str, float]:
    """Equations 1 to 4 on shifted spectra, plane by plane, scaled to 64 x 64."""
    terms: dict[str, list[float]] = {name: [] for name in ("J_m", "J_s", "J_r", "J_e")}
    for image in fingerprints:
        for plane in image:
            side = len(plane)
            scale = 64**2 / side**2
            spectrum = np.abs(np.fft.fftshift(np.fft.fft2(plane))) / side
            f = round(50 / 64 * side)
            first = side // 2 - f // 2
            low = [
                (row, column)
                for row in range(side)
                for column in range(side)
                if first <= row < first + f and first <= column < first + f
            ]
            assert len(low) == f * f
            j_s = sum(spectrum[place] ** 2 for place in low)
            high = spectrum.copy()
            for place in low:
                high[place] = 0
            # The transpose exchanges the frequencies of both axes, whichever way they are ordered.
            plain = np.fft.ifftshift(spectrum)
            terms["J_m"].append(scale * sum(v**2 for v in plane.ravel()))
            terms["J_s"].append(scale * j_s)
            terms["J_r"].append(-np.sqrt(scale) * high.max())
            terms["J_e"].append(scale * ((plain - plain.T) ** 2).sum())
    return {name: float(np.mean(values)) for name, values in terms.items()}


@pytest.mark.parametrize("side", SIDES)
def test_terms_equal_the_equations(side: int) -> None:
    fingerprints = np.random.default_rng(side).normal(0, 0.1, (2, 3, side, side))
    expected = literal(fingerprints)
    tensor = torch.from_numpy(fingerprints)
    amplitude = amplitude_spectrum(tensor)
    assert magnitude_loss(tensor).item() == pytest.approx(expected["J_m"])
    assert spectrum_loss(amplitude).item() == pytest.approx(expected["J_s"])
    assert repetitive_loss(amplitude).item() == pytest.approx(expected["J_r"])
    assert energy_loss(amplitude).item() == pytest.approx(expected["J_e"])


@pytest.mark.parametrize("side", SIDES)
def test_window_in_the_centre(side: int) -> None:
    f = round(50 / 64 * side)
    first = side // 2 - f // 2
    shifted = np.fft.fftshift(low_pass_window(side, side).numpy())
    expected = np.zeros((side, side), bool)
    expected[first : first + f, first : first + f] = True
    np.testing.assert_array_equal(shifted, expected)
    assert side != 64 or expected.sum() == 50 * 50


@pytest.mark.parametrize("shape", [(12, 20), (7, 30)])
def test_images_that_are_not_square_have_all_terms_but_energy(shape: tuple[int, int]) -> None:
    fingerprints = torch.rand(2, 1, *shape)
    amplitude = amplitude_spectrum(fingerprints)
    assert spectrum_loss(amplitude) > 0
    assert repetitive_loss(amplitude) < 0
    with pytest.raises(ValueError, match=f"square images, not {shape[0]} x {shape[1]}"):
        energy_loss(amplitude)


@pytest.mark.parametrize("side", [32, 64, 128])
def test_a_repeated_pattern_counts_the_same_at_every_size(side: int) -> None:
    # A wave of period 16/7 px, high in both directions: on the diagonal, so without J_e.
    place = torch.arange(side, dtype=torch.float64)
    wave = torch.cos(2 * torch.pi * 7 / 16 * (place[:, None] + place[None, :])) / 64
    wave = wave.expand(2, 3, side, side)
    amplitude = amplitude_spectrum(wave)
    assert magnitude_loss(wave).item() == pytest.approx(0.5)
    assert repetitive_loss(amplitude).item() == pytest.approx(-0.5)
    assert spectrum_loss(amplitude).item() == pytest.approx(0, abs=1e-20)
    assert energy_loss(amplitude).item() == pytest.approx(0, abs=1e-20)


def test_the_largest_magnitude_is_each_images_own() -> None:
    strong, weak = torch.rand(1, 1, 16, 16), torch.rand(1, 1, 16, 16) / 100
    alone = [repetitive_loss(amplitude_spectrum(x)) for x in (strong, weak)]
    both = repetitive_loss(amplitude_spectrum(torch.cat([strong, weak])))
    torch.testing.assert_close(both, (alone[0] + alone[1]) / 2)


def test_terms_are_weighted_and_removed() -> None:
    fingerprints = torch.rand(2, 3, 16, 16)
    amplitude = amplitude_spectrum(fingerprints)
    terms = fingerprint_terms(fingerprints, FingerprintWeights())
    torch.testing.assert_close(terms["magnitude"], 0.05 * magnitude_loss(fingerprints))
    torch.testing.assert_close(terms["spectrum"], 0.001 * spectrum_loss(amplitude))
    torch.testing.assert_close(terms["repetitive"], 0.1 * repetitive_loss(amplitude))
    torch.testing.assert_close(terms["energy"], energy_loss(amplitude))
    for name in terms:
        kept = fingerprint_terms(fingerprints, FingerprintWeights(**{name: 0.0}))
        assert kept.keys() == terms.keys() - {name}
    none = FingerprintWeights(magnitude=0, spectrum=0, repetitive=0, energy=0)
    assert fingerprint_terms(fingerprints, none) == {}


def test_the_spectrum_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    transform = Mock(wraps=torch.fft.fft2)
    monkeypatch.setattr(torch.fft, "fft2", transform)
    fingerprint_terms(torch.rand(1, 3, 8, 8), FingerprintWeights())
    assert transform.call_count == 1
    fingerprint_terms(torch.rand(1, 3, 8, 8), FingerprintWeights(1, 0, 0, 0))
    assert transform.call_count == 1


def test_half_precision_is_widened() -> None:
    terms = fingerprint_terms(torch.rand(1, 3, 28, 28).bfloat16(), FingerprintWeights())
    assert {term.dtype for term in terms.values()} == {torch.float32}


@pytest.mark.parametrize(
    "loss",
    [
        magnitude_loss,
        lambda x: spectrum_loss(amplitude_spectrum(x)),
        lambda x: repetitive_loss(amplitude_spectrum(x)),
        lambda x: energy_loss(amplitude_spectrum(x)),
    ],
)
@pytest.mark.parametrize("side", [6, 7])
def test_gradients(loss: Callable[[Tensor], Tensor], side: int) -> None:
    generator = torch.Generator().manual_seed(side)
    fingerprints = torch.rand(2, 2, side, side, dtype=torch.float64, generator=generator)
    assert torch.autograd.gradcheck(loss, (fingerprints.requires_grad_(),))


def test_an_empty_fingerprint_has_finite_gradients() -> None:
    fingerprints = torch.zeros(1, 3, 8, 8, requires_grad=True)
    terms = fingerprint_terms(fingerprints, FingerprintWeights())
    (gradient,) = torch.autograd.grad(torch.stack(list(terms.values())).sum(), fingerprints)
    assert gradient.isfinite().all()
