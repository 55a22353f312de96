"""Well-known architectures as torchvision builds them, against what their papers count.

The networks are built without memory for their weights (the meta device): measuring needs shapes
alone.
"""

from __future__ import annotations

import importlib
from typing import Any

import pytest

pytest.importorskip("torch", reason="measuring networks needs torch")

import torch

from gmbench.measuring.measure import measure
from tests.measuring.torchvision_operators import import_torchvision


@pytest.fixture(scope="module")
def models() -> Any:
    """torchvision's models; skips where it is not installed."""
    import_torchvision()
    return importlib.import_module("torchvision.models")


# name, size, conv, fc, pool, norm, layers per block, blocks, skip, down, parameters in millions
ARCHITECTURES = [
    # 17 convolutions and 3 projections; five of eight blocks without projection.
    ("resnet18", 64, 20, 1, 2, 20, 4, 8, "yes", "yes", 11.69),
    ("resnet50", 64, 53, 1, 2, 53, 6, 16, "yes", "yes", 25.56),
    ("vgg11", 64, 8, 3, 6, 0, 1, 8, "no", "yes", 132.86),
    ("vgg11_bn", 64, 8, 3, 6, 8, 2, 8, "no", "yes", 132.87),
    # 6 + 12 + 24 + 16 dense layers (norm conv norm conv).
    ("densenet121", 64, 120, 1, 5, 121, 4, 58, "yes", "yes", 7.98),
    # Nine inception modules of six convolutions, three before; no auxiliary heads in use.
    ("googlenet", 96, 57, 1, 14, 57, 2, 57, "no", "yes", 6.62),
    # 3 + 3 + 9 + 3 blocks (conv norm fc fc), a stem and three reductions.
    ("convnext_tiny", 64, 22, 37, 1, 23, 4, 18, "yes", "yes", 28.59),
    # Twelve layers: attention (norm fc fc) and fc block (norm fc fc).
    ("vit_b_16", 224, 1, 49, 0, 25, 3, 24, "yes", "yes", 86.57),
    # Ten of the seventeen inverted residuals have a sum.
    ("mobilenet_v2", 64, 52, 1, 1, 52, 6, 10, "yes", "yes", 3.50),
    ("swin_t", 64, 1, 52, 1, 29, 3, 24, "yes", "yes", 28.29),
    # Sixteen squeeze-and-excitation poolings and the last; nine blocks have a sum.
    ("efficientnet_b0", 64, 81, 1, 17, 49, 9, 9, "yes", "yes", 5.29),
    # Half of the channels goes around each unit: no skip connection by the definition.
    ("shufflenet_v2_x1_0", 64, 56, 1, 2, 56, 6, 13, "no", "yes", 2.28),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("row", ARCHITECTURES, ids=lambda row: str(row[0]))
def test_architecture(row: tuple[Any, ...], models: Any) -> None:
    name, size, conv, fc, pool, norm, layers_per_block, blocks, skip, down, millions = row
    options = {"init_weights": False} if name == "googlenet" else {}
    with torch.device("meta"):
        found = measure(getattr(models, name)(**options), torch.zeros(1, 3, size, size))
    values = found.to_dict()["values"]
    counts = (values["conv_layers"], values["fc_layers"], values["pool_layers"])
    assert (*counts, values["norm_layers"]) == (conv, fc, pool, norm)
    assert (values["layers_per_block"], values["blocks"]) == (layers_per_block, blocks)
    assert (values["skip_connection"], values["downsampling"]) == (skip, down)
    assert round(values["parameters"] / 1e6, 2) == millions
