"""Causal networks that follow a row of labels: PixelCNN and its successors.

| family | a block | source |
|---|---|---|
| `pixelcnn` | a masked convolution and its norms, without a residual connection | van den Oord et al., 2016 |
| `gated_pixelcnn` | one convolution of the rows above and one of the row itself, then a gate | van den Oord et al., 2016 |
| `pixelcnn_pp` | parallel chains of masked convolutions, with pools over previous squares | Salimans et al., 2017 |
| `snail` | a gated block, or attention to all previous squares | Chen et al., 2018 |
| `image_transformer` | attention, then a small network | Chen et al., 2020 |

All take the values of a grid of squares and return scores of the symbols of each square, like the
networks of `autoregressive_networks`. The first convolution sees each square separately, and its
output is shifted by one square in raster order: the layers that follow may see the square itself.
Where the row has down-sampling, the network takes the image itself, and its first convolution, with
the size of a square as kernel and stride, makes the grid.

Published gates multiply a tanh; here they multiply the row's non-linearity, so that half of the
non-linearities are of its class. Where a part of a published block has its own residual connection,
here the whole block has one.
"""  # noqa: E501

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import nn
from torch.nn import functional

from gmbench.zoo.kinds.autoregressive_networks import CausalConvolution, Position, causal_norm
from gmbench.zoo.kinds.block_sizes import composition, shared
from gmbench.zoo.layers import SCORE_SCALES, Options, nonlinearity

FAMILIES: tuple[str, ...] = (
    "pixelcnn",
    "gated_pixelcnn",
    "pixelcnn_pp",
    "snail",
    "image_transformer",
)

HEADS = 2
"""Number of heads of an attention module that is the only one in its block."""

BRANCHES = 3
"""Parallel chains in a block of many convolutions."""

FIRST_SHARE = 0.2
"""Initial scale of the weights of other squares, relative to those of the square itself."""


