"""What every kind of GM must do, whatever is inside: a base class for the tests of each kind."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest
import torch

from gmbench.measuring.measure import measure
from gmbench.zoo.population import intended_labels
from gmbench.zoo.specification import Specification, TrainedGM


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


def specification(
    module: ModuleType, kind: str, family: str, size: int = 32, steps: int = 3, seed: int = 0
) -> Specification:
    options, losses = module.draw_options(family, size, np.random.default_rng(seed))
    # What is written to a file and read again must train the same GM.
    options = json.loads(json.dumps(options))
    return Specification("T", kind, family, "patterns", size, losses, options, steps, seed)


def fingerprint(module: ModuleType, kind: str, family: str) -> str:
    """SHA-256 of the images of a GM that was trained for three steps."""
    gm = module.train(specification(module, kind, family), patterns(40, 32, grey=False))
    images = gm.sample(3, torch.Generator().manual_seed(5))
    return str(hashlib.sha256(images.numpy().tobytes()).hexdigest())


def check_images(images: torch.Tensor, number: int, size: int) -> None:
    assert images.shape == (number, 3, size, size)
    assert images.dtype == torch.uint8


class KindContract:
    """Tests that each kind inherits; `module` and `kind` are set there."""

    module: ModuleType
    kind: str

    @pytest.fixture(params=[0, 1, 2])
    def family(self, request: pytest.FixtureRequest) -> str:
        families: tuple[str, ...] = self.module.FAMILIES
        if request.param >= len(families):
            pytest.skip("This kind has fewer families.")
        family: str = families[request.param]
        return family

    def test_options_are_json_and_drawn_from_the_generator_alone(self, family: str) -> None:
        for seed in range(20):
            first = self.module.draw_options(family, 32, np.random.default_rng(seed))
            second = self.module.draw_options(family, 32, np.random.default_rng(seed))
            assert first == second
            options, losses = first
            assert json.loads(json.dumps(options)) == options
            assert losses
            assert len(set(losses)) == len(losses)

    @pytest.mark.parametrize(
        "seeds", [range(4), pytest.param(range(4, 104), marks=pytest.mark.slow)]
    )
    def test_every_drawn_network_can_be_built(self, seeds: range) -> None:
        real = {size: patterns(24, size, grey=size == 32) for size in (32, 64)}
        for seed in seeds:
            family = self.module.FAMILIES[seed % len(self.module.FAMILIES)]
            size = 64 if seed % 8 == 7 else 32
            spec = specification(self.module, self.kind, family, size, steps=0, seed=seed)
            gm: TrainedGM = self.module.train(spec, real[size])
            with torch.no_grad():
                gm.network(*gm.example)
            measured = measure(gm.network, gm.example)
            for name, label in intended_labels(spec).items():
                if not name.startswith("loss_"):
                    assert measured.class_name(name) == label, (family, seed, name)

    @pytest.mark.parametrize(("size", "grey"), [(32, True), (64, False)])
    def test_a_few_steps(self, family: str, size: int, grey: bool) -> None:
        spec = specification(self.module, self.kind, family, size, seed=size + grey)
        gm: TrainedGM = self.module.train(spec, patterns(40, size, grey))
        assert set(gm.losses) == set(spec.losses)
        assert len(gm.history) == 3
        assert np.isfinite(gm.history).all()
        images = gm.sample(2, torch.Generator().manual_seed(0))
        check_images(images, 2, size)
        if grey:
            assert torch.equal(images[:, :1].expand(-1, 3, -1, -1), images)
        with torch.no_grad():
            gm.network(*gm.example)

    def test_recorded_losses_are_those_of_the_specification(self, family: str) -> None:
        seen: set[tuple[str, ...]] = set()
        for seed in range(40):
            spec = specification(self.module, self.kind, family, steps=1, seed=seed)
            if spec.losses in seen or len(seen) == 2:
                continue
            seen.add(spec.losses)
            gm: TrainedGM = self.module.train(spec, patterns(16, 32, grey=True))
            assert set(gm.losses) == set(spec.losses)

    def test_same_bytes_in_another_process(self) -> None:
        here = {f: fingerprint(self.module, self.kind, f) for f in self.module.FAMILIES}
        code = (
            "import importlib, json\n"
            "from tests.zoo.kind_contract import fingerprint\n"
            f"module = importlib.import_module({self.module.__name__!r})\n"
            f"print(json.dumps({{f: fingerprint(module, {self.kind!r}, f)"
            " for f in module.FAMILIES}))\n"
        )
        command = [sys.executable, "-c", code]
        there = subprocess.run(command, capture_output=True, text=True, check=True)
        assert json.loads(there.stdout) == here

    def test_sampling_follows_its_generator(self) -> None:
        spec = specification(self.module, self.kind, self.module.FAMILIES[0], seed=3)
        gm: TrainedGM = self.module.train(spec, patterns(40, 32, grey=True))
        first, again, other = (
            gm.sample(4, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
        )
        assert torch.equal(first, again)
        assert not torch.equal(first, other)

    def test_an_unknown_family_is_named(self) -> None:
        from gmbench.errors import UnknownNameError

        with pytest.raises(UnknownNameError, match="nonsense"):
            self.module.draw_options("nonsense", 32, np.random.default_rng(0))


def distance_to(real: torch.Tensor, made: torch.Tensor) -> float:
    """Maximum mean discrepancy of two sets of images, shrunken to 8 x 8."""
    from gmbench.zoo.losses import maximum_mean_discrepancy

    small = [
        torch.nn.functional.adaptive_avg_pool2d(images[:, 0].float() / 255, 8).flatten(1)
        for images in (real, made)
    ]
    return float(maximum_mean_discrepancy(*small))


def check_training_helps(module: ModuleType, kind: str, family: str, seed: int) -> None:
    """Asserts that samples after training are much closer to unseen digits than before it."""
    from dataclasses import replace

    digits = small_digits()
    spec = specification(module, kind, family, steps=module.STEPS[family], seed=seed)
    distances = [
        distance_to(digits[1200:1400], gm.sample(100, torch.Generator().manual_seed(0)))
        for gm in (module.train(s, digits[:1200]) for s in (spec, replace(spec, steps=0)))
    ]
    assert distances[0] < 0.5 * distances[1]
