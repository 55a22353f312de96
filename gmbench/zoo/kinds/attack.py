"""Adversarial attacks as GMs: FGSM, PGD and DeepFool against a classifier that is trained here.

The classes are clusters of the content's images (k-means), which exist for any content. The
classifier is trained with cross-entropy (`loss_ce`). The images of the GM are real images plus the
attack's perturbation, rounded to 8 bits; the network is the classifier, as in the labels of the
paper's attacks.

FGSM (Goodfellow, Shlens and Szegedy, 2015) and PGD (Madry et al., 2018) maximise one of three
objectives within a bound on each pixel: the cross-entropy (`loss_ce`), the negated margin between
the class predicted for the original image and the best other class (`loss_hinge`; Carlini and
Wagner, 2017), or, for PGD only, the divergence between the predictions before and after the attack
(`loss_kl`; Zhang et al., "TRADES", 2019), which is flat where FGSM takes its only step. PGD may
also be penalised for the size of the perturbation (`loss_l1`, `loss_l2`, `loss_mse`). DeepFool
(Moosavi-Dezfooli, Fawzi and Frossard, 2016) keeps the norm of the perturbation small (`loss_l2`):
each of its linear steps goes to the nearest class. `landmark_flow` (Dabouei et al., 2019) moves
pixels without changing their values: it moves a grid of points to maximise the cross-entropy,
penalised by how far they move (`loss_mse`).

Families that follow a row of labels are networks, and their option `attack` is what is done to or
with the network: `residual_classifier` is attacked, `resnet_translator` attacks (`attack_gan`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from gmbench.errors import require_known
from gmbench.zoo.kinds import attack_gan
from gmbench.zoo.kinds.attack_classifiers import Classifier
from gmbench.zoo.kinds.attack_row_networks import RowClassifier, warp
from gmbench.zoo.kinds.draw import Draw
from gmbench.zoo.kinds.fit import Schedule, fit
from gmbench.zoo.kinds.k_means import cluster
from gmbench.zoo.kinds.trained import SamplingGM
from gmbench.zoo.layers import start_at_unit_variance, start_scores
from gmbench.zoo.losses import DISTANCES, LossSum, in_schema_order
from gmbench.zoo.pixels import count_channels, to_pixels, to_values
from gmbench.zoo.reproducible import reproducible
from gmbench.zoo.specification import Specification

FAMILIES: tuple[str, ...] = ("fgsm", "pgd", "deepfool")
"""The families that are drawn."""

ROW_FAMILIES: tuple[str, ...] = ("residual_classifier", "resnet_translator")
"""The families that follow a row of labels."""

STEPS: Mapping[str, int] = {"fgsm": 300, "pgd": 300, "deepfool": 300}
"""Training steps of the classifier; they take 5 to 20 s on one core."""

SIZE_WEIGHT = 1.0
SMOOTHING = 0.1
"""Label smoothing of a deep classifier (Szegedy et al., 2016)."""

BATCH = 32


def draw_options(
    family: str, size: int, generator: np.random.Generator
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Draws the options and the losses of a GM of `family` for images of `size` pixels."""
    require_known("Family", FAMILIES, family)
    draw = Draw(generator)
    one = draw.one
    options: dict[str, Any] = {
        "classes": one(4, 6, 8, 10),
        "width": one(12, 16, 24),
        "stages": one(2, 3),
        "blocks": one(1, 2),
        "layers_per_block": one(1, 2, 3),
        "fc_layers": one(1, 2, 3),
        "fc_width": one(32, 64, 128),
        "global_pool": draw.chance(0.5),
        **draw.classes(
            "normalization",
            "block_nonlinearity",
            "last_nonlinearity",
            "downsampling",
            "skip_connection",
        ),
        "learning_rate": one(1e-3, 2e-3),
    }
    chosen = {"loss_ce"}
    if family == "deepfool":
        options |= {"attack_steps": one(20, 40), "overshoot": one(0.02, 0.1, 0.3)}
        chosen.add("loss_l2")
    else:
        options["bound"] = one(8, 12, 16, 24)
        goals = ("loss_ce", "loss_hinge")
        chosen.add(one(*goals, "loss_kl") if family == "pgd" else one(*goals))
    if family == "pgd":
        options |= {"attack_steps": one(7, 10, 20), "step": one(0.15, 0.25)}
        if draw.chance(0.5):
            chosen.add(one(*DISTANCES))
    return options, in_schema_order(chosen)


