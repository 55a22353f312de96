"""Networks of diffusers, timm, torchvision and transformers, against counts by hooks.

Hooks on modules and gradients of parameters tell what ran without a word from `measure`. Weights
are random. What hooks cannot see stands in the table: poolings that are no module.
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch", reason="measuring networks needs torch")

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from gmbench.measuring.measure import measure
from tests.measuring.parts import index
from tests.measuring.torchvision_operators import import_torchvision

import_torchvision()

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

UNET = {"block_out_channels": (32, 64), "layers_per_block": 1, "norm_num_groups": 8}
CODER = {
    "block_out_channels": (32, 64),
    "down_block_types": ("DownEncoderBlock2D",) * 2,
    "up_block_types": ("UpDecoderBlock2D",) * 2,
}
TEXT = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
    "vocab_size": 100,
}  # fmt: skip
VISION = {**TEXT, "image_size": 32, "patch_size": 8}


def unet() -> tuple[nn.Module, Any]:
    kinds = {"down_block_types": ("DownBlock2D", "AttnDownBlock2D")}
    kinds["up_block_types"] = ("AttnUpBlock2D", "UpBlock2D")
    network = of("diffusers", "UNet2DModel")(sample_size=16, **UNET, **kinds)
    return network, (torch.randn(1, 3, 16, 16), index())


def conditional_unet() -> tuple[nn.Module, Any]:
    kinds = {"down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D")}
    kinds["up_block_types"] = ("UpBlock2D", "CrossAttnUpBlock2D")
    network = of("diffusers", "UNet2DConditionModel")(
        sample_size=16, cross_attention_dim=32, attention_head_dim=8, **UNET, **kinds
    )
    return network, (torch.randn(1, 4, 16, 16), index(), torch.randn(1, 5, 32))


def diffusion_transformer() -> tuple[nn.Module, Any]:
    network = of("diffusers", "DiTTransformer2DModel")(
        num_attention_heads=2, attention_head_dim=16, in_channels=4, num_layers=2, sample_size=8,
        num_embeds_ada_norm=10,
    )  # fmt: skip
    pixels = torch.randn(1, 4, 8, 8)
    return network, {"hidden_states": pixels, "timestep": index(), "class_labels": index()}


def coder(name: str, **options: Any) -> Callable[[], tuple[nn.Module, Any]]:
    return lambda: (of("diffusers", name)(**CODER, **options), torch.randn(1, 3, 32, 32))


def vision(name: str, size: int = 64) -> Callable[[], tuple[nn.Module, Any]]:
    return lambda: (
        of("torchvision.models", name)(weights=None),
        torch.randn(1, 3, size, size),
    )


def timm(name: str, size: int = 64) -> Callable[[], tuple[nn.Module, Any]]:
    return lambda: (of("timm", "create_model")(name), torch.randn(1, 3, size, size))


def hugging_face(
    name: str, example: Callable[[], Any], **options: Any
) -> Callable[[], tuple[nn.Module, Any]]:
    configuration = f"{name.removesuffix('ForCausalLM').removesuffix('Model')}Config"

    def make() -> tuple[nn.Module, Any]:
        config = of("transformers", configuration)(**options)
        return of("transformers", name)(config), example()

    return make


def of(package: str, name: str) -> Any:
    """Returns what a package has by that name; skips the test where it is not installed."""
    pytest.importorskip(package, reason=f"{package} is not installed")
    return getattr(importlib.import_module(package), name)


def words() -> Tensor:
    return torch.arange(8)[None]


def pixels() -> Tensor:
    return torch.randn(1, 3, 32, 32)


def pair() -> dict[str, Tensor]:
    return {"input_ids": words(), "decoder_input_ids": words()}


# The network and its example, poolings that hooks do not see, norms that they do not see.
NETWORKS: dict[str, tuple[Callable[[], tuple[nn.Module, Any]], int, int]] = {
    "UNet2DModel": (unet, 0, 0),
    "UNet2DConditionModel": (conditional_unet, 0, 0),
    "DiTTransformer2DModel": (diffusion_transformer, 0, 0),
    "AutoencoderKL": (coder("AutoencoderKL"), 0, 0),
    "VQModel": (coder("VQModel", num_vq_embeddings=16), 0, 0),
    "resnet18": (vision("resnet18"), 0, 0),
    "mobilenet_v3_small": (vision("mobilenet_v3_small"), 0, 0),
    "mnasnet0_5": (vision("mnasnet0_5"), 1, 0),  # the mean before the last layer
    "squeezenet1_1": (vision("squeezenet1_1"), 0, 0),
    "timm efficientnet_b0": (timm("efficientnet_b0"), 16, 0),  # squeeze and excitation
    "timm convnext_atto": (timm("convnext_atto"), 0, 0),
    "timm regnety_002": (timm("regnety_002"), 13, 0),  # squeeze and excitation
    "timm vit_tiny_patch16_224": (timm("vit_tiny_patch16_224", 224), 0, 0),
    "timm swin_tiny": (timm("swin_tiny_patch4_window7_224", 224), 0, 0),
    "timm mixer_s32_224": (timm("mixer_s32_224", 224), 0, 0),
    "BertModel": (hugging_face("BertModel", words, **TEXT), 0, 0),
    "GPT2Model": (
        hugging_face("GPT2Model", words, n_embd=32, n_layer=2, n_head=2, vocab_size=100),
        0, 0,
    ),
    "LlamaForCausalLM": (hugging_face("LlamaForCausalLM", words, **TEXT), 0, 0),
    "T5Model": (
        hugging_face("T5Model", pair, d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2,
                     vocab_size=100),
        0, 0,
    ),
    "CLIPVisionModel": (hugging_face("CLIPVisionModel", pixels, **VISION), 0, 0),
    "ConvNextV2Model": (
        hugging_face("ConvNextV2Model", pixels, hidden_sizes=[8, 16, 24, 32], depths=[1] * 4),
        1, 4,  # the mean at the end; four global response normalizations
    ),
}  # fmt: skip


def run(network: nn.Module, example: Any) -> Any:
    if isinstance(example, dict):
        return network(**example)
    return network(*example) if isinstance(example, tuple) else network(example)


def by_hooks(network: nn.Module, example: Any) -> dict[str, int]:
    """Counts the modules that run, and the parameters that the outputs depend on."""
    network = copy.deepcopy(network).eval()
    calls: list[nn.Module] = []
    for part in network.modules():
        part.register_forward_hook(lambda module, _inputs, _outputs: calls.append(module))
    for parameter in network.parameters():
        parameter.requires_grad_()
    outputs = run(network, example)
    numbers = outputs.values() if isinstance(outputs, dict) else [outputs]
    tensors = [n for n in numbers if isinstance(n, Tensor) and n.requires_grad]
    torch.stack([tensor.float().pow(2).sum() for tensor in tensors]).sum().backward()  # type: ignore[no-untyped-call]
    leaves = [module for module in calls if not list(module.children())]
    ran = {id(module): module for module in leaves}.values()
    norms = {id(m) for m in calls if "Norm" in name(m) and (m in leaves or m._parameters)}
    convolutions = [module for module in ran if isinstance(module, _ConvNd)]
    return {
        "conv_layers": len(convolutions),
        "fc_layers": sum(type(module).__name__ in ("Linear", "Conv1D") for module in ran),
        "norm_layers": len(norms),
        "pool_layers": sum("Pool" in name(module) for module in leaves),
        "filters": sum(module.out_channels for module in convolutions),
        "parameters": sum(p.numel() for p in network.parameters() if p.grad is not None),
    }


def name(module: nn.Module) -> str:
    return " ".join(kind.__name__ for kind in type(module).__mro__)


def everything(network: nn.Module) -> dict[str, Any]:
    """What there is to compare of a network: state, configuration, flags, attributes, hooks."""
    parts = dict(network.named_modules())
    plain = (bool, int, float, str, type(None), list, dict, tuple)
    return {
        "state": {n: (id(t), t.clone()) for n, t in network.state_dict(keep_vars=True).items()},
        "gradients": {n: p.requires_grad for n, p in network.named_parameters()},
        "flags": {n: part.training for n, part in parts.items()},
        "attributes": {
            n: {key: repr(value) for key, value in vars(part).items() if isinstance(value, plain)}
            for n, part in parts.items()
        },
        "config": repr(getattr(network, "config", None)),
        "outputs": repr(network),
    }


@pytest.mark.parametrize("which", NETWORKS)
def test_a_network_of_a_library(which: str) -> None:
    make, pools, norms = NETWORKS[which]
    torch.manual_seed(0)
    network, example = make()
    before = everything(network)
    expected = by_hooks(network, example)
    expected["pool_layers"] += pools
    expected["norm_layers"] += norms
    found = measure(network, example)
    assert {key: found.values[key] for key in expected} == expected
    if which == "VQModel":
        (warning,) = found.warnings
        assert "quantize (VectorQuantizer) calls cdist" in warning
    else:
        assert found.warnings == ()
    after = everything(network)
    states = before.pop("state"), after.pop("state")
    assert states[0].keys() == states[1].keys()
    for key, (identity, value) in states[0].items():
        assert states[1][key][0] == identity
        assert torch.equal(states[1][key][1], value)
    assert after == before
