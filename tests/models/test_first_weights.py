"""First weights: their spread, and that nothing is drawn where there is no memory for it."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from gmbench.models.first_weights import draw_convolutions, draw_normal

ON_META = """
import sys, torch
from gmbench.models.crop_network import TraceParser
from gmbench.models.gan_fingerprint import GanFingerprintNetwork
from gmbench.models.parsing import ModelParser
with torch.device("meta"):
    networks = [ModelParser(), GanFingerprintNetwork(), TraceParser()]
assert all(weight.is_meta for one in networks for weight in one.parameters())
print("torch._dynamo" in sys.modules)
"""


@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_convolutions_keep_the_size_of_what_goes_through(slope: float) -> None:
    torch.manual_seed(0)
    layer, other = nn.Conv2d(64, 64, 3), nn.Linear(4, 4)
    before = other.weight.detach().clone()
    draw_convolutions(nn.Sequential(layer, other), slope)
    expected = (2 / (1 + slope**2) / (64 * 9)) ** 0.5
    assert layer.weight.std().item() == pytest.approx(expected, rel=0.02)
    assert layer.bias is not None
    assert not layer.bias.any()
    assert torch.equal(other.weight, before)


def test_a_normal_distribution() -> None:
    torch.manual_seed(0)
    weight = torch.empty(200, 200)
    draw_normal(weight, 0.02)
    assert weight.std().item() == pytest.approx(0.02, rel=0.02)


def test_shapes_alone_need_no_compiler() -> None:
    said = subprocess.run(
        [sys.executable, "-c", ON_META], capture_output=True, text=True, check=True
    )
    assert said.stdout == "False\n"
