"""Attacks: bounds, rounding, classes that really change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("torch")

import torch

from gmbench.zoo.kinds import attack
from gmbench.zoo.kinds.attack import deepfool
from gmbench.zoo.losses import LossSum
from gmbench.zoo.specification import Specification
from tests.zoo.kind_contract import KindContract, patterns, small_digits, specification


class TestContract(KindContract):
    kind = "AA"


def _specification(family: str, losses: tuple[str, ...], **changes: Any) -> Specification:
    """A classifier that learns quickly."""
    drawn = specification("AA", family, steps=60)
    simple = {
        "classes": 4,
        "width": 12,
        "stages": 2,
        "blocks": 1,
        "layers_per_block": 1,
        "fc_layers": 1,
        "global_pool": False,
        "normalization": "batch",
        "block_nonlinearity": "relu",
        "last_nonlinearity": "leaky_relu",
        "downsampling": "strided_conv",
        "learning_rate": 2e-3,
        "attack_steps": 20,
    }
    return replace(drawn, losses=losses, options={**drawn.options, **simple, **changes})


@pytest.fixture(scope="module")
def classifier() -> torch.nn.Module:
    """All attacks train the same classifier in the same way, so one does for all of them."""
    spec = _specification("fgsm", ("loss_ce",))
    return attack.train(spec, patterns(80, 32, grey=True)).network


def _attacked(
    network: torch.nn.Module, spec: Specification, real: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Images before and after the attack: one channel, values of 8-bit numbers."""
    before = real[:, :1].float() / 255
    after = attack.attack(network, before, spec, LossSum(), torch.Generator().manual_seed(0))
    assert torch.allclose(after * 255, (after * 255).round(), atol=1e-3)
    return before, after


def _changed(network: torch.nn.Module, before: torch.Tensor, after: torch.Tensor) -> float:
    with torch.no_grad():
        return float((network(before).argmax(1) != network(after).argmax(1)).float().mean())


@pytest.mark.parametrize(
    ("family", "losses"),
    [
        ("fgsm", ("loss_ce",)),
        ("fgsm", ("loss_hinge", "loss_ce")),
        ("pgd", ("loss_kl", "loss_ce")),
        ("pgd", ("loss_mse", "loss_ce")),
    ],
)
def test_perturbation_keeps_its_bound_and_survives_rounding(
    classifier: torch.nn.Module, family: str, losses: tuple[str, ...]
) -> None:
    spec = _specification(family, losses, bound=16)
    before, after = _attacked(classifier, spec, patterns(40, 32, grey=True))
    difference = ((after - before) * 255).abs()
    assert float(difference.max()) <= 16 + 1e-3
    # The 8-bit images differ from the real ones, every one of them.
    assert (difference.flatten(1).max(1).values >= 1).all()
    assert _changed(classifier, before, after) > 0.2


def test_deepfool_changes_the_class_of_rounded_images_with_little(
    classifier: torch.nn.Module,
) -> None:
    real = patterns(40, 32, grey=True)
    spec = _specification("deepfool", ("loss_l2", "loss_ce"), overshoot=0.02, attack_steps=20)
    before, after = _attacked(classifier, spec, real)
    assert _changed(classifier, before, after) >= 0.95
    _, by_fgsm = _attacked(classifier, _specification("fgsm", ("loss_ce",), bound=24), real)
    norms = [(made - before).flatten(1).norm(dim=1).mean() for made in (after, by_fgsm)]
    assert float(norms[0]) < float(norms[1])


def test_deepfool_on_a_linear_classifier_goes_straight_to_the_boundary() -> None:
    linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 2))
    weight = torch.zeros(2, 16)
    weight[0, 0] = 1.0
    linear[1].weight.data, linear[1].bias.data = weight, torch.tensor([0.0, 0.5])
    image = torch.full((1, 1, 4, 4), 204 / 255)
    made = deepfool(linear.eval(), image, steps=5, overshoot=0.02, losses=LossSum())
    moved = (made - image).flatten()
    # Only the first pixel counts: from 0.8 to just under the boundary at 0.5.
    assert float(made.flatten()[0]) == pytest.approx(0.494, abs=0.01)
    assert not moved[1:].any()


@pytest.mark.slow
@pytest.mark.parametrize("family", attack.FAMILIES)
def test_classifier_learns_and_is_fooled(family: str) -> None:
    digits = small_digits()
    losses = ("loss_l2", "loss_ce") if family == "deepfool" else ("loss_ce",)
    spec = replace(_specification(family, losses), steps=attack.STEPS[family])
    gm = attack.train(spec, digits)
    untrained = attack.train(replace(spec, steps=0), digits)
    assert gm.history[-1] < 0.3
    assert untrained.history == []
    before, after = _attacked(gm.network, spec, digits[:100])
    # One step of a sign fools fewer than many steps, and noise of the same size fools none.
    least = {"fgsm": 0.4, "pgd": 0.5, "deepfool": 0.95}[family]
    assert _changed(gm.network, before, after) > least
    if family == "fgsm":
        signs = torch.randn(before.shape, generator=torch.Generator().manual_seed(0)).sign()
        noisy = (before + spec.options["bound"] / 255 * signs).clamp(0, 1)
        assert _changed(gm.network, before, noisy) < 0.05
