"""Autoregressive networks of fully connected layers that follow a row of labels.

`Fvbn`: fully visible belief network, a logistic regression of each pixel on all previous ones
(Frey, Hinton and Dayan, 1996); here each layer models a group of pixels. `Nade`: one hidden layer
shared by all pixels, to which each pixel adds its contribution (Larochelle and Murray, 2011); more
layers follow it, as in Uria et al., 2014.

Both take the values of a grid, shape (n, channels, grid, grid), and return scores of the symbols of
each pixel, shape (n, symbols, grid, grid), like the networks of `autoregressive_networks`.
"""

from __future__ import annotations

import torch
from torch import nn

from gmbench.zoo.kinds.autoregressive_networks import MaskedLinear
from gmbench.zoo.layers import SCORE_SCALES, Options, nonlinearity


class Fvbn(nn.Module):
    """Masked fully connected layers, one per group of pixels and as many as the row has.

    Args:
        channels: Channels of the values.
        symbols: Number of symbols.
        options: `row` and `grid`.
    """

    def __init__(self, channels: int, symbols: int, options: Options) -> None:
        super().__init__()
        row, self.grid = options["row"], options["grid"]
        self.channels, self.symbols = channels, symbols
        pixels, number = self.grid**2, row["fc_layers"]
        self.borders = [round(pixels * place / number) for place in range(number + 1)]
        self.layers = nn.ModuleList()
        for start, end in zip(self.borders, self.borders[1:], strict=False):
            before = torch.arange(1, end + 1).repeat_interleave(channels)
            # The pixel of index i sees the i pixels before it.
            after = torch.arange(start, end).repeat_interleave(symbols)
            layer = MaskedLinear(before, after)
            # Nearly equal scores at first, on the active side of a ReLU.
            nn.init.normal_(layer.weight, std=0.1 / end**0.5)
            nn.init.constant_(layer.bias, 0.5)
            self.layers.append(layer)
        self.last_nonlinearity = nonlinearity(row["last_nonlinearity"])
        self.scale = SCORE_SCALES[row["last_nonlinearity"]]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns scores from values."""
        flat = x.flatten(2).mT.flatten(1)
        made = [
            layer(flat[:, : end * self.channels])
            for layer, end in zip(self.layers, self.borders[1:], strict=True)
        ]
        scores = self.scale * self.last_nonlinearity(torch.cat(made, 1))
        by_pixel: torch.Tensor = scores.reshape(-1, self.grid, self.grid, self.symbols)
        return by_pixel.permute(0, 3, 1, 2).contiguous()

    def drawing(self, n: int) -> _FvbnDrawing:
        """Starts sampling `n` images."""
        return _FvbnDrawing(self, n)


class _FvbnDrawing:
    """Scores pixels one by one, each given the pixels before it."""

    def __init__(self, network: Fvbn, n: int) -> None:
        self.network = network
        self.known = network.layers[0].weight.new_zeros(  # type: ignore[operator]
            n, network.grid**2 * network.channels
        )
        self.weights = [layer.weight * layer.mask for layer in network.layers]  # type: ignore[operator]

    def scores(self, pixel: int) -> torch.Tensor:
        """Returns the scores of a pixel, shape (n, symbols)."""
        network = self.network
        group = next(g for g, end in enumerate(network.borders[1:]) if pixel < end)
        first = (pixel - network.borders[group]) * network.symbols
        rows = slice(first, first + network.symbols)
        seen = pixel * network.channels
        bias = network.layers[group].bias[rows]  # type: ignore[index]
        made = self.known[:, :seen] @ self.weights[group][rows, :seen].T + bias
        scores: torch.Tensor = network.scale * network.last_nonlinearity(made)
        return scores

    def put(self, pixel: int, values: torch.Tensor) -> None:
        """Sets the values of a pixel, shape (n, channels)."""
        channels = self.network.channels
        self.known[:, pixel * channels : (pixel + 1) * channels] = values


class Nade(nn.Module):
    """A hidden state to which every pixel adds its contribution, and a layer from it to the scores.

    The contributions are products of single values, so the second layer is the one with weights.

    Args:
        channels: Channels of the values.
        symbols: Number of symbols.
        options: `row`, `grid` and `width` (of the hidden state).
    """

    def __init__(self, channels: int, symbols: int, options: Options) -> None:
        super().__init__()
        row, self.grid, width = options["row"], options["grid"], options["width"]
        pixels = self.grid**2
        self.parts = nn.Parameter(torch.randn(pixels, channels, width) / pixels**0.5)
        self.offset = nn.Parameter(torch.zeros(width))
        self.hidden = nn.ModuleList(
            nn.Linear(width, width) for _ in range(max(row["fc_layers"] - 1, 0))
        )
        self.nonlinearity = nonlinearity(row["block_nonlinearity"])
        self.weight = nn.Parameter(0.3 * torch.randn(pixels, symbols, width) / width**0.5)
        self.bias = nn.Parameter(torch.full((pixels, symbols), 0.5))
        self.last_nonlinearity = nonlinearity(row["last_nonlinearity"])
        self.scale = SCORE_SCALES[row["last_nonlinearity"]]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns scores from values."""
        flat = x.flatten(2).mT
        added = flat[:, :, :1] * self.parts[:, 0]
        for channel in range(1, flat.shape[2]):
            added = added + flat[:, :, channel : channel + 1] * self.parts[:, channel]
        h = self._features(added.cumsum(1) - added + self.offset)
        made = torch.einsum("nph,psh->nsp", h, self.weight) + self.bias.T
        scores: torch.Tensor = self.scale * self.last_nonlinearity(made)
        return torch.unflatten(scores, 2, (self.grid, self.grid))

    def _features(self, state: torch.Tensor) -> torch.Tensor:
        h: torch.Tensor = self.nonlinearity(state)
        for layer in self.hidden:
            h = self.nonlinearity(layer(h))
        return h

    def drawing(self, n: int) -> _NadeDrawing:
        """Starts sampling `n` images."""
        return _NadeDrawing(self, n)


class _NadeDrawing:
    """Scores pixels one by one, each given the pixels before it."""

    def __init__(self, network: Nade, n: int) -> None:
        self.network = network
        self.state = network.offset.detach().repeat(n, 1)

    def scores(self, pixel: int) -> torch.Tensor:
        """Returns the scores of a pixel, shape (n, symbols)."""
        network = self.network
        h = network._features(self.state)
        made = h @ network.weight[pixel].T + network.bias[pixel]
        scores: torch.Tensor = network.scale * network.last_nonlinearity(made)
        return scores

    def put(self, pixel: int, values: torch.Tensor) -> None:
        """Sets the values of a pixel, shape (n, channels)."""
        self.state = self.state + values @ self.network.parts[pixel]
