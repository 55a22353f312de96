"""Decoders of latent variables that follow a row of labels, from which VAEs are sampled.

`FullDecoder` is a network of fully connected layers; it may be preceded by couplings, each with as
many layers as the row has in a block, that turn Gaussian noise into the decoder's input. An
autoregressive flow of the prior is the same model as an inverse one of the posterior (Chen et al.,
"Variational Lossy Autoencoder", 2017); a coupling is one with two groups of features.

`DeepDecoder` has a latent map in each of its residual blocks, from coarse to fine (Child, 2021).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from gmbench.errors import GmbenchError
from gmbench.zoo.kinds.block_sizes import block_sizes, shared
from gmbench.zoo.layers import Options, flat_normalization, nonlinearity

FIRST_SIDE = 4
"""Minimum height and width of the coarsest maps of a `DeepDecoder`."""

LATENTS = 2
"""Latent channels of each block of a `DeepDecoder`."""

LARGEST_LOG_SCALE = 1.5

Draw = Callable[[int, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""Maps (block, features before it, mean, log-variance) to latents; block -1 is the start."""


class FeatureCoupling(nn.Module):
    """Shifts and scales half of the features as a function of the other half, and swaps them.

    Source: Dinh, Sohl-Dickstein and Bengio, "Real NVP", 2017.
    """

    def __init__(self, features: int, layers: int, width: int, row: Options) -> None:
        super().__init__()
        kept = features // 2
        parts: list[nn.Module] = []
        for before, after in [
            (kept if place == 0 else width, width if place < layers - 1 else 2 * (features - kept))
            for place in range(layers)
        ]:
            parts += [nn.Linear(before, after), nonlinearity(row["block_nonlinearity"])]
        self.net = nn.Sequential(*parts[:-1])
        self.kept = kept

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Maps from the noise side to the decoder side, shape (n, features)."""
        kept, changed = z[:, : self.kept], z[:, self.kept :]
        shift, log_scale = self._affine(kept)
        return torch.cat([changed * log_scale.exp() + shift, kept], 1)

    def invert(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Undoes `forward`; also returns the log-determinant of the inverse, shape (n,)."""
        changed, kept = z[:, : -self.kept], z[:, -self.kept :]
        shift, log_scale = self._affine(kept)
        back = (changed - shift) * (-log_scale).exp()
        return torch.cat([kept, back], 1), -log_scale.sum(1)

    def _affine(self, kept: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        shift, log_scale = self.net(kept).chunk(2, 1)
        return shift, LARGEST_LOG_SCALE * torch.tanh(log_scale / LARGEST_LOG_SCALE)


class FullDecoder(nn.Module):
    """Couplings, where the family has them, then fully connected layers to an image.

    Args:
        flow: Whether there are couplings, which are the row's blocks.
        channels: 1 or 3.
        size: Height and width of the images.
        options: `row`, `latent` and `width`.
    """

    def __init__(self, flow: bool, channels: int, size: int, options: Options) -> None:
        super().__init__()
        row, latent, width = options["row"], options["latent"], options["width"]
        self.shape = (channels, size, size)
        sizes = [row["layers_per_block"]] * row["blocks"] if flow else []
        self.flow = nn.ModuleList(FeatureCoupling(latent, n, width, row) for n in sizes)
        left = row["fc_layers"] - sum(sizes)
        if left < 1:
            raise GmbenchError(f"{row['fc_layers']} fully connected layers leave none to decode.")
        norms = shared(row["norm_layers"], [1] * left)
        layers: list[nn.Module] = []
        for place in range(left - 1):
            layers.append(nn.Linear(width if place else latent, width))
            layers += [flat_normalization(row["normalization"], width) for _ in range(norms[place])]
            layers.append(nonlinearity(row["block_nonlinearity"]))
        layers.append(nn.Linear(width if left > 1 else latent, math.prod(self.shape)))
        self.layers = nn.Sequential(*layers)
        self.last_nonlinearity = nonlinearity(row["last_nonlinearity"])

    def forward(self, noise: torch.Tensor) -> torch.Tensor:
        """Returns images from standard Gaussian noise, shape (n, latent)."""
        for coupling in self.flow:
            noise = coupling(noise)
        return self.decode(noise)

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """Returns images from latents, shape (n, latent)."""
        image: torch.Tensor = self.last_nonlinearity(self.layers(z))
        return torch.unflatten(image, 1, self.shape)

    def log_prior(self, z: torch.Tensor) -> torch.Tensor:
        """Returns the log-density of latents, shape (n,)."""
        total = z.new_zeros(len(z))
        for coupling in reversed(self.flow):
            assert isinstance(coupling, FeatureCoupling)
            z, determinant = coupling.invert(z)
            total = total + determinant
        return total - 0.5 * (z.square() + math.log(2 * math.pi)).sum(1)


class _LatentBlock(nn.Module):
    """What a block of a `DeepDecoder` adds: convolutions, with a latent map before the last."""

    def __init__(self, width: int, layers: int, row: Options) -> None:
        super().__init__()
        if layers < 2:
            raise GmbenchError("A block with latents has at least 2 convolutions.")
        steps: list[nn.Module] = []
        for place in range(layers - 1):
            after = width + (2 * LATENTS if place == layers - 2 else 0)
            steps += [
                nonlinearity(row["block_nonlinearity"]),
                nn.Conv2d(width, after, 3, padding=1),
            ]
        self.before = nn.Sequential(*steps)
        self.nonlinearity = nonlinearity(row["block_nonlinearity"])
        self.out = nn.Conv2d(width + LATENTS, width, 3, padding=1)
        self.width = width

    def forward(
        self, x: torch.Tensor, draw: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    ) -> torch.Tensor:
        """Returns what is added to `x`; `draw` makes latents from mean and log-variance."""
        made = self.before(x)
        rest = made[:, : self.width]
        mean, log_variance = made[:, self.width :].chunk(2, 1)
        z = draw(mean, log_variance.clamp(-6.0, 3.0))
        out: torch.Tensor = self.out(self.nonlinearity(torch.cat([rest, z], 1)))
        return out


class DeepDecoder(nn.Module):
    """Residual blocks with latents, from maps no smaller than `FIRST_SIDE` up to the image.

    Noise is one map as large as the image; coarser blocks receive it pooled, by as many 2 x 2
    poolings as there are halvings.

    Args:
        channels: 1 or 3.
        size: Height and width of the images.
        options: `row` and `width`.
    """

    def __init__(self, channels: int, size: int, options: Options) -> None:
        super().__init__()
        row, width = options["row"], options["width"]
        blocks, convs = row["blocks"], row["conv_layers"]
        # Halvings take 1 + 2 + ... poolings: as many halvings as the row has poolings for.
        most = (size // FIRST_SIDE).bit_length() - 1
        halvings = max(h for h in range(most + 1) if h * (h + 1) // 2 <= row["pool_layers"])
        self.sides = [size >> level for level in reversed(range(halvings + 1))]
        self.numbers = shared(blocks, [3, 3, 2, 2, 1][: len(self.sides)])
        inside = min(convs - 2, blocks * row["layers_per_block"])
        sizes = block_sizes(inside, blocks, row["layers_per_block"])
        self.first = nn.Conv2d(LATENTS, width, 3, padding=1)
        self.blocks = nn.ModuleList(_LatentBlock(width, n, row) for n in sizes)
        last: list[nn.Module] = []
        for _ in range(convs - inside - 2):
            last += [
                nonlinearity(row["block_nonlinearity"]),
                nn.Conv2d(width, width, 3, padding=1),
            ]
        self.last = nn.Sequential(
            *last,
            nonlinearity(row["block_nonlinearity"]),
            nn.Conv2d(width, channels, 3, padding=1),
            nonlinearity(row["last_nonlinearity"]),
        )

    @property
    def noise_channels(self) -> int:
        """Channels of the noise."""
        return LATENTS * (1 + len(self.blocks))

    def forward(self, noise: torch.Tensor) -> torch.Tensor:
        """Returns images from standard Gaussian noise, shape (n, noise channels, size, size)."""
        maps: list[torch.Tensor] = []
        first = 0
        for level, number in enumerate(self.numbers):
            last = first + LATENTS * (number + (level == 0))
            part = noise[:, first:last]
            for _ in range(len(self.sides) - 1 - level):
                # Twice the mean of four again has variance one.
                part = 2 * functional.avg_pool2d(part, 2)
            maps += torch.split(part, LATENTS, 1)
            first = last

        def draw(
            block: int, _: torch.Tensor, mean: torch.Tensor, log_variance: torch.Tensor
        ) -> torch.Tensor:
            return mean + (0.5 * log_variance).exp() * maps[block + 1]

        return self.made(maps[0], draw)

    def made(self, start: torch.Tensor, draw: Draw) -> torch.Tensor:
        """Returns images from the first latents; the others are drawn where they are needed."""
        x = self.first(start)
        block = 0
        for level, number in enumerate(self.numbers):
            if level:
                x = functional.interpolate(x, scale_factor=2.0)
            for _ in range(number):
                place, here = block, x
                x = x + self.blocks[block](
                    x, lambda mean, spread, place=place, here=here: draw(place, here, mean, spread)
                )
                block += 1
        image: torch.Tensor = self.last(x)
        return image

    def level_of(self, block: int) -> int:
        """Returns the level of a block, 0 for the coarsest."""
        ends = [sum(self.numbers[: level + 1]) for level in range(len(self.numbers))]
        return next(level for level, end in enumerate(ends) if block < end)


class DeepEncoder(nn.Module):
    """Features of an image at every level of a `DeepDecoder`, and its posteriors."""

    def __init__(self, decoder: DeepDecoder, channels: int, width: int) -> None:
        super().__init__()
        self.decoder_width = decoder.first.out_channels
        levels = len(decoder.sides)
        self.first = nn.Conv2d(channels, width, 3, padding=1)
        self.same = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(levels))
        self.down = nn.ModuleList(
            nn.Conv2d(width, width, 4, stride=2, padding=1) for _ in range(levels - 1)
        )
        self.start = nn.Conv2d(width, 2 * LATENTS, 3, padding=1)
        self.posteriors = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width + self.decoder_width, width, 3, padding=1),
                nn.ELU(),
                nn.Conv2d(width, 2 * LATENTS, 3, padding=1),
            )
            for _ in decoder.blocks
        )

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Returns features by level, the coarsest first, of images around 0."""
        x = functional.elu(self.first(images))
        found: list[torch.Tensor] = []
        for level, same in enumerate(self.same):
            x = x + functional.elu(same(x))
            found.insert(0, x)
            if level < len(self.down):
                x = functional.elu(self.down[level](x))
        return found

    def posterior(
        self, block: int, features: torch.Tensor, x: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns mean and log-variance of a block's latents; block -1 is the start."""
        made = (
            self.start(features)
            if x is None
            else self.posteriors[block](torch.cat([features, x], 1))
        )
        mean, log_variance = made.chunk(2, 1)
        return mean, log_variance.clamp(-8.0, 3.0)
