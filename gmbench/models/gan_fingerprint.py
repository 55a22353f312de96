"""The attribution network of Yu, Davis and Fritz (Attributing fake images to GANs, ICCV 2019).

A plain image classifier whose last features they call the image's fingerprint: stages of two
convolutions and 2 x 2 average pooling from 128 pixels down to 4, then one convolution over all that
remains and one fully connected layer. Here the number of stages follows from `widths`, so that
small images can have fewer, and the mean over what remains follows the last convolution.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from gmbench.models.classifier import ClassifierOutput
from gmbench.models.first_weights import draw_convolutions
from gmbench.models.settings import Channels, Counts, Dropout, Settings


class GanFingerprintConfig(Settings):
    """Architecture of a `GanFingerprintNetwork`.

    Attributes:
        widths: Number of features of each stage, the first at full resolution.
        channels: Channels of the images.
        n_classes: Number of classes, as the only entry.
        dropout: Fraction of the features dropped during training.
    """

    widths: Counts = (32, 64, 128, 256, 512)
    channels: Channels = 3
    n_classes: Counts = (2,)
    dropout: Dropout = 0.0


class GanFingerprintNetwork(nn.Module):
    """Stages of two convolutions and 2 x 2 average pooling, a last convolution, a linear layer."""

    def __init__(self, config: GanFingerprintConfig | None = None) -> None:
        """Builds an untrained network.

        Args:
            config: The architecture.
        """
        super().__init__()
        self.config = c = config or GanFingerprintConfig()
        layers: list[nn.Module] = _convolution(c.channels, c.widths[0])
        for inner, outer in pairwise(c.widths):
            layers += _convolution(inner, inner) + _convolution(inner, outer)
            layers.append(nn.AvgPool2d(2, ceil_mode=True))
        layers += _convolution(c.widths[-1], c.widths[-1])
        self.features = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Sequential(nn.Dropout(c.dropout), nn.Linear(c.widths[-1], c.n_classes[0]))

    def forward(self, images: Tensor) -> ClassifierOutput:
        """Returns the network's predictions for images.

        Args:
            images: Shape (N, channels, H, W) of any size, float, values in [0, 1].
        """
        return ClassifierOutput(None, self.head(self.features(2 * images - 1)))


def _convolution(inner: int, outer: int) -> list[nn.Module]:
    convolution = nn.Conv2d(inner, outer, 3, padding=1, bias=False)
    draw_convolutions(convolution, slope=0.2)
    return [convolution, nn.BatchNorm2d(outer), nn.LeakyReLU(0.2, inplace=True)]
