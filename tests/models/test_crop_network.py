from __future__ import annotations

import numpy as np
import pytest
import torch

from gmbench.models.crop_network import (
    Residual,
    TraceConfig,
    TraceObjective,
    TraceParser,
    TraceWeights,
)
from gmbench.models.settings import SettingError
from gmbench.models.targets import TrainingTargets
from tests.evaluation.populations import small_benchmark

SMALL = TraceConfig(residuals=3, widths=(4, 6), dropout=0.0)


@pytest.fixture
def targets() -> TrainingTargets:
    benchmark = small_benchmark(2)
    return TrainingTargets.of(benchmark, benchmark.training_gms("set_1"))


@pytest.mark.parametrize("side", [(28, 28), (33, 17), (5, 5), (1, 1)])
def test_images_of_any_size(side: tuple[int, int]) -> None:
    network = TraceParser(SMALL).eval()
    parsed = network(torch.rand(3, 3, *side)).final()
    assert parsed.continuous.shape == (3, 9)
    sums = parsed.probabilities.split(SMALL.n_classes, dim=1)
    assert all(torch.allclose(head.sum(dim=1), torch.ones(3)) for head in sums)


def test_a_flat_image_leaves_no_residual() -> None:
    residual = Residual(3, 5).double()
    colour = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64)
    flat = colour[None, :, None, None].expand(1, 3, 9, 9)
    # At the border the image ends, which is no flat colour.
    inside = residual(flat)[:, :, 2:-2, 2:-2]
    assert inside.abs().max() < 1e-12
    assert residual(torch.rand(1, 3, 9, 9, dtype=torch.float64)).abs().max() > 0.01


def test_objective_by_hand(targets: TrainingTargets) -> None:
    network = TraceParser(
        TraceConfig(residuals=2, widths=(4,), dropout=0.0, n_classes=targets.n_classes)
    ).eval()
    gms = torch.tensor([0, 2, 1])
    output = network(torch.rand(3, 3, 8, 8))
    weights = TraceWeights(continuous=7.0, discrete=2.0, smoothing=0.2)
    terms = TraceObjective(weights, targets)(output, gms)
    truth = targets.continuous[gms.numpy()]
    error = np.abs(output.continuous.detach().numpy() - truth).mean()
    entropies = []
    for row, gm in enumerate(gms.tolist()):
        heads = output.logits[row].detach().double().split(targets.n_classes)
        for head, logits in enumerate(heads):
            odds = np.full(len(logits), 0.2 / len(logits))
            odds[targets.discrete[gm, head]] += 0.8
            entropies.append(-(odds * logits.log_softmax(0).numpy()).sum())
    assert terms["continuous"].item() == pytest.approx(7.0 * error, rel=1e-5)
    assert terms["discrete"].item() == pytest.approx(2.0 * sum(entropies) / 3, rel=1e-5)
    assert terms["total"].item() == pytest.approx(
        terms["continuous"].item() + terms["discrete"].item()
    )


def test_gradients_reach_every_weight(targets: TrainingTargets) -> None:
    network = TraceParser(
        TraceConfig(residuals=3, widths=(4, 6), dropout=0.0, n_classes=targets.n_classes)
    )
    objective = TraceObjective(TraceWeights(), targets)
    objective(network(torch.rand(4, 3, 12, 12)), torch.arange(4) % len(targets))["total"].backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_no_stage_is_no_network() -> None:
    with pytest.raises(SettingError, match=r"widths=.* at least 1 item"):
        TraceConfig(widths=())
