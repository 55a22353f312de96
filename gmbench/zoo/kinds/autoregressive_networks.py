"""Networks that model each pixel's distribution given the pixels before it, in raster order.

All three take the colours of a grid, shape (n, channels, grid, grid), and return scores of the
`symbols` possible colours of each pixel, shape (n, symbols, grid, grid). The scores of a pixel
depend only on earlier pixels: those in the rows above, and those to its left.

In the two PixelCNNs, every layer except `CausalConvolution` works on each pixel separately. This
makes sampling cheap: with a cache in each causal convolution, the same `forward` runs on a single
pixel or row.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from gmbench.zoo.layers import SCORE_SCALES, Block, Options, nonlinearity


@dataclass
class Position:
    """The pixel that is being computed; shared by all causal convolutions of a network."""

    row: int = 0
    column: int = 0


class CausalConvolution(nn.Conv2d):
    """Convolution whose kernel ends with the current row.

    Args:
        inputs: Number of input channels.
        outputs: Number of filters.
        rows: Height of the kernel; its last row is the current one.
        columns: Width of the kernel, odd.
        sees: What it sees of the current row: `nothing`, `before` (pixels to the left), `self`
            (these and the pixel itself), or `all`.
    """

    mask: torch.Tensor

    def __init__(self, inputs: int, outputs: int, rows: int, columns: int, sees: str) -> None:
        super().__init__(inputs, outputs, (rows, columns))
        self.rows, self.reach = rows, columns // 2
        mask = torch.ones(1, 1, rows, columns)
        seen = {"nothing": 0, "before": self.reach, "self": self.reach + 1, "all": columns}[sees]
        mask[..., -1, seen:] = 0
        self.register_buffer("mask", mask, persistent=False)
        self.position: Position | None = None
        self._cache = torch.empty(0)
        self._masked = torch.empty(0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolves full maps or, with an open cache, the pixel or row `x` at `position`."""
        if self.position is None:
            padded = functional.pad(x, (self.reach, self.reach, self.rows - 1, 0))
            return functional.conv2d(padded, self.weight * self.mask, self.bias)
        self.write(x)
        row, column = self.position.row, self.position.column
        seen = self._cache[
            :, :, row : row + self.rows, column : column + x.shape[-1] + 2 * self.reach
        ]
        if x.shape[-1] == 1:
            # One pixel: a matrix product avoids the overhead of a convolution.
            made = functional.linear(seen.flatten(1), self._masked.flatten(1), self.bias)
            return made[:, :, None, None]
        return functional.conv2d(seen, self._masked, self.bias)

    def write(self, x: torch.Tensor) -> None:
        """Writes `x`, shape (n, channels, 1, columns), to the cache at `position`."""
        assert self.position is not None
        row = self.position.row + self.rows - 1
        column = self.position.column + self.reach
        self._cache[:, :, row, column : column + x.shape[-1]] = x[:, :, 0]

    def open_cache(self, n: int, grid: int, position: Position) -> None:
        """Starts caching inputs, for `n` images at once."""
        self.position = position
        self._cache = self.weight.new_zeros(
            n, self.weight.shape[1], grid + self.rows - 1, grid + 2 * self.reach
        )
        self._masked = self.weight * self.mask

    def close_cache(self) -> None:
        """Discards the cache and returns to full maps."""
        self.position = None
        self._cache = self._masked = torch.empty(0)


class PixelLayerNorm(nn.LayerNorm):
    """Layer normalization over the channels of each pixel, independently of other pixels."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalizes a tensor of shape (n, channels, height, width)."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def causal_norm(name: str, channels: int) -> nn.Module:
    """Returns a norm that respects pixel order: `batch`, `layer` (or `other`), else none.

    Instance and group norm average over the whole map and would let a pixel see later ones; a
    network that asks for them has them in its decoder only.
    """
    if name == "batch":
        return nn.BatchNorm2d(channels)
    return PixelLayerNorm(channels) if name in ("layer", "other") else nn.Identity()


class _Head(nn.Module):
    """1x1 convolutions from features to scores, and the last non-linearity."""

    def __init__(self, width: int, symbols: int, options: Options) -> None:
        super().__init__()
        self.inner = nn.Conv2d(width, width, 1)
        self.inner_nonlinearity = nonlinearity(options["block_nonlinearity"])
        self.outer = nn.Conv2d(width, symbols, 1)
        self.last_nonlinearity = nonlinearity(options["last_nonlinearity"])
        self.scale = SCORE_SCALES[options["last_nonlinearity"]]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = self.inner_nonlinearity(self.inner(x))
        scores: torch.Tensor = self.scale * self.last_nonlinearity(self.outer(inner))
        return scores


class _PixelBlock(Block):
    """A block of causal convolutions."""

    def step(self, channels: int, options: Options) -> nn.Sequential:
        return nn.Sequential(
            CausalConvolution(channels, channels, 2, 3, "self"),
            causal_norm(options["normalization"], channels),
            nonlinearity(options["block_nonlinearity"]),
        )


class PixelCNN(nn.Module):
    """PixelCNN: masked convolutions (van den Oord, Kalchbrenner and Kavukcuoglu, 2016)."""

    def __init__(self, channels: int, symbols: int, options: Options) -> None:
        super().__init__()
        width, reach = options["width"], options["first_kernel"]
        self.first = CausalConvolution(channels, width, reach // 2 + 1, reach, "before")
        self.blocks = nn.Sequential(
            *(_PixelBlock(width, options) for _ in range(options["blocks"]))
        )
        self.head = _Head(width, symbols, options)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns scores (n, symbols, height, width) from colours (n, channels, height, width)."""
        scores: torch.Tensor = self.head(self.blocks(self.first(x)))
        return scores


