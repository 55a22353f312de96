from __future__ import annotations

import numpy as np
import pytest
import torch

from gmbench.benchmark.benchmark import load_benchmark
from gmbench.models.graph import (
    EDGE_THRESHOLD,
    GraphConfig,
    GraphObjective,
    GraphParser,
    GraphWeights,
    label_graph,
)
from gmbench.models.heads import ClassSlots
from gmbench.models.objective import Objective, ObjectiveConfig
from gmbench.models.parsing import ParserOutput, PlainOutput
from gmbench.models.targets import TrainingTargets
from tests.models.fake_targets import fake_targets

SMALL = GraphConfig(trace_depth=3, trace_width=4, trunk_widths=(4, 8), node_width=8, pooled=4)
TARGETS = fake_targets(20)


def test_edges_by_a_slow_way() -> None:
    edges = label_graph(TARGETS)
    one_hot = TARGETS.one_hot()
    ranks = np.empty((20, 9))
    for column in range(9):
        order = np.argsort(TARGETS.continuous[:, column])
        ranks[order, column] = np.arange(20) / 19
    has = np.hstack([ranks, one_hot])
    for node in range(47):
        given = np.zeros(47)
        for other in range(47):
            if other != node:
                share = (has[:, node] * has[:, other]).sum() / has[:, node].sum()
                given[other] = share if share >= EDGE_THRESHOLD - 1e-9 else 0
        expected = given / given.sum() / 2
        expected[node] = 0.5
        np.testing.assert_allclose(edges[node], expected, atol=1e-6)


def test_a_class_that_no_gm_has_stands_alone() -> None:
    targets = fake_targets(12)
    targets.discrete[:, 0] = 0
    edges = label_graph(targets)
    alone = 9 + 3
    assert edges[alone, alone] == 1
    assert np.delete(edges[:, alone], alone).max() == 0
    np.testing.assert_allclose(edges.sum(axis=1), 1, atol=1e-6)


def test_the_graph_of_a_single_gm_is_finite() -> None:
    assert np.isfinite(label_graph(fake_targets(1))).all()


@pytest.mark.parametrize("shape", [(64, 64), (28, 28), (33, 20), (1, 1)])
def test_images_of_every_size_are_parsed(shape: tuple[int, int]) -> None:
    output = GraphParser.of(SMALL, TARGETS).eval()(torch.rand(2, 3, *shape))
    parsed = output.final()
    assert parsed.continuous.shape == (2, 9)
    sums = torch.stack(
        [p.sum(1) for p in torch.split(parsed.probabilities, list(TARGETS.n_classes), dim=1)]
    )
    torch.testing.assert_close(sums, torch.ones_like(sums))


def test_neighbours_matter() -> None:
    torch.manual_seed(0)
    network, images = GraphParser.of(SMALL, TARGETS).eval(), torch.rand(2, 3, 16, 16)
    before = network(images).logits
    network.edges.copy_(torch.eye(47))
    assert not torch.allclose(before, network(images).logits)


def test_the_objective_is_that_of_one_parser() -> None:
    gms = torch.tensor([2, 9, 2])
    slots = ClassSlots(TARGETS.n_classes)
    continuous, logits = torch.randn(3, 9), torch.randn(3, 38)
    for weighted in (True, False):
        given = GraphWeights(gamma3=2.0, weighted_cross_entropy=weighted)
        found = GraphObjective(given, TARGETS)(PlainOutput(continuous, logits, slots), gms)
        one = ParserOutput(None, None, None, continuous, logits, None, slots)
        expected = Objective(ObjectiveConfig(**given.to_dict()), TARGETS)(one, gms)
        assert found.keys() == expected.keys()
        for name in found:
            torch.testing.assert_close(found[name], expected[name])


def test_every_weight_learns() -> None:
    torch.manual_seed(0)
    network = GraphParser.of(SMALL, TARGETS)
    terms = GraphObjective(GraphWeights(), TARGETS)(
        network(torch.rand(6, 3, 16, 16)), torch.arange(6)
    )
    gradients = torch.autograd.grad(terms["total"], list(network.parameters()))
    assert all(g.isfinite().all() for g in gradients)
    assert all(g.any() for g in gradients)


def test_the_published_gms_have_a_graph_of_whole_rows() -> None:
    benchmark = load_benchmark("red116")
    targets = TrainingTargets.of(benchmark, benchmark.training_gms("set_2"))
    edges = label_graph(targets)
    assert edges.shape == (47, 47)
    np.testing.assert_allclose(edges.sum(axis=1), 1, atol=1e-5)
    # Neither empty nor full.
    assert 0.1 < (edges > 0).mean() < 0.9


def test_graphs_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"\(3, 3\); 47 nodes"):
        GraphParser(SMALL, np.eye(3, dtype=np.float32))
