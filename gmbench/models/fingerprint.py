"""The fingerprint estimation network (FEN) of section 3.2: an image in, its fingerprint out."""

from __future__ import annotations

import math

from torch import Tensor, nn

from gmbench.models.first_weights import draw_convolutions, draw_normal

INITIAL_DEVIATION = 0.02
"""Standard deviation of an untrained network's fingerprint, in units of the image's range.

Fingerprints are noise of small magnitude (equation 1). Starting there keeps the fingerprint
losses, which are squares over all pixels, from drowning out the parsing losses at first.
"""


class FingerprintNetwork(nn.Module):
    """DnCNN without its final subtraction: 3 x 3 convolutions at full resolution.

    The layers are convolution + ReLU, `depth` - 2 times convolution + batch normalisation + ReLU,
    and a last convolution.
    """

    def __init__(self, depth: int = 17, width: int = 64, channels: int = 3) -> None:
        """Builds an untrained network.

        Args:
            depth: Number of convolutions, at least 2.
            width: Number of features between them.
            channels: Number of channels of the image and of the fingerprint.

        Raises:
            ValueError: There are fewer than two convolutions.
        """
        super().__init__()
        if depth < 2:
            raise ValueError(f"A fingerprint network has 2 convolutions or more, not {depth}.")
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
        for _ in range(depth - 2):
            # The normalisation that follows would cancel out a bias.
            layers += [
                nn.Conv2d(width, width, 3, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
        last = nn.Conv2d(width, channels, 3, padding=1)
        self.layers = nn.Sequential(*layers, last)
        draw_convolutions(self)
        # Normalised features have a mean square of 1/2 after the ReLU; 9 * `width` are summed.
        draw_normal(last.weight, INITIAL_DEVIATION / math.sqrt(9 * width / 2))

    def forward(self, images: Tensor) -> Tensor:
        """Returns the fingerprints of images, of the same shape (N, channels, H, W).

        Args:
            images: Shape (N, channels, H, W), values in [0, 1].
        """
        # Centred, so that the first convolution sees deviations rather than the images' brightness.
        fingerprints: Tensor = self.layers(2 * images - 1)
        return fingerprints
