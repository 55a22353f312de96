"""Building blocks that all kinds of GM share: layers by the names that the labels give them.

Every choice that a label describes (normalization, non-linearity, up-sampling, down-sampling) is
made here, by name, from plain `torch.nn` modules, so that a walk over the finished network finds
exactly what was requested.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

from gmbench.errors import UnknownNameError

#: Names of norm layers; `group` and `layer` belong to the schema's class `other`.
NORMALIZATIONS: tuple[str, ...] = ("batch", "instance", "none", "group", "layer")
#: Norm layers for fully connected layers: one value per feature leaves nothing to instance norm.
FLAT_NORMALIZATIONS: tuple[str, ...] = ("batch", "none", "layer")
#: Names of non-linearities.
NONLINEARITIES: tuple[str, ...] = ("elu", "relu", "leaky_relu", "sigmoid", "tanh", "none")
#: The schema's classes of the non-linearity after the output and in the blocks.
LAST_NONLINEARITIES: tuple[str, ...] = ("relu", "tanh", "leaky_relu", "sigmoid")
BLOCK_NONLINEARITIES: tuple[str, ...] = ("elu", "relu", "leaky_relu", "sigmoid")
#: Ways to double and to halve height and width.
UPSAMPLINGS: tuple[str, ...] = ("transposed_conv", "interpolation")
DOWNSAMPLINGS: tuple[str, ...] = ("strided_conv", "average_pool", "max_pool")

#: Slope of leaky ReLU on the negative side, in blocks and after the output.
LEAKY_SLOPE = 0.2
#: Factor of scores after the last non-linearity: bounded ones too must reach probabilities near 1.
SCORE_SCALES: Mapping[str, float] = {"tanh": 8.0, "sigmoid": 12.0, "relu": 4.0, "leaky_relu": 4.0}

Options = Mapping[str, Any]
"""Options of a GM: `normalization`, `block_nonlinearity`, `skip_connection` (`no` or `yes`) ..."""


def normalization(name: str, channels: int) -> nn.Module:
    """Returns a norm layer for images, shape (images, channels, height, width).

    Args:
        name: One of `NORMALIZATIONS`, or `other` for `layer`; `none` gives an `nn.Identity`.
        channels: Number of channels.

    Raises:
        UnknownNameError: No norm layer has that name.
    """
    if name == "batch":
        return nn.BatchNorm2d(channels)
    if name == "instance":
        return nn.InstanceNorm2d(channels, affine=True)
    if name == "group":
        return nn.GroupNorm(_groups(channels), channels)
    if name in ("layer", "other"):
        # One group: mean and variance over all channels and pixels of an image, as in layer norm.
        return nn.GroupNorm(1, channels)
    if name == "none":
        return nn.Identity()
    raise UnknownNameError("Norm layer", name, NORMALIZATIONS)


def flat_normalization(name: str, features: int) -> nn.Module:
    """Returns a norm layer for fully connected layers, shape (images, features).

    Args:
        name: One of `FLAT_NORMALIZATIONS`, or `other` for `layer`; `none` gives an `nn.Identity`.
        features: Number of features.

    Raises:
        UnknownNameError: No such norm layer exists for fully connected layers.
    """
    if name == "batch":
        return nn.BatchNorm1d(features)
    if name in ("layer", "other"):
        return nn.LayerNorm(features)
    if name == "none":
        return nn.Identity()
    raise UnknownNameError("Norm layer", name, FLAT_NORMALIZATIONS)


def nonlinearity(name: str) -> nn.Module:
    """Returns a new non-linearity by its name, one of `NONLINEARITIES`.

    Raises:
        UnknownNameError: No non-linearity has that name.
    """
    if name == "elu":
        return nn.ELU()
    if name == "relu":
        return nn.ReLU()
    if name == "leaky_relu":
        return nn.LeakyReLU(LEAKY_SLOPE)
    if name == "sigmoid":
        return nn.Sigmoid()
    if name == "tanh":
        return nn.Tanh()
    if name == "none":
        return nn.Identity()
    raise UnknownNameError("Non-linearity", name, NONLINEARITIES)


def upsampling(name: str, channels: int, filters: int) -> nn.Sequential:
    """Returns layers that double height and width and output `filters` channels.

    Args:
        name: `transposed_conv` (4 x 4, stride 2) or `interpolation` (nearest neighbour, then a
            3 x 3 convolution).
        channels: Number of input channels.
        filters: Number of output channels.

    Raises:
        UnknownNameError: No up-sampling has that name.
    """
    if name == "transposed_conv":
        return sequence([nn.ConvTranspose2d(channels, filters, 4, stride=2, padding=1)])
    if name == "interpolation":
        return sequence([nn.Upsample(scale_factor=2), nn.Conv2d(channels, filters, 3, padding=1)])
    raise UnknownNameError("Up-sampling", name, UPSAMPLINGS)


def downsampling(name: str, channels: int, filters: int) -> nn.Sequential:
    """Returns layers that halve height and width and output `filters` channels.

    Args:
        name: `strided_conv` (4 x 4, stride 2), or `average_pool` or `max_pool` (2 x 2) after a
            3 x 3 convolution.
        channels: Number of input channels.
        filters: Number of output channels.

    Raises:
        UnknownNameError: No down-sampling has that name.
    """
    if name == "strided_conv":
        return sequence([nn.Conv2d(channels, filters, 4, stride=2, padding=1)])
    if name == "average_pool":
        return sequence([nn.Conv2d(channels, filters, 3, padding=1), nn.AvgPool2d(2)])
    if name == "max_pool":
        return sequence([nn.Conv2d(channels, filters, 3, padding=1), nn.MaxPool2d(2)])
    raise UnknownNameError("Down-sampling", name, DOWNSAMPLINGS)


def sequence(modules: Iterable[nn.Module]) -> nn.Sequential:
    """Returns the modules in sequence, without those that do nothing."""
    return nn.Sequential(*(m for m in modules if not isinstance(m, nn.Identity)))


def step(layer: nn.Module, filters: int, options: Options) -> nn.Sequential:
    """Returns a layer followed by the norm and the non-linearity of the blocks.

    Args:
        layer: Layer with output shape (images, filters, height, width); an `nn.Identity` for none.
        filters: Number of its output channels.
        options: `normalization` and `block_nonlinearity` of the GM.
    """
    return sequence(
        [
            *([*layer] if isinstance(layer, nn.Sequential) else [layer]),
            normalization(options["normalization"], filters),
            nonlinearity(options["block_nonlinearity"]),
        ]
    )


class Block(nn.Module):
    """`layers_per_block` steps of equal width, with a skip connection around them if requested.

    Args:
        channels: Number of input and output channels.
        options: `layers_per_block`, `skip_connection` and the names that `step` reads.
    """

    def __init__(self, channels: int, options: Options) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *(self.step(channels, options) for _ in range(options["layers_per_block"]))
        )
        self.skip = options["skip_connection"] == "yes"

    def step(self, channels: int, options: Options) -> nn.Sequential:
        """Returns one layer with weights, followed by its norm and its non-linearity."""
        return step(nn.Conv2d(channels, channels, 3, padding=1), channels, options)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the output, of the input's shape (images, channels, height, width)."""
        y: torch.Tensor = self.body(x)
        return x + y if self.skip else y


