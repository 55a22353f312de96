"""Each term against loops over images and heads, written from the equations."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gmbench.models.heads import ClassSlots
from gmbench.models.objective import Objective, ObjectiveConfig, fusion_loss, squared_error
from gmbench.models.parsing import ModelParser, ParserOutput
from tests.models.fake_targets import SMALL, fake_targets

TARGETS = fake_targets(20)
NO_FINGERPRINT = ObjectiveConfig(
    lambda_magnitude=0, lambda_spectrum=0, lambda_repetitive=0, lambda_energy=0
)
GMS = torch.tensor([3, 0, 3, 17, 8])


def random_output(parsers: int = 2) -> ParserOutput:
    generator = torch.Generator().manual_seed(1)

    def draw(*shape: int) -> Tensor:
        return torch.randn(5, *shape, generator=generator)

    two = parsers == 2
    return ParserOutput(
        fingerprint=draw(3, 16, 16) / 50,
        cluster_continuous=draw(9) if two else None,
        cluster_logits=draw(38) if two else None,
        deviation=draw(9),
        instance_logits=draw(38),
        fusion_logits=draw(16) if two else None,
        slots=ClassSlots(TARGETS.n_classes),
    )


def literal_cross_entropy(logits: Tensor, classes: np.ndarray, weights: np.ndarray) -> float:
    """Equations 8 and 11 with one-hot vectors, mean over images."""
    images = []
    for row, truth in zip(logits.double().numpy(), classes, strict=True):
        total, start = 0.0, 0
        for head, n in enumerate(TARGETS.n_classes):
            scores = np.exp(row[start : start + n])
            one_hot = np.eye(n)[truth[head]]
            weight = weights[start : start + n]
            total -= (weight * one_hot * np.log(scores / scores.sum())).sum()
            start += n
        images.append(total)
    return float(np.mean(images))


def literal_norm(predicted: Tensor, truth: np.ndarray) -> float:
    pairs = zip(predicted.double().numpy(), truth, strict=True)
    return float(np.mean([np.linalg.norm(x - y) ** 2 for x, y in pairs]))


@pytest.mark.parametrize("weighted", [True, False])
def test_terms_equal_the_equations(weighted: bool) -> None:
    config = ObjectiveConfig(gamma1=2, gamma2=3, gamma3=4, gamma4=5, gamma5=6)
    objective = Objective(config.model_copy(update={"weighted_cross_entropy": weighted}), TARGETS)
    output, clusters, gms = random_output(), objective.clusters, GMS.numpy()
    terms = {name: float(term) for name, term in objective(output, GMS).items()}
    ones = np.ones(38)
    weights = TARGETS.class_weights() if weighted else ones
    assert output.cluster_continuous is not None
    assert output.cluster_logits is not None
    assert output.fusion_logits is not None
    p, sigmoid = clusters.fusion[gms], output.fusion_logits.sigmoid().double().numpy()
    j_p = -(p * np.log(sigmoid) + (1 - p) * np.log(1 - sigmoid)).sum(axis=1).mean()
    deviation = TARGETS.continuous[gms] - clusters.continuous[gms]
    expected = {
        "cluster_continuous": 2 * literal_norm(output.cluster_continuous, clusters.continuous[gms]),
        "cluster_discrete": 3
        * literal_cross_entropy(output.cluster_logits, clusters.discrete[gms], ones),
        "instance_continuous": 4 * literal_norm(output.deviation, deviation),
        "instance_discrete": 5
        * literal_cross_entropy(output.instance_logits, TARGETS.discrete[gms], weights),
        "fusion": 6 * j_p,
    }
    for name, value in expected.items():
        assert terms[name] == pytest.approx(value, rel=1e-5), name
    fingerprint = {"magnitude", "spectrum", "repetitive", "energy"}
    assert terms.keys() == expected.keys() | fingerprint | {"total"}
    total = sum(expected.values()) + sum(terms[name] for name in fingerprint)
    assert terms["total"] == pytest.approx(total, rel=1e-5)


def test_one_parser_is_trained_on_the_labels_themselves() -> None:
    objective, output = Objective(NO_FINGERPRINT, TARGETS), random_output(parsers=1)
    terms = {name: float(term) for name, term in objective(output, GMS).items()}
    truth = TARGETS.continuous[GMS.numpy()]
    entropy = literal_cross_entropy(
        output.instance_logits, TARGETS.discrete[GMS.numpy()], TARGETS.class_weights()
    )
    assert terms.keys() == {"instance_continuous", "instance_discrete", "total"}
    assert terms["instance_continuous"] == pytest.approx(5 * literal_norm(output.deviation, truth))
    assert terms["instance_discrete"] == pytest.approx(5 * entropy, rel=1e-5)


@pytest.mark.parametrize("name", ["magnitude", "spectrum", "repetitive", "energy"])
def test_a_fingerprint_term_is_removed_by_weight_0(name: str) -> None:
    whole = Objective(ObjectiveConfig(), TARGETS)(random_output(), GMS)
    lambdas: dict[str, Any] = {f"lambda_{name}": 0.0}
    config = ObjectiveConfig(**lambdas)
    less = Objective(config, TARGETS)(random_output(), GMS)
    assert less.keys() == whole.keys() - {name}
    torch.testing.assert_close(less["total"], whole["total"] - whole[name])


def test_without_a_fingerprint_there_are_no_such_terms() -> None:
    objective = Objective(ObjectiveConfig(), TARGETS)
    terms = objective(replace(random_output(), fingerprint=None), GMS)
    assert "magnitude" not in terms
    torch.testing.assert_close(
        terms["total"], Objective(NO_FINGERPRINT, TARGETS)(random_output(), GMS)["total"]
    )


def test_the_defaults_are_the_papers() -> None:
    config = ObjectiveConfig()
    weights = config.fingerprint
    assert (weights.magnitude, weights.spectrum, weights.repetitive) == (0.05, 0.001, 0.1)
    assert weights.energy == 1
    gammas = (config.gamma1, config.gamma2, config.gamma3, config.gamma4, config.gamma5)
    assert gammas == (5, 5, 5, 5, 5)


def test_gradients_of_the_parsing_terms() -> None:
    generator = torch.Generator().manual_seed(0)
    drawn = [torch.randn(2, 16, dtype=torch.float64, generator=generator) for _ in range(2)]
    truth = (drawn[1] > 0).double()
    logits = drawn[0].requires_grad_()
    assert torch.autograd.gradcheck(lambda x: squared_error(x, drawn[1]), (logits,))
    assert torch.autograd.gradcheck(lambda x: fusion_loss(x, truth), (logits,))


def test_gradients_of_the_total() -> None:
    objective = Objective(ObjectiveConfig(), TARGETS).double()
    output, rows = random_output(), torch.tensor([4])
    names = [field.name for field in fields(output) if field.name != "slots"]
    inputs = [getattr(output, name)[:1].double() for name in names]
    inputs[0] = inputs[0][:, :1, :7, :7]

    def total(*values: Tensor) -> Tensor:
        given: dict[str, Any] = dict(zip(names, values, strict=True))
        terms: dict[str, Tensor] = objective(replace(output, **given), rows)
        return terms["total"]

    assert torch.autograd.gradcheck(total, [value.requires_grad_() for value in inputs])


@pytest.mark.parametrize("parsers", [1, 2])
def test_every_weight_of_the_network_learns(parsers: int) -> None:
    torch.manual_seed(0)
    network = ModelParser(SMALL.model_copy(update={"parsers": parsers}))
    objective = Objective(ObjectiveConfig(), TARGETS)
    terms = objective(network(torch.rand(5, 3, 16, 16)), GMS)
    gradients = torch.autograd.grad(terms["total"], list(network.parameters()))
    assert all(g.isfinite().all() and g.any() for g in gradients)


@pytest.mark.parametrize("parsers", [1, 2])
def test_a_small_network_learns_a_few_images(parsers: int) -> None:
    torch.manual_seed(0)
    network = ModelParser(SMALL.model_copy(update={"parsers": parsers}))
    objective = Objective(ObjectiveConfig(), TARGETS)
    images, optimiser = torch.rand(5, 3, 16, 16), torch.optim.Adam(network.parameters(), lr=0.01)
    totals = []
    for _ in range(100):
        optimiser.zero_grad()
        total = objective(network(images), GMS)["total"]
        total.backward()
        optimiser.step()
        totals.append(total.item())
    assert totals[-1] < 0.2 * totals[0]
    parsed = network(images).final()
    chosen = network.slots.padded(parsed.probabilities, -1.0).argmax(dim=-1)
    assert (chosen.numpy() == TARGETS.discrete[GMS.numpy()]).mean() > 0.9


def test_mixed_precision_is_close_to_single() -> None:
    torch.manual_seed(0)
    network, objective = ModelParser(SMALL).eval(), Objective(ObjectiveConfig(), TARGETS)
    images = torch.rand(5, 3, 16, 16)
    expected = objective(network(images), GMS)
    with torch.autocast("cpu", torch.bfloat16):
        found = objective(network(images), GMS)
    assert found["total"].dtype == torch.float32
    torch.testing.assert_close(found["total"], expected["total"], rtol=0.02, atol=0)
