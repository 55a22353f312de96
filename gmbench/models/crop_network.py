"""A plain network on crops at native resolution: the method `trace`.

It goes beyond the paper. Generators leave small, regular traces; resizing smears them and early
pooling averages them away. The network therefore sees unscaled crops together with a learned
residual, and its first layers work at full resolution. It predicts the values directly, without
clusters.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gmbench.models.first_weights import draw_convolutions
from gmbench.models.heads import ClassSlots, FusedHeads
from gmbench.models.parsing import PAPER_CLASSES, PlainOutput
from gmbench.models.settings import Channels, Count, Counts, Dropout, Number, Settings, Share
from gmbench.models.targets import TrainingTargets
from gmbench.schema import N_CONTINUOUS


class TraceConfig(Settings):
    """Architecture of a `TraceParser`.

    Attributes:
        residuals: Number of learned residuals, concatenated with the image's channels.
        widths: Number of features of each stage; a stage has two convolutions, and all but the
            last halve the size at their end.
        channels: Channels of the images.
        n_classes: Number of classes of each of the 16 classifiers.
        dropout: Fraction of the features dropped during training.
    """

    residuals: Count = 12
    widths: Counts = (32, 48, 64, 96)
    channels: Channels = 3
    n_classes: Counts = PAPER_CLASSES
    dropout: Dropout = 0.3


class Residual(nn.Module):
    """Learned residuals: what remains of a pixel after prediction from its neighbours.

    The weights of each filter sum to zero whatever is learnt, so that the residual of a flat colour
    is zero (the idea of Bayar and Stamm's constrained convolution, 2016, without its rescaling).
    """

    def __init__(self, channels: int, residuals: int) -> None:
        """Builds random filters.

        Args:
            channels: Channels of the images.
            residuals: Number of filters.
        """
        super().__init__()
        # In place: on `meta`, PyTorch would import its compiler for a division (`first_weights`).
        self.weight = nn.Parameter(torch.randn(residuals, channels, 5, 5).div_(5.0))

    def forward(self, images: Tensor) -> Tensor:
        """Returns residuals of shape (N, residuals, H, W) for images (N, channels, H, W)."""
        weight = self.weight - self.weight.mean(dim=(2, 3), keepdim=True)
        return nn.functional.conv2d(images, weight, padding=2)


class TraceParser(nn.Module):
    """Residuals, stages of two convolutions, then the mean and spread of every feature."""

    def __init__(self, config: TraceConfig | None = None) -> None:
        """Builds an untrained network.

        Args:
            config: The architecture.
        """
        super().__init__()
        self.config = c = config or TraceConfig()
        self.slots = ClassSlots(c.n_classes)
        self.residual = Residual(c.channels, c.residuals)
        stages: list[nn.Module] = [nn.BatchNorm2d(c.channels + c.residuals)]
        inner = c.channels + c.residuals
        for width in c.widths:
            for entering in (inner, width):
                stages += [
                    nn.Conv2d(entering, width, 3, padding=1, bias=False),
                    nn.BatchNorm2d(width),
                    nn.ReLU(inplace=True),
                ]
            stages.append(nn.AvgPool2d(2, ceil_mode=True))
            inner = width
        self.stages = nn.Sequential(*stages[:-1])
        self.dropout = nn.Dropout(c.dropout)
        self.heads = FusedHeads(2 * inner, N_CONTINUOUS, self.slots.total)
        draw_convolutions(self)

    def forward(self, images: Tensor) -> PlainOutput:
        """Returns the network's predictions for images.

        Args:
            images: Shape (N, channels, H, W) of any size, float, values in [0, 1].
        """
        features = self.stages(torch.cat([images, self.residual(images)], dim=1)).flatten(2)
        # The square root has no gradient at a variance of zero.
        spread = (features.var(dim=2, unbiased=False) + 1e-6).sqrt()
        pooled = self.dropout(torch.cat([features.mean(dim=2), spread], dim=1))
        continuous, logits = self.heads(pooled)
        return PlainOutput(continuous, logits, self.slots)


class TraceWeights(Settings):
    """Weights of a `TraceObjective`.

    Attributes:
        continuous: Weight of the absolute error.
        discrete: Weight of the cross-entropy.
        smoothing: Share of each label's probability that is spread over all classes: with only a
            hundred GMs, certainty is memorisation.
    """

    continuous: Number = 10.0
    discrete: Number = 1.0
    smoothing: Share = 0.1


class TraceObjective(nn.Module):
    """The absolute error of continuous values, as in l1, plus plain cross-entropy."""

    _continuous: Tensor
    _odds: Tensor

    def __init__(self, config: TraceWeights, targets: TrainingTargets) -> None:
        """Stores the targets as tensors.

        Args:
            config: The weights.
            targets: Labels of the training GMs.
        """
        super().__init__()
        self.config = config
        self.register_buffer("_continuous", torch.from_numpy(targets.continuous))
        slots = ClassSlots(targets.n_classes)
        counts = torch.tensor(targets.n_classes)[slots.head]
        one_hot = torch.from_numpy(targets.one_hot())
        self.register_buffer("_odds", one_hot * (1 - config.smoothing) + config.smoothing / counts)

    def forward(self, output: PlainOutput, gms: Tensor) -> dict[str, Tensor]:
        """Returns `continuous`, `discrete` and their sum `total`, all scalars.

        Args:
            output: The network's predictions for N images.
            gms: Row of each image's GM in the targets, int64 of shape (N,).
        """
        error = (output.continuous - self._continuous[gms]).abs().mean()
        entropy = -(output.slots.log_softmax(output.logits) * self._odds[gms]).sum(dim=1).mean()
        terms = {
            "continuous": self.config.continuous * error,
            "discrete": self.config.discrete * entropy,
        }
        terms["total"] = terms["continuous"] + terms["discrete"]
        return terms
