"""The classifiers that are attacked."""

from __future__ import annotations

import torch
from torch import nn

from gmbench.zoo.layers import SCORE_SCALES, Block, Options, downsampling, nonlinearity


class Classifier(nn.Module):
    """Convolutional classifier: stages that halve the image, then fully connected layers.

    Args:
        channels: 1 or 3.
        size: Height and width of the images.
        options: The options of the GM.
    """

    def __init__(self, channels: int, size: int, options: Options) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before, width, side = channels, options["width"], size
        for _ in range(options["stages"]):
            layers += [
                downsampling(options["downsampling"], before, width),
                nonlinearity(options["block_nonlinearity"]),
                *(Block(width, options) for _ in range(options["blocks"])),
            ]
            before, width, side = width, min(2 * width, 64), side // 2
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1) if options["global_pool"] else nn.Identity()
        inputs = before if options["global_pool"] else before * side**2
        fully_connected: list[nn.Module] = []
        for _ in range(options["fc_layers"] - 1):
            fully_connected += [
                nn.Linear(inputs, options["fc_width"]),
                nonlinearity(options["block_nonlinearity"]),
            ]
            inputs = options["fc_width"]
        self.fully_connected = nn.Sequential(*fully_connected)
        self.last = nn.Linear(inputs, options["classes"])
        self.last_nonlinearity = nonlinearity(options["last_nonlinearity"])
        self.scale = SCORE_SCALES[options["last_nonlinearity"]]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Returns the class scores.

        Args:
            images: Shape (n, channels, size, size), in [0, 1].

        Returns:
            Shape (n, classes).
        """
        x = self.pool(self.features(2 * images - 1)).flatten(1)
        scores: torch.Tensor = self.last_nonlinearity(self.last(self.fully_connected(x)))
        return self.scale * scores