def train(specification: Specification, real: torch.Tensor) -> SamplingGM:
    """Trains the networks of an attack; see `gmbench.zoo.specification.Trainer`."""
    options = specification.options
    require_known("Family", (*FAMILIES, *ROW_FAMILIES), specification.family)
    with reproducible(specification.seed) as generator:
        channels = count_channels(real)
        values = to_values(real, "sigmoid", channels)
        classes = cluster(values, options["classes"], generator)
        if specification.family == "resnet_translator":
            return attack_gan.train(specification, values, classes, generator)
        build = RowClassifier if "row" in options else Classifier
        network = build(channels, specification.size, options).train()
        start_at_unit_variance(
            network, values[torch.randperm(len(values), generator=generator)[:64]]
        )
        start_scores(network.last)
        losses = LossSum()
        # A deep network is so certain of its training images that an attack has no slope to climb.
        smoothing = SMOOTHING if "row" in options else 0.0

        def objective() -> torch.Tensor:
            chosen = torch.randint(len(values), (BATCH,), generator=generator)
            entropy = functional.cross_entropy(
                network(values[chosen]), classes[chosen], label_smoothing=smoothing
            )
            return losses.add(("loss_ce", 1.0, entropy))

        schedule = Schedule(rate=2 * options["learning_rate"])
        # Scores that a ReLU holds at zero would leave an attack no gradient.
        last = options["last_nonlinearity"] if "row" in options else ""
        _, history = fit(network, objective, specification.steps, schedule, last=last)
        # Run the GM's attack once, so that its objectives are recorded.
        attack(network, values[:8], specification, losses, generator)

    def make(n: int, generator: torch.Generator) -> torch.Tensor:
        rounds = [
            torch.randperm(len(values), generator=generator) for _ in range(-(-n // len(values)))
        ]
        chosen = torch.cat(rounds)[:n]
        attacked = attack(network, values[chosen], specification, LossSum(), generator)
        return to_pixels(attacked, "sigmoid")

    return SamplingGM(network, (values[:1],), losses.recorded, history, make)


def attack(
    network: nn.Module,
    images: torch.Tensor,
    specification: Specification,
    losses: LossSum,
    generator: torch.Generator,
) -> torch.Tensor:
    """Perturbs images so that the network assigns them to another class.

    Args:
        network: Classifier in evaluation mode.
        images: Shape (n, channels, size, size), multiples of 1/255 in [0, 1].
        specification: The attack and its options.
        losses: Records which objectives were summed.
        generator: Source of PGD's random start.

    Returns:
        Multiples of 1/255 in [0, 1], which rounding to 8 bits leaves unchanged.
    """
    options = specification.options
    name = options.get("attack", specification.family)
    if name == "deepfool":
        return deepfool(network, images, options["attack_steps"], options["overshoot"], losses)
    if name == "landmark_flow":
        return landmark_flow(network, images, specification, losses)
    bound = options["bound"] / 255
    if name == "fgsm":
        moved = images + bound * _gradient(network, images, images, specification, losses).sign()
        return _round(moved.clamp(0, 1))
    moved = images + bound * (2 * torch.rand(images.shape, generator=generator) - 1)
    for _ in range(options["attack_steps"]):
        gradient = _gradient(network, moved.clamp(0, 1), images, specification, losses)
        moved = moved + options["step"] * bound * gradient.sign()
        moved = (images + (moved - images).clamp(-bound, bound)).clamp(0, 1)
    return _round(moved)


def _gradient(
    network: nn.Module,
    moved: torch.Tensor,
    images: torch.Tensor,
    specification: Specification,
    losses: LossSum,
) -> torch.Tensor:
    """Returns the gradient of the attack's objective, which is the negated sum of `losses`."""
    with torch.no_grad():
        before = network(images)
        truth = before.argmax(1)
    moved = moved.clone().requires_grad_(True)
    scores = network(moved)
    # Without another objective, an attack climbs the cross-entropy that training lowered.
    goal = next((n for n in ("loss_hinge", "loss_kl") if n in specification.losses), "loss_ce")
    if goal == "loss_kl":
        value = functional.kl_div(
            scores.log_softmax(1), before.log_softmax(1), log_target=True, reduction="batchmean"
        )
    elif goal == "loss_hinge":
        own = scores.gather(1, truth[:, None])[:, 0]
        others = scores.scatter(1, truth[:, None], -torch.inf).max(1).values
        # Stops growing once the other class leads by 5.
        value = -(own - others + 5.0).clamp(min=0).mean()
    else:
        value = functional.cross_entropy(scores, truth)
    terms = [(goal, -1.0, value)]
    for name in specification.losses:
        if specification.options.get("attack", specification.family) == "pgd" and name in DISTANCES:
            terms.append((name, SIZE_WEIGHT, DISTANCES[name](moved, images)))
    (gradient,) = torch.autograd.grad(losses.add(*terms), moved)
    return -gradient


def deepfool(
    network: nn.Module, images: torch.Tensor, steps: int, overshoot: float, losses: LossSum
) -> torch.Tensor:
    """Changes the class by small perturbations (Moosavi-Dezfooli et al., 2016, algorithm 2).

    Each step goes to the nearest boundary of the linearised classifier, in a direction that keeps
    black and white pixels within range. The sum of the steps is stretched by the overshoot; where
    rounding to 8 bits undoes the change, it is stretched further, by a factor of at most 2**6.5
    (about 90).

    Args:
        network: Classifier in evaluation mode.
        images: Shape (n, channels, size, size), multiples of 1/255 in [0, 1].
        steps: Maximum number of linear steps.
        overshoot: How far beyond the boundary to go, relative to the distance to it.
        losses: Records the norm that is kept small.

    Returns:
        Multiples of 1/255 in [0, 1].
    """
    with torch.no_grad():
        truth = network(images).argmax(1)
    way = torch.zeros_like(images)
    for _ in range(steps):
        moved = (images + (1 + overshoot) * way).clamp(0, 1).requires_grad_(True)
        scores = network(moved)
        unchanged = scores.argmax(1) == truth
        if not bool(unchanged.any()):
            break
        way = way + unchanged[:, None, None, None] * _nearest_boundary(scores, moved, truth, losses)
    stretch = torch.full((len(images), 1, 1, 1), 1 + overshoot)
    for _ in range(13):
        made = _round((images + stretch * way).clamp(0, 1))
        with torch.no_grad():
            unchanged = network(made).argmax(1) == truth
        if not bool(unchanged.any()):
            break
        stretch = torch.where(unchanged[:, None, None, None], stretch * 2**0.5, stretch)
    return _round((images + stretch * way).clamp(0, 1))


def landmark_flow(
    network: nn.Module, images: torch.Tensor, specification: Specification, losses: LossSum
) -> torch.Tensor:
    """Moves points of the images so that their class changes (after Dabouei et al., 2019).

    Args:
        network: Classifier in evaluation mode.
        images: Shape (n, channels, size, size), in [0, 1].
        specification: `attack_steps`, `points` (per row of the grid), and how far a point moves, in
            pixels: `step` per step and `bound` in total.
        losses: Records the terms.

    Returns:
        Multiples of 1/255 in [0, 1].
    """
    options, pixel = specification.options, 2 / images.shape[-1]
    step, bound = options["step"] * pixel, options["bound"] * pixel
    with torch.no_grad():
        truth = network(images).argmax(1)
    points = torch.zeros(len(images), 2, options["points"], options["points"])
    for _ in range(options["attack_steps"]):
        points.requires_grad_(True)
        entropy = functional.cross_entropy(network(warp(images, points)), truth, reduction="sum")
        size = (points / bound).square().flatten(1).mean(1).sum()
        terms = [("loss_ce", -1.0, entropy), ("loss_mse", SIZE_WEIGHT, size)]
        (slope,) = torch.autograd.grad(losses.add(*terms), points)
        largest = slope.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-30)
        points = (points.detach() - step * slope / largest).clamp(-bound, bound)
    return _round(warp(images, points).clamp(0, 1))


def _nearest_boundary(
    scores: torch.Tensor, moved: torch.Tensor, truth: torch.Tensor, losses: LossSum
) -> torch.Tensor:
    """Returns the step of least L2 norm to a class boundary of the linearised classifier."""
    gradients = torch.stack(
        [
            torch.autograd.grad(scores[:, k].sum(), moved, retain_graph=True)[0]
            for k in range(scores.shape[1])
        ],
        1,
    )
    rows = torch.arange(len(scores))
    normals = gradients - gradients[rows, truth][:, None]
    here = moved.detach()[:, None]
    outwards = ((here <= 0) & (normals < 0)) | ((here >= 1) & (normals > 0))
    normals = normals.masked_fill(outwards, 0.0)
    gaps = (scores.detach() - scores.detach()[rows, truth][:, None]).abs()
    lengths = normals.flatten(2).square().sum(2).sqrt()
    norms = (gaps + 1e-4) / lengths.clamp(min=1e-8)
    norms[rows, truth] = torch.inf
    nearest, target = norms.min(1)
    losses.add(("loss_l2", 1.0, nearest.mean()))
    direction = normals[rows, target] / lengths[rows, target].clamp(min=1e-8)[:, None, None, None]
    # Saturated scores make the estimated boundary arbitrary, so the length of a step is limited.
    return nearest.clamp(max=2.0)[:, None, None, None] * direction


def _round(images: torch.Tensor) -> torch.Tensor:
    return (images * 255).round() / 255