class CausalPool(nn.Module):
    """Max pooling over each square, the one to its left and the two above these."""

    def __init__(self) -> None:
        super().__init__()
        self.position: Position | None = None
        self._cache = torch.empty(0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Keeps the shape (n, channels, height, width)."""
        if self.position is None:
            return functional.max_pool2d(x, 2, 1, padding=1)[..., :-1, :-1]
        row, column = self.position.row, self.position.column
        if not len(self._cache):
            side = self._side + 1
            self._cache = x.new_full((x.shape[0], x.shape[1], side, side), -torch.inf)
        self._cache[:, :, row + 1, column + 1] = x[:, :, 0, 0]
        seen = self._cache[:, :, row : row + 2, column : column + 2]
        return seen.amax((2, 3), keepdim=True)

    def open_cache(self, n: int, grid: int, position: Position) -> None:
        """Starts caching inputs, for `n` images at once."""
        self.position, self._side = position, grid

    def close_cache(self) -> None:
        """Discards the cache and returns to full maps."""
        self.position, self._cache = None, torch.empty(0)


class CausalAttention(nn.Module):
    """Dot-product attention of each square to itself and all before it (Vaswani et al., 2017).

    Args:
        heads: Number of heads.
    """

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.position: Position | None = None
        self._seen: list[tuple[torch.Tensor, torch.Tensor]] = []

    def forward(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """Maps shape (n, features, height, width) to the same; the heads split the features."""
        # The fast kernel requires contiguous tensors.
        q, k, v = (
            torch.unflatten(part, 1, (self.heads, -1)).flatten(3).mT.contiguous()
            for part in (query, key, value)
        )
        if self.position is not None:
            self._seen.append((k, v))
            k, v = (torch.cat([pair[place] for pair in self._seen], 2) for place in (0, 1))
            self._seen = [(k, v)]
        causal = self.position is None
        made = functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return made.mT.reshape(query.shape)

    def open_cache(self, n: int, grid: int, position: Position) -> None:
        """Starts caching keys and values."""
        self.position, self._seen = position, []

    def close_cache(self) -> None:
        """Discards the cache and returns to full maps."""
        self.position, self._seen = None, []


Remembering = CausalConvolution | CausalPool | CausalAttention
"""Modules that look at other squares, and cache what they saw while an image is sampled."""


class PixelLinear(nn.Linear):
    """A fully connected layer applied to each square separately: a network in network."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps a tensor of shape (n, channels, height, width)."""
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class _Chain(nn.Module):
    """Consecutive causal convolutions, with pools in parallel, norms and fully connected layers.

    Args:
        width: Input and output channels.
        layers: Numbers of `conv`, `fc`, `pool` and `norm` layers.
        row: The row of labels.
    """

    def __init__(self, width: int, layers: Mapping[str, int], row: Options) -> None:
        super().__init__()
        convs = layers["conv"]
        fcs, pools, norms = (
            shared(layers.get(kind, 0), [1] * convs) for kind in ("fc", "pool", "norm")
        )
        self.steps = nn.ModuleList()
        for place in range(convs):
            pooled = pools[place] > 0
            conv = CausalConvolution(width, width // 2 if pooled else width, 2, 3, "self")
            after: list[nn.Module] = [
                causal_norm(row["normalization"], width) for _ in range(norms[place])
            ]
            for _ in range(fcs[place]):
                after += [nonlinearity(row["block_nonlinearity"]), PixelLinear(width, width)]
            if place < convs - 1:
                after.append(nonlinearity(row["block_nonlinearity"]))
            pool = nn.Sequential(*(CausalPool() for _ in range(pools[place])))
            self.steps.append(nn.ModuleList([conv, pool, nn.Sequential(*after)]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Keeps the shape (n, width, height, width)."""
        for step in self.steps:
            assert isinstance(step, nn.ModuleList)
            conv, pool, after = step
            made = conv(x)
            if made.shape[1] < x.shape[1]:
                made = torch.cat([made, pool(x[:, made.shape[1] :])], 1)
            x = after(made)
        return x


class _Branched(nn.Module):
    """Parallel chains joined by a convolution: less deep than a single chain."""

    def __init__(self, width: int, layers: Mapping[str, int], row: Options) -> None:
        super().__init__()
        parts = {
            kind: shared(layers.get(kind, 0) - (kind == "conv"), [1] * BRANCHES)
            for kind in ("conv", "fc", "pool", "norm")
        }
        self.branches = nn.ModuleList(
            _Chain(width, {kind: numbers[n] for kind, numbers in parts.items()}, row)
            for n in range(BRANCHES)
        )
        self.nonlinearity = nonlinearity(row["block_nonlinearity"])
        self.join = nn.Conv2d(BRANCHES * width, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Keeps the shape (n, width, height, width)."""
        made = torch.cat([branch(x) for branch in self.branches], 1)
        out: torch.Tensor = self.join(self.nonlinearity(made))
        return out


class _Gated(nn.Module):
    """Gated convolutions of the rows above and the squares before (van den Oord et al., 2016).

    Convolutions beyond three precede them, as a chain.
    """

    def __init__(self, width: int, layers: Mapping[str, int], row: Options) -> None:
        super().__init__()
        extra = layers["conv"] - 3
        self.before = _Chain(width, {"conv": extra}, row) if extra else nn.Identity()
        self.above = CausalConvolution(width, 2 * width, 3, 5, "nothing")
        self.beside = CausalConvolution(width, 2 * width, 1, 5, "self")
        self.nonlinearity = nonlinearity(row["block_nonlinearity"])
        self.out = nn.Conv2d(width, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Keeps the shape (n, width, height, width)."""
        x = self.before(x)
        value, gate = (self.above(x) + self.beside(x)).chunk(2, 1)
        made: torch.Tensor = self.out(self.nonlinearity(value) * torch.sigmoid(gate))
        return made


class _Attending(nn.Module):
    """Attention in which each head has its own query, key and value, then a network."""

    def __init__(self, width: int, layers: Mapping[str, int], row: Options) -> None:
        super().__init__()
        convs, norms = layers["conv"], layers.get("norm", 0)
        heads = (convs - 1) // 3
        features = max(8, width // heads // HEADS * HEADS)
        norm = [causal_norm(row["normalization"], width) for _ in range(norms)]
        self.before = nn.Sequential(*norm[:1])
        self.parts = nn.ModuleList(nn.Conv2d(width, features, 1) for _ in range(3 * heads))
        self.attention = nn.ModuleList(
            CausalAttention(HEADS if heads == 1 else 1) for _ in range(heads)
        )
        after: list[nn.Module] = []
        before, rest = heads * features, convs - 3 * heads
        for place in range(rest):
            if place:
                after.append(nonlinearity(row["block_nonlinearity"]))
            elif before == width:
                after += norm[1:2]
            wide = 2 * width if place < rest - 1 else width
            after.append(nn.Conv2d(before, wide, 1))
            before = wide
        self.after = nn.Sequential(*after, *(norm[2:] if heads * features == width else norm[1:]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Keeps the shape (n, width, height, width)."""
        x = self.before(x)
        made = []
        for head, attention in enumerate(self.attention):
            query, key, value = (self.parts[3 * head + place](x) for place in range(3))
            made.append(attention(query, key, value))
        out: torch.Tensor = self.after(torch.cat(made, 1) if len(made) > 1 else made[0])
        return out


def _block(family: str, width: int, layers: Mapping[str, int], row: Options) -> nn.Module:
    """Returns the body of a block, which the residual connection bypasses."""
    if family in ("snail", "image_transformer") and layers["conv"] > 3:
        return _Attending(width, layers, row)
    if family in ("snail", "gated_pixelcnn") and layers["conv"] >= 3:
        return _Gated(width, layers, row)
    return (_Branched if layers["conv"] > 2 * BRANCHES else _Chain)(width, layers, row)


class CausalNetwork(nn.Module):
    """Scores each square's symbol given those before it; see the table of the module.

    Args:
        family: One of `FAMILIES`.
        channels: Channels of the image.
        symbols: Number of symbols.
        options: `row`, `width`, `grid` (squares per row of the image) and `patch` (pixels per row
            of a square).
    """

    def __init__(self, family: str, channels: int, symbols: int, options: Options) -> None:
        super().__init__()
        row, width = options["row"], options["width"]
        patch, grid = options["patch"], options["grid"]
        self.takes_image = row["downsampling"] == "yes" and patch > 1
        if self.takes_image:
            self.first = nn.Conv2d(channels, width, patch, stride=patch)
        else:
            self.first = nn.Conv2d(channels * patch**2, width, 1)
        self.place = nn.Parameter(_places(width, grid))
        self.position: Position | None = None
        convs, norms = row["conv_layers"], row["norm_layers"]
        self.around = family != "pixelcnn"
        self.blocks: nn.Module
        if self.around:
            layers = {kind: row[f"{kind}_layers"] for kind in ("conv", "fc", "pool", "norm")}
            layers["conv"] -= 2
            found = composition(layers, row["blocks"], row["layers_per_block"], tuple(layers))
            self.blocks = nn.ModuleList(_block(family, width, each, row) for each in found)
            self.first_norm = nn.Sequential()
        else:
            # Blocks are groups, the first convolution's too; the last convolution has no norm.
            groups = [row["layers_per_block"] - 1] * min(row["blocks"], convs - 1)
            groups += [0] * (convs - 1 - len(groups))
            for place in range(norms - sum(groups)):
                groups[-1 - place % len(groups)] += 1
            steps = []
            for n_norms in groups:
                after: list[nn.Module] = [
                    causal_norm(row["normalization"], width) for _ in range(n_norms)
                ]
                after.append(nonlinearity(row["block_nonlinearity"]))
                steps.append(nn.Sequential(*after))
            self.first_norm = steps[0]
            self.blocks = nn.ModuleList(
                nn.Sequential(CausalConvolution(width, width, 3, 5, "self"), step)
                for step in steps[1:]
            )
        self.nonlinearity = nonlinearity(row["block_nonlinearity"])
        self.last = nn.Conv2d(width, symbols, 1)
        self.last_nonlinearity = nonlinearity(row["last_nonlinearity"])
        self.scale = SCORE_SCALES[row["last_nonlinearity"]]
        for module in self.modules():
            if isinstance(module, CausalConvolution):
                _favour_own(module)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns scores, shape (n, symbols, grid, grid).

        Args:
            x: Values of the squares, shape (n, channels * patch^2, grid, grid), or the image, shape
                (n, channels, grid * patch, grid * patch), where the network takes that. With open
                caches, only the square before the position.
        """
        x = self._moved_on(self.first_norm(self.first(x)))
        for block in self.blocks:  # type: ignore[attr-defined]
            x = x + block(x) if self.around else block(x)
        if self.around:
            x = self.nonlinearity(x)
        scores: torch.Tensor = self.scale * self.last_nonlinearity(self.last(x))
        return scores

    def _moved_on(self, x: torch.Tensor) -> torch.Tensor:
        """Shifts each square's features to the next square and adds the embedding of its place."""
        if self.position is None:
            flat = functional.pad(x.flatten(2), (1, 0))[..., :-1]
            return flat.reshape(x.shape) + self.place
        row, column = self.position.row, self.position.column
        if row == column == 0:
            x = torch.zeros_like(x)
        return x + self.place[:, :, row : row + 1, column : column + 1]


def _favour_own(module: CausalConvolution) -> None:
    """Shrinks the weights of other squares, so that what is near passes through many layers."""
    with torch.no_grad():
        own = module.weight[..., -1, module.reach].clone()
        module.weight.mul_(FIRST_SHARE)
        module.weight[..., -1, module.reach] = own


def _places(width: int, grid: int) -> torch.Tensor:
    """Returns sines and cosines of row and column as initial embeddings of the places."""
    quarter = width // 4
    turns = torch.pi * torch.arange(grid) / grid
    angles = turns[:, None] * torch.linspace(0, math.log(grid), quarter).exp()
    waves = torch.cat([angles.sin(), angles.cos()], 1).T
    rows = waves[:, :, None].expand(-1, grid, grid)
    columns = waves[:, None, :].expand(-1, grid, grid)
    found = torch.zeros(1, width, grid, grid)
    found[0, : 4 * quarter] = torch.cat([rows, columns])
    return found