def start_at_unit_variance(
    network: nn.Module, *example: torch.Tensor, level: float = 0.0, spread: float = 1.0
) -> None:
    """Scales the initial weights so that every layer's output has mean 0 and variance 1.

    Layer-sequential unit variance (Mishkin and Matas, 2016) in one forward pass. With it, every
    drawn combination of depth, norm and non-linearity starts trainable; a deep network of sigmoids
    without norm layers would otherwise give the same image for every input.

    Args:
        network: Network whose convolutional and fully connected layers are changed in place.
        example: A batch of inputs of the network.
        level: Mean of the last layer's output, instead of 0.
        spread: Standard deviation of the last layer's output, instead of 1.
    """
    seen: list[nn.Module] = []

    def standardise(module: nn.Module, _: object, output: torch.Tensor) -> torch.Tensor:
        if module in seen or not isinstance(module.weight, torch.Tensor):
            return output
        seen.append(module)
        axis = 1 if output.dim() == 4 else output.dim() - 1
        others = [d for d in range(output.dim()) if d != axis]
        mean = output.mean(others, keepdim=True)
        scale = 1.0 / (output - mean).pow(2).mean().sqrt().clamp_min(1e-6)
        module.weight.mul_(scale)
        if isinstance(module.bias, torch.Tensor):
            module.bias.sub_(mean.flatten()).mul_(scale)
            output = output - mean
        return output * scale

    weighted = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
    handles = [
        module.register_forward_hook(standardise)
        for module in network.modules()
        if isinstance(module, weighted)
    ]
    try:
        with torch.no_grad():
            network(*example)
    finally:
        for handle in handles:
            handle.remove()
    with torch.no_grad():
        for name, value in seen[-1].named_parameters():
            value.mul_(spread).add_(level if name == "bias" else 0.0)


def start_scores(last: nn.Linear | nn.Conv2d) -> None:
    """Gives all classes nearly equal scores at first, on the live side of a ReLU."""
    with torch.no_grad():
        last.weight.mul_(0.3)
        if last.bias is not None:
            last.bias.fill_(0.5)


def lay_channels_last(network: nn.Module) -> None:
    """Stores the filters of all convolutions in channels-last order, in place.

    This takes a third off the time of small convolutions on a CPU; what they compute is the same.
    """
    for weights in network.parameters():
        if weights.dim() == 4:
            weights.data = weights.data.contiguous(memory_format=torch.channels_last)


def _groups(channels: int) -> int:
    """Returns the number of groups of a group norm: up to 8, with two or more channels in each.

    With one channel in each, it would be instance norm.
    """
    return max(g for g in (8, 4, 2, 1) if channels % g == 0 and (channels >= 2 * g or g == 1))
