from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from gmbench.models.heads import ClassSlots, FusedHeads

COUNTS = [(4, 4, 4, 2, 2, 2, *(2,) * 10), (1, 3), (2,), (5, 2, 7)]


def starts(counts: tuple[int, ...]) -> list[int]:
    return [sum(counts[:head]) for head in range(len(counts))]


@pytest.mark.parametrize("counts", COUNTS)
def test_log_softmax_equals_the_loop_over_heads(counts: tuple[int, ...]) -> None:
    slots, logits = ClassSlots(counts), 30 * torch.randn(6, sum(counts), dtype=torch.float64)
    expected = [part.log_softmax(dim=-1) for part in torch.split(logits, list(counts), dim=-1)]
    torch.testing.assert_close(slots.log_softmax(logits), torch.cat(expected, dim=-1))
    sums = [part.sum(dim=-1) for part in torch.split(slots.softmax(logits), list(counts), dim=-1)]
    torch.testing.assert_close(torch.stack(sums), torch.ones_like(torch.stack(sums)))


@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy_equals_the_loop_over_heads(counts: tuple[int, ...], weighted: bool) -> None:
    slots, logits = ClassSlots(counts), torch.randn(6, sum(counts), dtype=torch.float64)
    classes = torch.stack([torch.randint(0, n, (6,)) for n in counts], dim=1)
    weights = torch.rand(sum(counts), dtype=torch.float64) if weighted else None
    expected = torch.zeros(6, dtype=torch.float64)
    for row in range(6):
        for head, (start, n) in enumerate(zip(starts(counts), counts, strict=True)):
            scores = logits[row, start : start + n].exp()
            place = int(classes[row, head])
            weight = 1 if weights is None else weights[start + place]
            expected[row] -= weight * (scores[place] / scores.sum()).log()
    torch.testing.assert_close(slots.cross_entropy(logits, classes, weights), expected)
    if not weighted:
        parts = zip(torch.split(logits, list(counts), dim=-1), classes.unbind(dim=1), strict=True)
        by_torch = sum(functional.cross_entropy(x, y, reduction="none") for x, y in parts)
        torch.testing.assert_close(slots.cross_entropy(logits, classes), by_torch)


def test_gradients_do_not_suffer_from_padding() -> None:
    slots = ClassSlots((4, 2, 3))
    logits = torch.randn(3, 9, dtype=torch.float64, requires_grad=True)
    classes, weights = torch.tensor([[0, 1, 2]] * 3), torch.rand(9, dtype=torch.float64)
    assert torch.autograd.gradcheck(slots.softmax, (logits,))
    assert torch.autograd.gradcheck(lambda x: slots.cross_entropy(x, classes, weights), (logits,))


def test_spread_by_hand() -> None:
    slots = ClassSlots((3, 2))
    assert slots.spread(torch.tensor([[0.25, 0.5]])).tolist() == [[0.25, 0.25, 0.25, 0.5, 0.5]]
    assert slots.total == 5


def test_index_tables_are_not_saved() -> None:
    assert not ClassSlots((3, 2)).state_dict()


@pytest.mark.parametrize("counts", [(), (2, 0)])
def test_heads_without_classes(counts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="needs a class"):
        ClassSlots(counts)


def test_fused_heads_equal_25_layers() -> None:
    counts = COUNTS[0]
    heads, features = FusedHeads(5, 9, sum(counts)), torch.randn(4, 5)
    continuous, logits = heads(features)
    rows = torch.split(heads.linear.weight, [1] * 9 + list(counts))
    biases = torch.split(heads.linear.bias, [1] * 9 + list(counts))
    outputs = [functional.linear(features, w, b) for w, b in zip(rows, biases, strict=True)]
    torch.testing.assert_close(continuous, torch.cat(outputs[:9], dim=1))
    torch.testing.assert_close(logits, torch.cat(outputs[9:], dim=1))
