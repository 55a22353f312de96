"""Further losses on a diffusion model's estimates of clean images, besides the noise.

A classifier of the content's clusters (`loss_ce`, after the guidance of Dhariwal and Nichol, 2021,
but during training), the maximum mean discrepancy from real images (`loss_mmd`), and a critic
(`loss_adversarial`, after Xiao, Kreis and Vahdat, "Denoising Diffusion GANs", 2022).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from gmbench.zoo.kinds.fit import descend
from gmbench.zoo.kinds.gan_critics import Critic
from gmbench.zoo.kinds.gan_losses import GAMES
from gmbench.zoo.kinds.optimisers import adam
from gmbench.zoo.losses import maximum_mean_discrepancy

WEIGHTS = {"loss_ce": 0.03, "loss_mmd": 0.1, "loss_adversarial": 0.01}

Term = tuple[str, float, torch.Tensor]


class Guides:
    """A classifier and a critic, where the losses require them.

    Args:
        losses: Names of the schema's losses.
        channels: 1 or 3.
        size: Height and width of the images.
        classes: Number of classes.
    """

    def __init__(self, losses: Sequence[str], channels: int, size: int, classes: int) -> None:
        self.losses = losses
        side = size // 4
        self.classifier: nn.Module | None = None
        if "loss_ce" in losses:
            self.classifier = nn.Sequential(
                nn.AvgPool2d(4), nn.Flatten(), nn.Linear(channels * side**2, classes)
            )
        self.critic: Critic | None = None
        self.adam: torch.optim.Adam | None = None
        if "loss_adversarial" in losses:
            self.critic = Critic(size, channels, 8, 1, 0, spectral=True)
            self.adam = adam(self.critic.parameters(), 1e-3, (0.5, 0.99))

    def terms(
        self, estimates: torch.Tensor, images: torch.Tensor, classes: torch.Tensor
    ) -> list[Term]:
        """Returns the terms of an objective and takes a step of the critic.

        Args:
            estimates: Estimated clean images, with black at -1 and white at 1.
            images: The images themselves.
            classes: Their classes, shape (n,).
        """
        terms: list[tuple[str, torch.Tensor]] = []
        if self.classifier is not None:
            entropy = sum(
                functional.cross_entropy(self.classifier(part), classes)
                for part in (estimates, images)
            )
            assert isinstance(entropy, torch.Tensor)
            terms.append(("loss_ce", entropy))
        if "loss_mmd" in self.losses:
            flat = [functional.avg_pool2d(part, 4).flatten(1) for part in (estimates, images)]
            terms.append(("loss_mmd", maximum_mean_discrepancy(*flat)))
        if self.critic is not None and self.adam is not None:
            game = GAMES["standard"]
            assert game.critic is not None
            cost = game.critic(self.critic(images)[0], self.critic(estimates.detach())[0], classes)
            descend(self.adam, cost)
            scores, _ = self.critic(estimates)
            terms.append(("loss_adversarial", game.generator(scores, scores, classes)))
        return [(name, WEIGHTS[name], value) for name, value in terms]