def _gate(x: torch.Tensor) -> torch.Tensor:
    """Returns the tanh of one half of the channels times the sigmoid of the other."""
    a, b = x.chunk(2, dim=1)
    return torch.tanh(a) * torch.sigmoid(b)


class _GatedBlock(nn.Module):
    """One layer of both stacks."""

    def __init__(self, inputs: int, width: int, reach: int, options: Options) -> None:
        super().__init__()
        first = inputs != width
        above, beside = ("nothing", "before") if first else ("all", "self")
        self.vertical = CausalConvolution(inputs, 2 * width, reach // 2 + 1, reach, above)
        self.vertical_norm = causal_norm(options["normalization"], 2 * width)
        self.vertical_to_horizontal = nn.Conv2d(2 * width, 2 * width, 1)
        self.horizontal = CausalConvolution(inputs, 2 * width, 1, reach, beside)
        self.horizontal_norm = causal_norm(options["normalization"], 2 * width)
        self.out = nn.Conv2d(width, width, 1)
        # The first layer of the horizontal stack has no skip: it would let a pixel see itself.
        self.skip = options["skip_connection"] == "yes" and not first


class GatedPixelCNN(nn.Module):
    """Gated PixelCNN: a vertical stack for the rows above, a horizontal one for the pixels before.

    Source: van den Oord et al., "Conditional Image Generation with PixelCNN Decoders", 2016.
    """

    def __init__(self, channels: int, symbols: int, options: Options) -> None:
        super().__init__()
        width = options["width"]
        blocks = [_GatedBlock(channels, width, options["first_kernel"], options)]
        blocks += [_GatedBlock(width, width, 3, options) for _ in range(options["blocks"])]
        self.blocks = nn.ModuleList(blocks)
        self.head = _Head(width, symbols, options)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns scores (n, symbols, height, width) from colours (n, channels, height, width)."""
        return self.scores(x, self.context(x))

    def context(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Returns what the vertical stack passes from the rows above to each horizontal part."""
        heard = []
        for block in self.blocks:
            assert isinstance(block, _GatedBlock)
            features = block.vertical_norm(block.vertical(x))
            heard.append(block.vertical_to_horizontal(features))
            x = _gate(features)
        return heard

    def scores(self, x: torch.Tensor, context: list[torch.Tensor]) -> torch.Tensor:
        """Returns the scores from the horizontal stack and the head."""
        for block, heard in zip(self.blocks, context, strict=True):
            assert isinstance(block, _GatedBlock)
            features = block.horizontal_norm(block.horizontal(x) + heard)
            made = block.out(_gate(features))
            x = x + made if block.skip else made
        scores: torch.Tensor = self.head(x)
        return scores


class MaskedLinear(nn.Linear):
    """Fully connected layer with some of its weights fixed at zero."""

    mask: torch.Tensor

    def __init__(self, before: torch.Tensor, after: torch.Tensor) -> None:
        """Connects each output to the inputs whose degree does not exceed its own.

        Args:
            before: Degrees of the inputs, ascending.
            after: Degrees of the outputs, ascending.
        """
        super().__init__(len(before), len(after))
        self.register_buffer("mask", (before[None, :] <= after[:, None]).float(), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps shape (n, inputs) to (n, outputs)."""
        return functional.linear(x, self.weight * self.mask, self.bias)


class MADE(nn.Module):
    """Masked autoencoder for distribution estimation (Germain et al., 2015).

    A unit's degree is the number of pixels that it may see. Units are sorted by degree, so that
    those determined by the first i pixels form a prefix of every layer.
    """

    def __init__(self, channels: int, symbols: int, grid: int, options: Options) -> None:
        super().__init__()
        self.symbols, self.grid, self.channels = symbols, grid, channels
        pixels = grid * grid
        degrees = torch.arange(1, pixels + 1).repeat_interleave(channels)
        hidden = torch.linspace(1, pixels - 1, options["width"]).floor().long()
        self.hidden_degrees = hidden
        norm = options["normalization"] == "batch"
        self.linears = nn.ModuleList()
        self.norms = nn.ModuleList()
        for _ in range(options["blocks"]):
            self.linears.append(MaskedLinear(degrees, hidden))
            self.norms.append(nn.BatchNorm1d(len(hidden)) if norm else nn.Identity())
            degrees = hidden
        self.nonlinearity = nonlinearity(options["block_nonlinearity"])
        # The pixel of index i is scored from units that have seen at most i pixels.
        self.out = MaskedLinear(degrees, torch.arange(pixels).repeat_interleave(symbols))
        self.last_nonlinearity = nonlinearity(options["last_nonlinearity"])
        self.scale = SCORE_SCALES[options["last_nonlinearity"]]
        self.skip = options["skip_connection"] == "yes"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns scores (n, symbols, grid, grid) from colours (n, channels, grid, grid)."""
        h = x.flatten(2).transpose(1, 2).flatten(1)
        for depth, (linear, norm) in enumerate(zip(self.linears, self.norms, strict=True)):
            made = self.nonlinearity(norm(linear(h)))
            h = h + made if self.skip and depth else made
        scores = self.scale * self.last_nonlinearity(self.out(h))
        by_pixel: torch.Tensor = scores.reshape(-1, self.grid, self.grid, self.symbols)
        return by_pixel.permute(0, 3, 1, 2).contiguous()
