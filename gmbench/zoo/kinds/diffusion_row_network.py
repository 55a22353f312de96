"""The U-Net of diffusion models that follows a row of labels.

It has four halvings and as many doublings; nearly all of the row's layers are in residual blocks,
at an eighth and a sixteenth of the size. Each fully connected layer conditions a block on the time,
and on the class where there is one; any further ones of the row precede these.
"""

from __future__ import annotations

import torch
from torch import nn

from gmbench.errors import GmbenchError
from gmbench.zoo.kinds.block_sizes import composition, shared
from gmbench.zoo.kinds.diffusion_networks import TIME_FEATURES, time_features
from gmbench.zoo.layers import Options, downsampling, nonlinearity, normalization, upsampling
from gmbench.zoo.pixels import to_unit

CLASS_FEATURES = 16
FIRST_SHARE = 0.1
"""Initial scale of what a block adds to its input."""

LEVELS = 4


class RowBlock(nn.Module):
    """Convolutions with a residual connection; the time is added after the first of them."""

    def __init__(
        self, width: int, layers: dict[str, int], told: nn.Module | None, row: Options
    ) -> None:
        super().__init__()
        norms = shared(layers["norm"], [1] * layers["conv"])
        self.told = told
        self.first = nn.Conv2d(width, width, 3, padding=1)
        parts = [normalization(row["normalization"], width) for _ in range(norms[0])]
        for place in range(1, layers["conv"]):
            # Every second convolution is 1 x 1.
            kernel = 1 if place % 2 else 3
            parts.append(nonlinearity(row["block_nonlinearity"]))
            parts.append(nn.Conv2d(width, width, kernel, padding=kernel // 2))
            parts += [normalization(row["normalization"], width) for _ in range(norms[place])]
        self.rest = nn.Sequential(*parts)

    def quieten(self) -> None:
        """Makes the block add little at first, so that a network of many blocks learns early."""
        last = [m for m in (self.first, *self.rest) if isinstance(m, nn.Conv2d)][-1]
        with torch.no_grad():
            last.weight.mul_(FIRST_SHARE)

    def forward(self, x: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        """Keeps the shape (n, width, height, width)."""
        made = self.first(x)
        if self.told is not None:
            made = made + self.told(known)[:, :, None, None]
        out: torch.Tensor = x + self.rest(made)
        return out


class RowUNet(nn.Module):
    """Estimates the clean image from a noisy one.

    Args:
        channels: 1 or 3.
        size: Height and width of the images.
        options: `row`, `width` and `classes` (0 for none).
    """

    def __init__(self, channels: int, size: int, options: Options) -> None:
        super().__init__()
        row, width = options["row"], options["width"]
        blocks, fcs, pools = row["blocks"], row["fc_layers"], row["pool_layers"]
        if pools > LEVELS or row["downsampling"] != "yes":
            raise GmbenchError(f"A U-Net scales down, with {LEVELS} poolings at most: not {pools}.")
        layers = {"conv": row["conv_layers"] - 2 * LEVELS - 1, "norm": row["norm_layers"]}
        found = composition(layers, blocks, row["layers_per_block"], ("conv", "norm"))
        self.classes = (
            nn.Embedding(options["classes"], CLASS_FEATURES) if options["classes"] else None
        )
        features = TIME_FEATURES + (CLASS_FEATURES if self.classes else 0)
        time_layers: list[nn.Module] = []
        for _ in range(fcs - blocks):
            time_layers += [
                nn.Linear(features, 2 * width),
                nonlinearity(row["block_nonlinearity"]),
            ]
            features = 2 * width
        self.time = nn.Sequential(*time_layers)
        told = [nn.Linear(features, width) if n < fcs else None for n in range(blocks)]
        made = [RowBlock(width, each, one, row) for each, one in zip(found, told, strict=True)]
        wide = max(1, blocks // 3)
        self.before = nn.ModuleList(made[:wide])
        self.middle = nn.ModuleList(made[wide:-wide])
        self.after = nn.ModuleList(made[-wide:])
        widths = [channels, width // 2, *[width] * (LEVELS - 1)]
        ways = ["average_pool"] * pools + ["strided_conv"] * (LEVELS - pools)
        self.down = nn.ModuleList(
            downsampling(way, widths[n], widths[n + 1]) for n, way in enumerate(ways)
        )
        widths[0] = width // 2
        self.up = nn.ModuleList(
            upsampling(row["upsampling"], widths[n + 1], widths[n]) for n in range(LEVELS)
        )
        self.nonlinearity = nonlinearity(row["block_nonlinearity"])
        self.last = nn.Conv2d(width // 2 + channels, channels, 3, padding=1)
        self.last_name = row["last_nonlinearity"]
        self.last_nonlinearity = nonlinearity(self.last_name)

    def forward(
        self, noisy: torch.Tensor, time: torch.Tensor, classes: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Estimates clean images in the value range of the last non-linearity.

        Args:
            noisy: Shape (n, channels, size, size).
            time: How noisy the images are, as times in (0, 1], shape (n,).
            classes: Shape (n,), int64; None where there are none.
        """
        known = time_features(time)
        if self.classes is not None:
            known = torch.cat([known, self.classes(classes)], 1)
        known = self.time(known)
        x, kept = noisy, []
        for level, down in enumerate(self.down):
            x = self.nonlinearity(down(x))
            if level == LEVELS - 2:
                for block in self.before:
                    x = block(x, known)
            kept.append(x)
        for block in self.middle:
            x = block(x, known)
        for level in reversed(range(LEVELS)):
            if level == LEVELS - 2:
                for block in self.after:
                    x = block(x, known)
            x = self.nonlinearity(self.up[level](x))
            if level:
                x = x + kept[level - 1]
        image: torch.Tensor = self.last_nonlinearity(self.last(torch.cat([x, noisy], 1)))
        return image

    def clean(
        self, noisy: torch.Tensor, time: torch.Tensor, classes: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Estimates clean images with black at -1 and white at 1."""
        return to_unit(self(noisy, time, classes), self.last_name) * 2.0 - 1.0
