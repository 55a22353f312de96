"""What every kind of GM must do, whatever is inside: a base class for the tests of each kind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from gmbench.errors import UnknownNameError
from gmbench.measuring.measure import measure
from gmbench.zoo.population import KIND_MODULES, intended_labels
from gmbench.zoo.specification import Specification, TrainedGM

QUICK: Mapping[str, Mapping[str, Any]] = {
    "GAN": {"width": 8, "critic_width": 8, "batch": 8},
    "VAE": {"width": 8, "encoder_width": 8},
    "AR": {},
    "AA": {"attack_steps": 3, "width": 12},
    "NF": {"width": 8},
    "DM": {"sampling_steps": 3, "width": 12},
}
"""Options that make a GM of each kind small and quick, whatever was drawn."""


@cache
def patterns(number: int, size: int, grey: bool) -> torch.Tensor:
    """Smooth made-up images, shape (number, 3, size, size), uint8."""
    generator = np.random.default_rng(7)
    waves = generator.uniform(0.2, 3.0, (number, 3, 2))
    if grey:
        waves[:] = waves[:, :1]
    place = np.linspace(-1, 1, size)
    angle = waves[..., :1, None] * place[:, None] * 3 + waves[..., 1:, None] * place * 3
    return torch.from_numpy(np.round(127.5 + 127.5 * np.sin(angle)).astype(np.uint8))


def small_digits(size: int = 32) -> torch.Tensor:
    """The 1,797 digits of scikit-learn, enlarged, shape (1797, 3, size, size), uint8."""
    from sklearn.datasets import load_digits

    images = torch.from_numpy(load_digits().images).float()[:, None] * (255 / 16)
    large = torch.nn.functional.interpolate(images, size=(size, size), mode="bilinear")
    return large.round().to(torch.uint8).expand(-1, 3, -1, -1).contiguous()


def module_of(kind: str) -> ModuleType:
    return import_module(KIND_MODULES[kind])


def specification(
    kind: str, family: str, size: int = 32, steps: int = 2, seed: int = 0, **changes: Any
) -> Specification:
    """Draws a GM and makes it quick; what is changed decides its losses too."""
    module = module_of(kind)
    options, losses = module.draw_options(family, size, np.random.default_rng(seed))
    options |= {name: value for name, value in QUICK[kind].items() if name in options} | changes
    if hasattr(module, "losses_of"):
        losses = module.losses_of(options)
    # What is written to a file and read again must train the same GM.
    options = json.loads(json.dumps(options))
    return Specification("T", kind, family, "patterns", size, losses, options, steps, seed)


@cache
def trained(kind: str, family: str, size: int = 32, grey: bool = False, seed: int = 0) -> TrainedGM:
    """A GM of two steps that tests only read."""
    spec = specification(kind, family, size, seed=seed)
    gm: TrainedGM = module_of(kind).train(spec, patterns(24, size, grey))
    return gm


def fingerprint(kind: str, family: str) -> str:
    """SHA-256 of the images of a GM."""
    images = trained(kind, family).sample(3, torch.Generator().manual_seed(5))
    return str(hashlib.sha256(images.numpy().tobytes()).hexdigest())


class KindContract:
    """Tests that each kind inherits; `kind` is set there."""

    kind: str

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "family" in metafunc.fixturenames:
            metafunc.parametrize("family", module_of(self.kind).FAMILIES)

    def test_options_are_json_and_drawn_from_the_generator_alone(self, family: str) -> None:
        module = module_of(self.kind)
        for seed in range(20):
            size = 64 if seed % 4 == 3 else 32
            first = module.draw_options(family, size, np.random.default_rng(seed))
            second = module.draw_options(family, size, np.random.default_rng(seed))
            assert first == second
            options, losses = first
            assert json.loads(json.dumps(options)) == options
            assert losses
            assert len(set(losses)) == len(losses)

    @pytest.mark.parametrize(
        "seeds", [range(4), pytest.param(range(4, 104), marks=pytest.mark.slow)]
    )
    def test_every_drawn_network_can_be_built_and_has_its_labels(self, seeds: range) -> None:
        module = module_of(self.kind)
        for seed in seeds:
            family = module.FAMILIES[seed % len(module.FAMILIES)]
            size = 64 if seed % 8 == 7 else 32
            spec = specification(self.kind, family, size, steps=0, seed=seed)
            gm: TrainedGM = module.train(spec, patterns(24, size, grey=size == 32))
            assert gm.history == []
            measured = measure(gm.network, gm.example)
            for name, label in intended_labels(spec).items():
                if not name.startswith("loss_"):
                    assert measured.class_name(name) == label, (family, seed, name)

    @pytest.mark.parametrize(("size", "grey"), [(32, False), (32, True), (64, False)])
    def test_a_few_steps(self, family: str, size: int, grey: bool) -> None:
        seed = (size == 64) + grey
        gm = trained(self.kind, family, size, grey, seed)
        # What is recorded is what the loop summed up.
        assert set(gm.losses) == set(specification(self.kind, family, size, seed=seed).losses)
        assert len(gm.history) == 2
        assert np.isfinite(gm.history).all()
        assert not gm.network.training
        images = gm.sample(2, torch.Generator().manual_seed(0))
        assert images.shape == (2, 3, size, size)
        assert images.dtype == torch.uint8
        if grey:
            assert torch.equal(images[:, :1].expand(-1, 3, -1, -1), images)
        with torch.no_grad():
            gm.network(*gm.example)

    def test_sampling_follows_its_generator(self) -> None:
        gm = trained(self.kind, module_of(self.kind).FAMILIES[0])
        first, again, other = (
            gm.sample(4, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
        )
        assert torch.equal(first, again)
        assert not torch.equal(first, other)

    def test_another_seed_gives_other_images(self) -> None:
        family = module_of(self.kind).FAMILIES[0]
        spec = replace(specification(self.kind, family), seed=1)
        gm = module_of(self.kind).train(spec, patterns(24, 32, grey=False))
        drawn = [
            g.sample(3, torch.Generator().manual_seed(0)) for g in (gm, trained(self.kind, family))
        ]
        assert not torch.equal(*drawn)

    def test_an_unknown_family_is_named(self) -> None:
        with pytest.raises(UnknownNameError, match="nonsense"):
            module_of(self.kind).draw_options("nonsense", 32, np.random.default_rng(0))


def distance_to(real: torch.Tensor, made: torch.Tensor) -> float:
    """Maximum mean discrepancy of two sets of images, shrunken to 8 x 8."""
    from gmbench.zoo.losses import maximum_mean_discrepancy

    small = [
        torch.nn.functional.adaptive_avg_pool2d(images[:, 0].float() / 255, 8).flatten(1)
        for images in (real, made)
    ]
    return float(maximum_mean_discrepancy(*small))


def check_training_helps(kind: str, family: str, seed: int = 0, **changes: Any) -> None:
    """Asserts that samples after training are much closer to unseen digits than before it."""
    module, digits = module_of(kind), small_digits()
    options, losses = module.draw_options(family, 32, np.random.default_rng(seed))
    options |= changes
    if hasattr(module, "losses_of"):
        losses = module.losses_of(options)
    spec = Specification(
        "T", kind, family, "digits", 32, losses, options, module.STEPS[family], seed
    )
    distances = [
        distance_to(digits[1200:1400], gm.sample(100, torch.Generator().manual_seed(0)))
        for gm in (module.train(s, digits[:1200]) for s in (spec, replace(spec, steps=0)))
    ]
    assert distances[0] < 0.5 * distances[1], distances
