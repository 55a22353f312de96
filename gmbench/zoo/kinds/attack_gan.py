"""Attacks by a network that is trained to change images so that a classifier errs.

In `attack_gan` with a `resnet_translator`, the network's output, scaled by `reach`, is added to an
image. A critic tells the changed images from real ones, and the logistic loss of the classifier's
margin drives them into another class (AdvFaces: Deb, Zhang and Jain, 2020) or into the class given
to the network (SemanticAdv: Qiu et al., 2020); both terms are `loss_adversarial`. Distances keep
the changed images close to the originals. The classifier is trained beforehand and is not part of
the GM.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from gmbench.zoo.kinds.attack_classifiers import Classifier
from gmbench.zoo.kinds.fit import Schedule, descend, fit
from gmbench.zoo.kinds.gan_critics import Critic
from gmbench.zoo.kinds.gan_losses import GAMES
from gmbench.zoo.kinds.optimisers import adam
from gmbench.zoo.kinds.row_generator import build
from gmbench.zoo.kinds.row_plan import Row
from gmbench.zoo.kinds.trained import SamplingGM
from gmbench.zoo.layers import lay_channels_last, start_at_unit_variance
from gmbench.zoo.losses import DISTANCES, LossSum
from gmbench.zoo.pixels import to_pixels
from gmbench.zoo.specification import Specification

BATCH = 16
VICTIM_STEPS = 100
DISTANCE_WEIGHT = 10.0

VICTIM: dict[str, Any] = {
    "width": 12,
    "stages": 3,
    "blocks": 1,
    "layers_per_block": 1,
    "fc_layers": 1,
    "global_pool": False,
    "normalization": "batch",
    "block_nonlinearity": "relu",
    "last_nonlinearity": "leaky_relu",
    "downsampling": "strided_conv",
    "skip_connection": "no",
}
"""Options of the classifier to be fooled."""


def train(
    specification: Specification,
    values: torch.Tensor,
    classes: torch.Tensor,
    generator: torch.Generator,
) -> SamplingGM:
    """Trains a classifier, then the network that fools it.

    Args:
        specification: What to train.
        values: Images in [0, 1], shape (n, channels, size, size).
        classes: Their classes, shape (n,).
        generator: Source of all randomness.
    """
    options, size = specification.options, specification.size
    number, channels, reach = options["classes"], values.shape[1], options["reach"]
    told = number if options["tells_class"] else 0
    steps = specification.steps
    victim = Classifier(channels, size, {**VICTIM, "classes": number}).train()
    start_at_unit_variance(victim, values[:64])

    def entropy() -> torch.Tensor:
        chosen = torch.randint(len(values), (BATCH,), generator=generator)
        # Smoothed labels, as no small change could move an overly certain classifier.
        return functional.cross_entropy(
            victim(values[chosen]), classes[chosen], label_smoothing=0.1
        )

    fit(victim, entropy, VICTIM_STEPS if steps else 0, Schedule(rate=3e-3))
    row = Row.of(options["row"])
    network = build(row, size, channels, channels + told, 0, size)
    critic = Critic(size, channels, 12, 1, 0, spectral=True)
    for part in (network, critic):
        lay_channels_last(part)
    optimiser = adam(critic.parameters(), 1e-3, (0.5, 0.99))

    def inputs(images: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        if not told:
            return 2 * images - 1
        planes = functional.one_hot(wanted, told).float()[:, :, None, None]
        return torch.cat([2 * images - 1, planes.expand(-1, -1, size, size)], 1)

    def others(true: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        other = torch.randint(1, number, true.shape, generator=random)
        wanted: torch.Tensor = (true + other) % number
        return wanted

    start_at_unit_variance(network, inputs(values[:BATCH], classes[:BATCH]), spread=0.5)
    losses = LossSum()
    game = GAMES["standard"]
    assert game.critic is not None
    judge = game.critic

    def objective() -> torch.Tensor:
        chosen = torch.randint(len(values), (BATCH,), generator=generator)
        images, true = values[chosen], classes[chosen]
        wanted = others(true, generator)
        made = images + reach * network(inputs(images, wanted))
        descend(optimiser, judge(critic(images)[0], critic(made.detach())[0], true))
        scores = victim(made)
        if told:
            # Margin of the requested class over the best other one.
            best = scores.scatter(1, wanted[:, None], -torch.inf).max(1).values
            margin = scores.gather(1, wanted[:, None])[:, 0] - best
        else:
            best = scores.scatter(1, true[:, None], -torch.inf).max(1).values
            margin = best - scores.gather(1, true[:, None])[:, 0]
        realism = game.generator(scores, critic(made)[0], true)
        adversarial = 0.2 * realism + functional.softplus(-margin).mean()
        terms = [("loss_adversarial", 1.0, adversarial)]
        for name in specification.losses:
            if name in DISTANCES:
                terms.append((name, DISTANCE_WEIGHT, DISTANCES[name](made, images)))
        return losses.add(*terms)

    _, history = fit(
        network, objective, steps, Schedule(rate=2e-3, warm_up=0.1), opponents=[optimiser]
    )

    def make(n: int, random: torch.Generator) -> torch.Tensor:
        order = torch.cat(
            [torch.randperm(len(values), generator=random) for _ in range(-(-n // len(values)))]
        )
        images, true = values[order[:n]], classes[order[:n]]
        with torch.no_grad():
            made = images + reach * network(inputs(images, others(true, random)))
        return to_pixels(made, "sigmoid")

    example = (inputs(values[:1], classes[:1]),)
    return SamplingGM(network, example, losses.recorded, history, make)
