"""The objective of the complete method (equation 17)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from gmbench.models.clusters import Clusters
from gmbench.models.fingerprint_losses import FingerprintSettings, fingerprint_terms
from gmbench.models.parsing import ParserOutput
from gmbench.models.settings import Number, Seed
from gmbench.models.targets import TrainingTargets


class ObjectiveConfig(FingerprintSettings):
    """Weights of the objective; the defaults are the paper's (section 4.1).

    Attributes:
        gamma1: Weight of the cluster parser's continuous values (equation 9).
        gamma2: Weight of its classes.
        gamma3: Weight of the instance parser's continuous values (equation 12).
        gamma4: Weight of its classes.
        gamma5: Weight of the fusion parameters (equation 17).
        weighted_cross_entropy: Whether the instance parser's classes are weighted by their rarity
            (equation 11); otherwise the cross-entropy is plain, as in the ablation.
        cluster_seed: Seed of the clustering.
        error: Error of continuous values: `squared`, as printed (equations 7 and 10), or
            `absolute`. The former is minimised by the mean of the values that an image leaves
            possible, the latter by their median, which also minimises the benchmark's l1.
    """

    gamma1: Number = 5.0
    gamma2: Number = 5.0
    gamma3: Number = 5.0
    gamma4: Number = 5.0
    gamma5: Number = 5.0
    weighted_cross_entropy: bool = True
    cluster_seed: Seed = 0
    error: Literal["squared", "absolute"] = "squared"


class Objective(nn.Module):
    """The objective, with the tables of the training GMs in which it looks up targets.

    Squared norms and cross-entropies are sums over parameters, as printed, and means over images.

    Attributes:
        config: The weights.
        clusters: Clusters of the training GMs.
    """

    _numbers: Tensor
    _classes: Tensor
    class_weights: Tensor

    def __init__(self, config: ObjectiveConfig, targets: TrainingTargets) -> None:
        """Clusters the training GMs and stores their targets as tensors.

        Args:
            config: The weights.
            targets: Labels of the training GMs.
        """
        super().__init__()
        self.config = config
        self.clusters = clusters = Clusters.of(targets, config.cluster_seed)
        # Concatenated, so that a batch needs only one look-up in each table.
        numbers = (targets.continuous, clusters.continuous, clusters.deviation, clusters.fusion)
        self._widths = [table.shape[1] for table in numbers]
        tables = torch.cat([torch.from_numpy(table) for table in numbers], dim=1)
        self.register_buffer("_numbers", tables)
        classes = [torch.from_numpy(table) for table in (targets.discrete, clusters.discrete)]
        self.register_buffer("_classes", torch.stack(classes, dim=1))
        self.register_buffer("class_weights", torch.from_numpy(targets.class_weights()))

    def forward(self, output: ParserOutput, gms: Tensor) -> dict[str, Tensor]:
        """Returns the weighted terms by name and their sum as `total`, all scalars.

        The terms are `magnitude`, `spectrum`, `repetitive`, `energy` (equation 5; omitted without a
        weight or without a fingerprint), `cluster_continuous`, `cluster_discrete` (9),
        `instance_continuous`, `instance_discrete` (12) and `fusion` (15). With one parser, the
        instance terms apply to the values themselves, and there are no cluster and fusion terms.

        Args:
            output: The network's predictions for N images.
            gms: Row of each image's GM in the targets, int64 of shape (N,).
        """
        c, weights = self.config, self.class_weights if self.config.weighted_cross_entropy else None
        numbers = torch.split(self._numbers[gms], self._widths, dim=1)
        continuous, cluster_continuous, deviation, fusion = numbers
        classes, cluster_classes = self._classes[gms].unbind(dim=1)
        error = squared_error if c.error == "squared" else absolute_error
        terms: dict[str, Tensor] = {}
        if output.fingerprint is not None:
            terms |= fingerprint_terms(output.fingerprint, c.fingerprint)
        two = output.cluster_continuous is not None
        if output.cluster_continuous is not None:
            assert output.cluster_logits is not None
            assert output.fusion_logits is not None
            terms["cluster_continuous"] = c.gamma1 * error(
                output.cluster_continuous, cluster_continuous
            )
            cross_entropy = output.slots.cross_entropy(output.cluster_logits, cluster_classes)
            terms["cluster_discrete"] = c.gamma2 * cross_entropy.mean()
            terms["fusion"] = c.gamma5 * fusion_loss(output.fusion_logits, fusion)
        terms["instance_continuous"] = c.gamma3 * error(
            output.deviation, deviation if two else continuous
        )
        cross_entropy = output.slots.cross_entropy(output.instance_logits, classes, weights)
        terms["instance_discrete"] = c.gamma4 * cross_entropy.mean()
        terms["total"] = torch.stack(list(terms.values())).sum()
        return terms


def squared_error(predicted: Tensor, truth: Tensor) -> Tensor:
    """Returns the squared norm of an image's errors (equations 7, 10), averaged over images.

    Args:
        predicted: Shape (N, parameters).
        truth: Of the same shape.
    """
    return (predicted - truth).square().sum(dim=1).mean()


def absolute_error(predicted: Tensor, truth: Tensor) -> Tensor:
    """Returns the sum of an image's absolute errors, averaged over images.

    Args:
        predicted: Shape (N, parameters).
        truth: Of the same shape.
    """
    return (predicted - truth).abs().sum(dim=1).mean()


def fusion_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Returns J_p, the cross-entropy summed over the heads (equation 15), averaged over images.

    Args:
        logits: Fusion parameters before the sigmoid, shape (N, heads).
        truth: 0 or 1, of the same shape.
    """
    each = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    return each.sum(dim=1).mean()
