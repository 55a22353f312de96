from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from gmbench.errors import UnknownNameError
from gmbench.models.class_targets import ClassTargets
from gmbench.models.classifier import (
    ClassifierConfig,
    ClassifierObjective,
    ClassifierOutput,
    ClassifierWeights,
    FingerprintClassifier,
    Inputs,
    phase_image,
)
from gmbench.models.fingerprint_losses import fingerprint_terms
from gmbench.models.gan_fingerprint import GanFingerprintConfig, GanFingerprintNetwork
from gmbench.models.settings import SettingError

SMALL: Mapping[str, Any] = {"fen_depth": 2, "fen_width": 4, "widths": (4, 8), "hidden": 6}


def images(n: int = 3, side: int = 12, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("inputs", "channels"),
    [("fingerprint", 3), ("image", 3), ("image_fingerprint", 6), ("image_fingerprint_phase", 9)],
)
def test_inputs_stand_side_by_side(inputs: Inputs, channels: int) -> None:
    network = FingerprintClassifier(ClassifierConfig(**SMALL, inputs=inputs, n_classes=(5,)))
    convolutions = [one for one in network.trunk if isinstance(one, torch.nn.Conv2d)]
    assert [one.in_channels for one in convolutions] == [channels, 4]
    found = network(images())
    assert found.logits.shape == (3, 5)
    assert hasattr(network, "fen") == (inputs != "image")
    assert (found.fingerprint is None) == (inputs == "image")


def test_the_papers_detector_and_attributor_have_the_layers_it_says() -> None:
    detector = FingerprintClassifier()
    assert sum(isinstance(m, torch.nn.Conv2d) for m in detector.trunk) == 5
    assert sum(isinstance(m, torch.nn.Linear) for m in detector.head) == 2
    assert sum(isinstance(m, torch.nn.Conv2d) for m in detector.fen.modules()) == 17


def test_the_phase_by_hand() -> None:
    picture = images(2)
    spectrum = np.fft.fft2(picture.double().numpy())
    expected = np.fft.ifft2(spectrum / np.abs(spectrum)).real * 12
    assert np.allclose(phase_image(picture).numpy(), expected, atol=1e-4)
    # How bright and how strong an image is is in its magnitudes alone.
    assert torch.allclose(phase_image(picture * 0.5), phase_image(picture), atol=1e-4)
    assert torch.isfinite(phase_image(torch.zeros(1, 3, 8, 8))).all()


def test_fingerprints_of_genuine_images_are_not_constrained() -> None:
    targets = ClassTargets(("real", "fake"), genuine="real")
    objective = ClassifierObjective(ClassifierWeights(), targets)
    output = ClassifierOutput(images(4), torch.randn(4, 2))
    classes = torch.tensor([0, 1, 0, 1])
    terms = objective(output, classes)
    assert output.fingerprint is not None
    expected = fingerprint_terms(output.fingerprint[[1, 3]], ClassifierWeights().fingerprint)
    for name, value in expected.items():
        assert torch.equal(terms[name], value)
    logits = output.logits.numpy()
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    assert float(terms["classes"]) == pytest.approx(-logs[range(4), classes.tolist()].mean(), 1e-5)
    total = sum(float(value) for name, value in terms.items() if name != "total")
    assert float(terms["total"]) == pytest.approx(total)
    assert set(objective(output, torch.zeros(4, dtype=torch.int64))) == {"classes", "total"}
    everywhere = ClassifierObjective(ClassifierWeights(), ClassTargets(("a", "b")))
    constrained = fingerprint_terms(output.fingerprint, ClassifierWeights().fingerprint)
    assert torch.equal(everywhere(output, classes)["energy"], constrained["energy"])


def test_a_frozen_fingerprint_network_learns_and_measures_nothing() -> None:
    network = FingerprintClassifier(
        ClassifierConfig(**{**SMALL, "fen_depth": 3}, frozen=True, n_classes=(2,))
    ).train()
    before = {name: tensor.clone() for name, tensor in network.fen.state_dict().items()}
    found = network(images())
    assert found.fingerprint is None
    found.logits.sum().backward()
    assert all(one.grad is None for one in network.fen.parameters())
    assert all(one.grad is not None for one in network.head.parameters())
    for name, tensor in network.fen.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_the_network_of_yu() -> None:
    network = GanFingerprintNetwork(GanFingerprintConfig(widths=(4, 6, 8), n_classes=(7,)))
    # One at full size, two for each further width, one at the end.
    assert sum(isinstance(m, torch.nn.Conv2d) for m in network.modules()) == 6
    output = network(images(side=9))
    assert output.logits.shape == (3, 7)
    assert output.fingerprint is None


def test_settings_that_cannot_be() -> None:
    with pytest.raises(SettingError, match="inputs='noise' cannot be"):
        ClassifierConfig(**{**SMALL, "inputs": "noise"})
    with pytest.raises(UnknownNameError, match="Did you mean widths"):
        ClassifierConfig(**{**SMALL, "width": (1,)})
