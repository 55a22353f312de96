"""The classifiers that are attacked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from gmbench.zoo.layers import downsampling, nonlinearity, normalization, sequence

SCORE_SCALES: Mapping[str, float] = {"tanh": 6.0, "sigmoid": 10.0, "relu": 3.0, "leaky_relu": 3.0}
"""Factor after the last non-linearity: bounded scores must still reach probabilities near 1."""


class ClassifierBlock(nn.Module):
    """Convolutions of one block, with a sum around them or without."""

    def __init__(self, width: int, options: Mapping[str, Any]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(options["layers_per_block"]):
            layers += [
                nn.Conv2d(width, width, 3, padding=1),
                normalization(options["norm"], width),
                nonlinearity(options["nonlinearity"]),
            ]
        self.body = sequence(layers)
        self.skip = bool(options["skip"])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Keeps the shape (n, width, height, width)."""
        made: torch.Tensor = self.body(x)
        return x + made if self.skip else made


class Classifier(nn.Module):
    """Convolutional classifier: stages that halve the image, then fully connected layers.

    Args:
        channels: 1 or 3.
        size: Height and width of the images.
        options: The options of the GM.
    """

    def __init__(self, channels: int, size: int, options: Mapping[str, Any]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before, width, side = channels, options["width"], size
        for _ in range(options["stages"]):
            layers += [
                downsampling(options["downsampling"], before, width),
                nonlinearity(options["nonlinearity"]),
                *(ClassifierBlock(width, options) for _ in range(options["blocks"])),
            ]
            before, width, side = width, min(2 * width, 64), side // 2
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1) if options["global_pool"] else nn.Identity()
        inputs = before if options["global_pool"] else before * side**2
        fully_connected: list[nn.Module] = []
        for _ in range(options["fc_layers"] - 1):
            fully_connected += [
                nn.Linear(inputs, options["fc_width"]),
                nonlinearity(options["nonlinearity"]),
            ]
            inputs = options["fc_width"]
        self.fully_connected = nn.Sequential(*fully_connected)
        self.last = nn.Linear(inputs, options["classes"])
        self.last_nonlinearity = nonlinearity(options["last_nonlinearity"])
        self.scale = SCORE_SCALES[options["last_nonlinearity"]]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores of the classes.

        Args:
            images: Shape (n, channels, size, size), in [0, 1].

        Returns:
            Shape (n, classes).
        """
        x = self.pool(self.features(2 * images - 1)).flatten(1)
        scores: torch.Tensor = self.last_nonlinearity(self.last(self.fully_connected(x)))
        return self.scale * scores
