"""Sampling pixel by pixel, with and without caches.

Both ways turn the same uniform numbers into the same images. The plain loop runs the whole network
for every pixel. The cached version computes each activation once: the convolutions cache their
inputs (Ramachandran et al., "Fast Generation for Convolutional Autoregressive Models", 2017), and
in MADE pixel i adds exactly the units of degree i.

The elements sampled are pixels, or squares of pixels where a symbol stands for a square.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from gmbench.zoo.kinds.autoregressive_networks import (
    MADE,
    CausalConvolution,
    GatedPixelCNN,
    MaskedLinear,
    PixelCNN,
    Position,
)
from gmbench.zoo.kinds.belief_networks import Fvbn, Nade
from gmbench.zoo.kinds.causal_networks import CausalNetwork, Remembering


def draw(scores: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """Draws symbols by inverse transform sampling.

    Args:
        scores: Shape (n, symbols).
        uniform: Uniform numbers in [0, 1), shape (n,).

    Returns:
        Shape (n,), int64.
    """
    reached = scores.softmax(1).cumsum(1)[:, :-1]
    return (reached <= uniform[:, None]).sum(1)


def as_input(network: nn.Module, colours: torch.Tensor) -> torch.Tensor:
    """Returns the input of a network: the colours of the grid, or the image that they form.

    Args:
        network: Any network that `sample_plain` takes.
        colours: Shape (n, channels * patch^2, rows, columns).
    """
    if isinstance(network, CausalNetwork) and network.takes_image:
        return functional.pixel_shuffle(colours, network.first.stride[0])
    return colours


@torch.no_grad()
def sample_plain(network: nn.Module, palette: torch.Tensor, uniforms: torch.Tensor) -> torch.Tensor:
    """Samples images with one run of the whole network per pixel.

    Args:
        network: Scores the symbols of a grid; in evaluation mode.
        palette: Colour of each symbol, shape (symbols, channels).
        uniforms: Uniform numbers in [0, 1), shape (n, grid, grid).

    Returns:
        Symbols, shape (n, grid, grid), int64.
    """
    n, grid, _ = uniforms.shape
    colours = palette.new_zeros(n, palette.shape[1], grid, grid)
    symbols = torch.zeros(n, grid, grid, dtype=torch.int64)
    for row in range(grid):
        for column in range(grid):
            scores = network(as_input(network, colours))[:, :, row, column]
            symbols[:, row, column] = draw(scores, uniforms[:, row, column])
            colours[:, :, row, column] = palette[symbols[:, row, column]]
    return symbols


@torch.no_grad()
def sample_cached(
    network: nn.Module, palette: torch.Tensor, uniforms: torch.Tensor
) -> torch.Tensor:
    """Samples the same images as `sample_plain`, computing every activation once."""
    if isinstance(network, MADE):
        return _sample_made(network, palette, uniforms)
    if isinstance(network, Fvbn | Nade):
        return _sample_beliefs(network, palette, uniforms)
    caches = [m for m in network.modules() if isinstance(m, Remembering)]
    position = Position()
    for cache in caches:
        cache.open_cache(len(uniforms), uniforms.shape[1], position)
    try:
        if isinstance(network, CausalNetwork):
            return _sample_causal(network, palette, uniforms, position)
        if isinstance(network, PixelCNN):
            return _sample_pixelcnn(network, palette, uniforms, position)
        if isinstance(network, GatedPixelCNN):
            return _sample_gated(network, palette, uniforms, position)
    finally:
        for cache in caches:
            cache.close_cache()
    raise TypeError(f"{type(network).__name__} has no cached sampling.")


def _sample_pixelcnn(
    network: PixelCNN, palette: torch.Tensor, uniforms: torch.Tensor, position: Position
) -> torch.Tensor:
    n, grid, _ = uniforms.shape
    symbols = torch.zeros(n, grid, grid, dtype=torch.int64)
    unknown = palette.new_zeros(n, palette.shape[1], 1, 1)
    for position.row in range(grid):
        for position.column in range(grid):
            row, column = position.row, position.column
            # The first convolution does not look at the pixel itself, which is not known yet.
            scores = network(unknown)[:, :, 0, 0]
            symbols[:, row, column] = draw(scores, uniforms[:, row, column])
            network.first.write(palette[symbols[:, row, column]][:, :, None, None])
    return symbols


def _sample_gated(
    network: GatedPixelCNN, palette: torch.Tensor, uniforms: torch.Tensor, position: Position
) -> torch.Tensor:
    n, grid, _ = uniforms.shape
    symbols = torch.zeros(n, grid, grid, dtype=torch.int64)
    unknown = palette.new_zeros(n, palette.shape[1], 1, 1)
    first = network.blocks[0]
    vertical, horizontal = first.vertical, first.horizontal
    assert isinstance(vertical, CausalConvolution)
    assert isinstance(horizontal, CausalConvolution)
    for position.row in range(grid):
        # The vertical stack depends only on the rows above, so the whole row is computed at once.
        position.column = 0
        row = position.row
        context = network.context(unknown.expand(-1, -1, -1, grid))
        for position.column in range(grid):
            column = position.column
            here = [heard[..., column : column + 1] for heard in context]
            scores = network.scores(unknown, here)[:, :, 0, 0]
            symbols[:, row, column] = draw(scores, uniforms[:, row, column])
            horizontal.write(palette[symbols[:, row, column]][:, :, None, None])
        position.column = 0
        vertical.write(palette[symbols[:, row]].transpose(1, 2)[:, :, None])
    return symbols


def _sample_causal(
    network: CausalNetwork, palette: torch.Tensor, uniforms: torch.Tensor, position: Position
) -> torch.Tensor:
    n, grid, _ = uniforms.shape
    symbols = torch.zeros(n, grid, grid, dtype=torch.int64)
    before = palette.new_zeros(n, palette.shape[1], 1, 1)
    network.position = position
    try:
        for position.row in range(grid):
            for position.column in range(grid):
                row, column = position.row, position.column
                scores = network(as_input(network, before))[:, :, 0, 0]
                symbols[:, row, column] = draw(scores, uniforms[:, row, column])
                before = palette[symbols[:, row, column]][:, :, None, None]
    finally:
        network.position = None
    return symbols


def _sample_beliefs(
    network: Fvbn | Nade, palette: torch.Tensor, uniforms: torch.Tensor
) -> torch.Tensor:
    drawing = network.drawing(len(uniforms))
    symbols = torch.zeros(uniforms.flatten(1).shape, dtype=torch.int64)
    for pixel, uniform in enumerate(uniforms.flatten(1).T):
        symbols[:, pixel] = draw(drawing.scores(pixel), uniform)
        drawing.put(pixel, palette[symbols[:, pixel]])
    return symbols.reshape(uniforms.shape)


def _sample_made(network: MADE, palette: torch.Tensor, uniforms: torch.Tensor) -> torch.Tensor:
    n, grid, _ = uniforms.shape
    channels, symbols_number, pixels = network.channels, network.symbols, grid * grid
    linears = [linear for linear in network.linears if isinstance(linear, MaskedLinear)]
    weights = [linear.weight * linear.mask for linear in linears]
    out = network.out.weight * network.out.mask
    # ends[i]: number of hidden units that the first i pixels determine.
    ends = torch.searchsorted(network.hidden_degrees, torch.arange(pixels), right=True).tolist()
    known = palette.new_zeros(n, pixels * channels)
    layers = [palette.new_zeros(n, len(network.hidden_degrees)) for _ in linears]
    symbols = torch.zeros(n, pixels, dtype=torch.int64)
    flat = uniforms.flatten(1)
    for pixel in range(pixels):
        start, end = ends[max(pixel - 1, 0)], ends[pixel]
        if end > start:
            h, seen = known, pixel * channels
            for depth, linear in enumerate(linears):
                made = h[:, :seen] @ weights[depth][start:end, :seen].T + linear.bias[start:end]
                made = network.nonlinearity(_norm(network.norms[depth], made, start, end))
                residual = network.skip and depth > 0
                layers[depth][:, start:end] = h[:, start:end] + made if residual else made
                h, seen = layers[depth], end
        rows = slice(pixel * symbols_number, (pixel + 1) * symbols_number)
        h, seen = (layers[-1], end) if layers else (known, pixel * channels)
        scores = h[:, :seen] @ out[rows, :seen].T + network.out.bias[rows]
        scores = network.scale * network.last_nonlinearity(scores)
        symbols[:, pixel] = draw(scores, flat[:, pixel])
        columns = slice(pixel * channels, (pixel + 1) * channels)
        known[:, columns] = palette[symbols[:, pixel]]
    return symbols.reshape(n, grid, grid)


def _norm(norm: nn.Module, x: torch.Tensor, start: int, end: int) -> torch.Tensor:
    """Applies the part of a batch norm, in evaluation mode, that belongs to units `start:end`."""
    if not isinstance(norm, nn.BatchNorm1d):
        return x
    assert norm.running_mean is not None
    assert norm.running_var is not None
    here = slice(start, end)
    spread = (norm.running_var[here] + norm.eps).sqrt()
    return (x - norm.running_mean[here]) / spread * norm.weight[here] + norm.bias[here]
