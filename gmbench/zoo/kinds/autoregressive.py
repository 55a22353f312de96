"""Autoregressive GMs over a palette of colours: MADE, PixelCNN and gated PixelCNN.

Colours are quantised to a palette of the content's own colours (8 to 32 in the drawn families),
found by k-means (as in Chen et al., "Generative Pretraining from Pixels", 2020), so that each pixel
is one symbol, grey or not. The network is trained with the cross-entropy of each pixel's symbol
given those before it: `loss_ce`.

Some models generate the whole image. Others generate a coarse grid of 8 or 16 rows and columns, and
a decoder, trained jointly, turns it into the full image; its pixel losses are added (`loss_l1`,
`loss_l2`, `loss_mse`). The two parts share no weights.

Families that follow a row of labels (`row` in the options) generate the whole image, in single
pixels or in squares of pixels: then a symbol stands for all pixels of a square, and the palette
consists of squares. `vae_mlp` belongs to this kind in RED116, but is a variational autoencoder; see
`row_vae`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from gmbench.errors import require_known
from gmbench.zoo.kinds import row_vae
from gmbench.zoo.kinds.autoregressive_networks import MADE, GatedPixelCNN, PixelCNN
from gmbench.zoo.kinds.autoregressive_sampling import as_input, sample_cached
from gmbench.zoo.kinds.belief_networks import Fvbn, Nade
from gmbench.zoo.kinds.causal_networks import CausalNetwork
from gmbench.zoo.kinds.draw import Draw
from gmbench.zoo.kinds.fit import Schedule, fit
from gmbench.zoo.kinds.k_means import assign, k_means
from gmbench.zoo.kinds.trained import SamplingGM
from gmbench.zoo.layers import (
    Block,
    Options,
    nonlinearity,
    start_at_unit_variance,
    start_scores,
    upsampling,
)
from gmbench.zoo.losses import DISTANCES, LossSum, in_schema_order
from gmbench.zoo.pixels import count_channels, to_pixels, to_values
from gmbench.zoo.reproducible import reproducible
from gmbench.zoo.specification import Specification

FAMILIES: tuple[str, ...] = ("made", "pixelcnn", "gated_pixelcnn")
"""The families that are drawn."""

ROW_FAMILIES: tuple[str, ...] = (
    *FAMILIES,
    "fvbn",
    "nade",
    "pixelcnn_pp",
    "snail",
    "image_transformer",
    "vae_mlp",
)
"""The families that can follow a row of labels."""

STEPS: Mapping[str, int] = {"made": 600, "pixelcnn": 400, "gated_pixelcnn": 250}
"""Training steps of each drawn family; they take 10 to 25 s on one core."""

Prior = MADE | PixelCNN | GatedPixelCNN | Fvbn | Nade | CausalNetwork

PIXEL_WEIGHT = 4.0
"""Weight of the decoder's losses.

The decoder shares no weights with the rest, so its steps alone depend on this.
"""

BATCH = 32


class Decoder(nn.Module):
    """Reconstructs the full image from the colours of its coarse grid.

    Args:
        channels: 1 or 3.
        doublings: Number of times that height and width are doubled.
        options: The options of the GM.
    """

    def __init__(self, channels: int, doublings: int, options: Options) -> None:
        super().__init__()
        width = options["decoder_width"]
        options = {**options, "block_nonlinearity": options["decoder_nonlinearity"]}
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1)]
        for _ in range(doublings):
            layers += [Block(width, options), upsampling(options["upsampling"], width, width)]
        self.body = nn.Sequential(*layers)
        self.last = nn.Conv2d(width, channels, 3, padding=1)
        self.last_nonlinearity = nonlinearity(options["last_nonlinearity"])

    def forward(self, colours: torch.Tensor) -> torch.Tensor:
        """Maps (n, channels, grid, grid) to (n, channels, size, size)."""
        image: torch.Tensor = self.last_nonlinearity(self.last(self.body(colours)))
        return image


class AutoregressiveModel(nn.Module):
    """Scores the colours of a grid and, with a decoder, reconstructs the full image.

    Args:
        family: One of `ROW_FAMILIES` except `vae_mlp`.
        palette: Colour of each symbol, shape (symbols, channels); for squares, the colours of all
            their pixels.
        size: Height and width of the images.
        options: The options of the GM.
    """

    palette: torch.Tensor

    def __init__(self, family: str, palette: torch.Tensor, size: int, options: Options) -> None:
        super().__init__()
        grid, patch = options["grid"], options.get("patch", 1)
        self.register_buffer("palette", palette)
        self.prior = build_prior(family, palette.shape[1] // patch**2, len(palette), options)
        doublings = (size // (grid * patch)).bit_length() - 1
        self.decoder = Decoder(palette.shape[1], doublings, options) if doublings else None

    def forward(self, colours: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Returns the scores of each pixel's symbol and, where there is a decoder, the full image.

        Args:
            colours: Colours of the palette, shape (n, channels, grid, grid), in [-1, 1].
        """
        scores: torch.Tensor = self.prior(colours)
        return (scores,) if self.decoder is None else (scores, self.decoder(colours))


def build_prior(family: str, channels: int, symbols: int, options: Options) -> Prior:
    """Returns a newly initialised network that scores the symbols of a grid."""
    if family == "made":
        return MADE(channels, symbols, options["grid"], options)
    if family == "fvbn":
        return Fvbn(channels, symbols, options)
    if family == "nade":
        return Nade(channels, symbols, options)
    if "row" in options:
        return CausalNetwork(family, channels, symbols, options)
    return (PixelCNN if family == "pixelcnn" else GatedPixelCNN)(channels, symbols, options)


