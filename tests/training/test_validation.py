from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from torch import nn

from gmbench.benchmark.benchmark import Benchmark, load_benchmark
from gmbench.models.settings import SettingError
from gmbench.models.targets import TrainingTargets
from gmbench.training.cache import CachedImages
from gmbench.training.predict import parse_pixels
from gmbench.training.validation import hold_out, validation_error
from tests.training.families import TINY, targets_of


@pytest.mark.parametrize("number", [0, 1, 5, 13, 40, 103])
@pytest.mark.parametrize("set_name", ["set_1", "set_3"])
def test_held_out_gms_are_training_gms_in_proportion(number: int, set_name: str) -> None:
    benchmark = load_benchmark("red116")
    training = benchmark.training_gms(set_name)
    learnt, held = hold_out(benchmark, training, number, seed=3)
    assert len(held) == number
    assert not set(held) & set(benchmark.test_gms(set_name))
    assert sorted(learnt + held) == sorted(training)
    assert [name for name in training if name in held] == held
    kinds = Counter(benchmark.gm(name).kind for name in training)
    taken = Counter(benchmark.gm(name).kind for name in held)
    for kind, count in kinds.items():
        assert abs(taken[kind] - number * count / len(training)) < 1


def test_the_seed_decides_and_nothing_else() -> None:
    benchmark = load_benchmark("red116")
    training = benchmark.training_gms("set_1")
    draws = {tuple(hold_out(benchmark, training, 10, seed)[1]) for seed in range(20)}
    assert len(draws) == 20
    assert hold_out(benchmark, training, 10, 0) == hold_out(benchmark, training, 10, 0)


def test_something_must_be_left_to_learn_from() -> None:
    benchmark = load_benchmark("red116")
    training = benchmark.training_gms("set_1")
    with pytest.raises(SettingError, match=f"validation_gms={len(training)}: there are"):
        hold_out(benchmark, training, len(training), 0)


class Constant(nn.Module):
    """Says the same of every image."""

    def __init__(self, targets: TrainingTargets, row: int) -> None:
        super().__init__()
        from gmbench.models.heads import ClassSlots
        from gmbench.models.parsing import PlainOutput

        slots = ClassSlots(targets.n_classes)
        logits = torch.from_numpy(targets.one_hot()[row]) * 9
        self.said = (torch.from_numpy(targets.continuous[row]), logits)
        self.slots, self._output = slots, PlainOutput

    def forward(self, images: torch.Tensor) -> object:
        continuous, logits = (part.expand(len(images), -1) for part in self.said)
        return self._output(continuous, logits, self.slots)


def test_the_error_is_l1_and_the_share_of_wrong_answers(
    families: Benchmark, family_images: CachedImages
) -> None:
    targets = targets_of(families)
    network = Constant(targets, row=2)
    found = validation_error(network, family_images, targets, torch.device("cpu"), "fp32")
    l1 = np.abs(targets.continuous - targets.continuous[2]).mean()
    wrong = (targets.discrete != targets.discrete[2]).mean()
    assert found == pytest.approx(l1 + wrong, rel=1e-6)
    alone = TrainingTargets.of(families, [targets.names[2]])
    error = validation_error(network, family_images, alone, torch.device("cpu"), "fp32")
    assert error == pytest.approx(0)


def test_parsing_an_image_does_not_depend_on_its_neighbours(family_images: CachedImages) -> None:
    from gmbench.training.methods import build_network

    network = build_network("parser", TINY.model, (4, 4, 4, 2, 2, 2, *(2,) * 10))
    pixels = family_images.pixels("GM_00")
    whole = parse_pixels(network, pixels, torch.device("cpu"))
    alone = [parse_pixels(network, pixels[row : row + 1], torch.device("cpu")) for row in range(8)]
    np.testing.assert_allclose(
        whole.continuous, np.concatenate([one.continuous for one in alone]), atol=1e-6
    )
    np.testing.assert_allclose(whole.probabilities.sum(axis=1), 16, rtol=1e-6)
