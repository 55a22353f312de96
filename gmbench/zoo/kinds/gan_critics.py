"""The critic of the GANs: its scores, and what else it infers from an image."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gmbench.zoo.kinds.gan_networks import FIRST_SIZE, MOST_FILTERS
from gmbench.zoo.layers import LEAKY_SLOPE

#: Images that a critic compares with each other; batch sizes are multiples of it.
GROUP = 8
#: Features of the code of a critic that is an autoencoder.
CODE = 64


class Critic(nn.Module):
    """Scores images: convolutions of stride 2 down to 4 x 4, then one fully connected layer.

    Besides the features of an image, that layer receives how much they vary within a group of
    images.

    Args:
        size: Height and width of the images.
        channels: Channels of the images; with a condition, of both together.
        width: Filters of the first convolution.
        outputs: Values per image: 1 score, features for a kernel, or scores of classes.
        classes: Classes of an auxiliary classifier besides the score; 0 for none.
        spectral: Whether the weights of the score are spectrally normalised (Miyato et al., 2018).
        told: Number of classes on which the score is conditioned by a projection (Miyato and
            Koyama, 2018); 0 for none.
        code: Number of values of the generator's noise to predict, as in InfoGAN; 0 for none.
        energy: Makes it an autoencoder whose first value is the distance, `loss_l1` or `loss_mse`,
            between an image and its reconstruction (Zhao, Mathieu and LeCun, 2017); empty for none.
    """

    def __init__(
        self,
        size: int,
        channels: int,
        width: int,
        outputs: int,
        classes: int,
        spectral: bool,
        *,
        told: int = 0,
        code: int = 0,
        energy: str = "",
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        widths = [channels]
        while size > FIRST_SIZE:
            widths.append(min(width * 2 ** (len(widths) - 1), MOST_FILTERS * width))
            layers += [nn.Conv2d(widths[-2], widths[-1], 4, stride=2, padding=1)]
            layers += [nn.LeakyReLU(LEAKY_SLOPE)]
            size //= 2
        self.body = nn.Sequential(*layers, nn.Flatten())
        features = widths[-1] * FIRST_SIZE**2
        self.score = nn.Linear(features + widths[-1], outputs)
        self.classify = nn.Linear(features, classes) if classes else None
        self.told = nn.Embedding(told, widths[-1]) if told else None
        self.regress = nn.Linear(features, code) if code else None
        self.energy, self.rebuild = energy, _rebuilder(widths) if energy else None
        if spectral:
            for module in [*self.body, self.score, *([self.told] if self.told else [])]:
                if isinstance(module, nn.Conv2d | nn.Linear | nn.Embedding):
                    spectral_norm(module)

    def forward(
        self, x: torch.Tensor, labels: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns scores (images, outputs) and the features before them (images, features)."""
        features: torch.Tensor = self.body(x)
        scores: torch.Tensor = self.score(torch.cat([features, self._spread(features)], dim=1))
        if self.told is not None and labels is not None:
            # Four times the mean over 16 places, which has the spread of a single one.
            pooled = FIRST_SIZE * features.view(len(x), -1, FIRST_SIZE**2).mean(2)
            scores = scores + (self.told(labels) * pooled).sum(1, keepdim=True)
        if self.rebuild is not None:
            difference = (self.rebuild(features) - x).flatten(1)
            squared = self.energy == "loss_mse"
            energy = (difference.pow(2) if squared else difference.abs()).mean(1, keepdim=True)
            scores = torch.cat([energy, scores[:, 1:]], dim=1)
        return scores, features

    def _spread(self, features: torch.Tensor) -> torch.Tensor:
        """Returns how much each channel varies within groups of images, (images, channels).

        This exposes a generator that makes one image whatever the noise. After the minibatch
        standard deviation of Karras et al., 2018. All images of a group are real, or all are
        generated.
        """
        n = len(features)
        groups = features.view(-1, GROUP if n % GROUP == 0 else 1, features.shape[1])
        spread: torch.Tensor = (groups.var(1, correction=0) + 1e-8).sqrt()
        spread = spread.view(len(spread), -1, FIRST_SIZE**2).mean(2) * FIRST_SIZE
        return spread.repeat_interleave(n // len(spread), dim=0)


def _rebuilder(widths: list[int]) -> nn.Sequential:
    """Returns a decoder from the features of a critic to its images, through a short code."""
    features = widths[-1] * FIRST_SIZE**2
    layers: list[nn.Module] = [nn.Linear(features, CODE), nn.Linear(CODE, features)]
    layers += [nn.Unflatten(1, (widths[-1], FIRST_SIZE, FIRST_SIZE)), nn.ELU()]
    for k in reversed(range(1, len(widths))):
        layers.append(nn.ConvTranspose2d(widths[k], widths[k - 1], 4, stride=2, padding=1))
        layers.append(nn.ELU() if k > 1 else nn.Tanh())
    return nn.Sequential(*layers)