def draw_options(
    family: str, size: int, generator: np.random.Generator
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Draws the options and the losses of a GM of `family` for images of `size` pixels."""
    require_known("Family", FAMILIES, family)
    draw = Draw(generator)
    one = draw.one
    gated = family == "gated_pixelcnn"
    # A grid of 32 rows costs four times one of 16; MADE's weights grow with the square of the rows.
    whole = size <= 32 and family != "made" and draw.chance(0.25)
    grid = size if whole else one(*((8, 8, 16) if family == "made" else (8, 16)))
    norms = ("none", "batch") if family == "made" else ("none", "batch", "layer")
    options: dict[str, Any] = {
        "grid": grid,
        "symbols": one(8, 16) if whole or family == "made" else one(8, 16, 24, 32),
        **draw.classes("last_nonlinearity", "block_nonlinearity"),
        "normalization": one(*norms) if whole else one(*norms, "instance", "group"),
        "skip_connection": "yes" if draw.chance(0.6) else "no",
        "layers_per_block": 1 if whole else one(1, 2, 3),
        "learning_rate": one(1.5e-3, 2.5e-3),
    }
    decoder_nonlinearity = options["block_nonlinearity"]
    if gated:
        # Its gates are fixed, half of them sigmoids; its two stacks are summed in any case.
        options |= {"block_nonlinearity": "sigmoid", "skip_connection": "yes"}
    if family == "made":
        options |= {"width": one(256, 384, 512), "blocks": one(1, 2, 3)}
    else:
        options |= {
            "width": one(12, 16) if whole else one(24, 32, 40),
            "blocks": one(2, 3) if whole else one(2, 3, 4, 5),
            "first_kernel": one(5, 7),
        }
    if whole:
        return options, ("loss_ce",)
    options |= {
        **draw.classes("upsampling"),
        "decoder_width": one(12, 16, 24),
        "decoder_nonlinearity": decoder_nonlinearity,
    }
    number = 1 if draw.chance(0.6) else 2
    chosen = generator.permutation(list(DISTANCES))[:number].tolist()
    return options, in_schema_order([*chosen, "loss_ce"])


def train(specification: Specification, real: torch.Tensor) -> SamplingGM:
    """Trains an autoregressive GM; see `gmbench.zoo.specification.Trainer`."""
    options, size = specification.options, specification.size
    require_known("Family", ROW_FAMILIES, specification.family)
    if specification.family == "vae_mlp":
        return row_vae.train(specification, real)
    grid, last = options["grid"], options["last_nonlinearity"]
    patch = options.get("patch", 1)
    with reproducible(specification.seed) as generator:
        channels = count_channels(real)
        values = to_values(real, "tanh", channels)
        coarse = functional.avg_pool2d(values, size // (grid * patch))
        coarse = functional.pixel_unshuffle(coarse, patch)
        points = coarse.movedim(1, -1).flatten(0, 2)
        some = torch.randint(len(points), (8192,), generator=generator)
        palette = k_means(points[some], options["symbols"], generator)
        symbols = torch.cat([assign(part, palette) for part in torch.split(points, 65536)])
        symbols = symbols.reshape(len(real), grid, grid)
        targets = to_values(real, last, channels)

        model = AutoregressiveModel(specification.family, palette, size, options)
        model.train()

        def inputs(chosen: torch.Tensor) -> torch.Tensor:
            return as_input(model.prior, palette[symbols[chosen]].movedim(-1, 1))

        if not isinstance(model.prior, Fvbn | Nade):
            start_at_unit_variance(model, inputs(torch.arange(BATCH) % len(real)))
            start_scores(_last_layer(model.prior))
        losses = LossSum()

        def objective() -> torch.Tensor:
            chosen = torch.randint(len(real), (BATCH,), generator=generator)
            scores, *images = model(inputs(chosen))
            terms = [("loss_ce", 1.0, functional.cross_entropy(scores, symbols[chosen]))]
            for name in specification.losses:
                if images and name in DISTANCES:
                    distance = DISTANCES[name](images[0], targets[chosen])
                    terms.append((name, PIXEL_WEIGHT, distance))
            return losses.add(*terms)

        schedule = Schedule(rate=2 * options["learning_rate"])
        _, history = fit(model, objective, specification.steps, schedule)
        example = inputs(torch.zeros(1, dtype=torch.int64))

    def make(n: int, generator: torch.Generator) -> torch.Tensor:
        uniforms = torch.rand(n, grid, grid, generator=generator)
        drawn = palette[sample_cached(model.prior, palette, uniforms)].movedim(-1, 1)
        if model.decoder is None:
            return to_pixels(functional.pixel_shuffle(drawn, patch), "tanh")
        with torch.no_grad():
            return to_pixels(model.decoder(drawn), last)

    return SamplingGM(model, (example,), losses.recorded, history, make)


def _last_layer(prior: Prior) -> nn.Linear | nn.Conv2d:
    """Returns the layer that outputs the scores."""
    if isinstance(prior, MADE):
        return prior.out
    if isinstance(prior, CausalNetwork):
        return prior.last
    assert isinstance(prior, PixelCNN | GatedPixelCNN)
    return prior.head.outer
