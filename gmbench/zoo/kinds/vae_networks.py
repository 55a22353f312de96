"""Networks of the VAEs: the encoder, and a decoder with two stochastic layers.

Decoders with one stochastic layer are the generators of `gan_networks`, with the same options.
"""

from __future__ import annotations

import torch
from torch import nn

from gmbench.zoo.kinds.gan_networks import FIRST_SIZE, MOST_FILTERS, build_generator
from gmbench.zoo.layers import Options

#: Log-variances are kept within these limits, so that no exponential overflows.
LOG_VARIANCES = (-8.0, 4.0)


class Gaussian(nn.Module):
    """A fully connected layer that outputs the mean and log-variance of a diagonal Gaussian."""

    def __init__(self, inputs: int, features: int) -> None:
        super().__init__()
        self.layer = nn.Linear(inputs, 2 * features)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns mean and log-variance, each (images, features)."""
        mean, log_variance = self.layer(x).chunk(2, dim=1)
        return mean, log_variance.clamp(*LOG_VARIANCES)


class Encoder(nn.Module):
    """Convolutions of stride 2 down to 4 x 4, then a Gaussian over the latent features."""

    def __init__(self, size: int, channels: int, width: int, latent: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        filters = width
        while size > FIRST_SIZE:
            layers += [nn.Conv2d(channels, filters, 4, stride=2, padding=1), nn.ELU()]
            channels, filters, size = filters, min(2 * filters, MOST_FILTERS * width), size // 2
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.latent = Gaussian(channels * FIRST_SIZE**2, latent)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns mean and log-variance, each (images, latent), of images around 0."""
        mean, log_variance = self.latent(self.body(x))
        return mean, log_variance


class TopEncoder(nn.Module):
    """The upper half of a two-layer encoder: from the lower latent features to the upper ones."""

    def __init__(self, lower: int, hidden: int, upper: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(lower, hidden), nn.ELU(), nn.Linear(hidden, hidden))
        self.latent = nn.Sequential(nn.ELU(), Gaussian(hidden, upper))

    def forward(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns mean and log-variance, each (images, upper)."""
        mean, log_variance = self.latent(self.body(z))
        return mean, log_variance


class TwoLayerDecoder(nn.Module):
    """p(upper) p(lower | upper), then an image from the lower features (Rezende et al., 2014).

    Args:
        family: Which network makes the image: `mlp`, `dcgan` or `residual`.
        size: Height and width of the images in pixels.
        channels: 1 (grey) or 3.
        options: As in `gan_networks`; `latent` lower and `upper` upper features.
    """

    def __init__(self, family: str, size: int, channels: int, options: Options) -> None:
        super().__init__()
        lower, upper = options["latent"], options["upper"]
        self.between = nn.Sequential(nn.Linear(upper, 2 * lower), nn.ELU())
        self.lower = Gaussian(2 * lower, lower)
        self.image = build_generator(family, size, channels, options, lower)

    def prior(self, upper: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns mean and log-variance of the lower features, each (images, lower)."""
        mean, log_variance = self.lower(self.between(upper))
        return mean, log_variance

    def forward(self, upper: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Returns images from the upper features and the noise of the lower ones."""
        mean, log_variance = self.prior(upper)
        images: torch.Tensor = self.image(mean + (0.5 * log_variance).exp() * noise)
        return images
