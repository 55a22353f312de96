"""A plain network on crops at native resolution, for the baseline `best`.

Beyond the paper. What a generator leaves are small, regular traces; resizing smears them and early
pooling averages them away. So the network sees crops as they are, beside them a learned residual,
and works at full resolution for its first layers. It gives the values themselves: no clusters.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gmbench.models.first_weights import draw_convolutions
from gmbench.models.heads import ClassSlots, FusedHeads
from gmbench.models.parsing import PAPER_CLASSES, PlainOutput
from gmbench.models.settings import Count, Counts, Dropout, Number, Settings
from gmbench.models.targets import TrainingTargets
from gmbench.schema import N_CONTINUOUS


class TraceConfig(Settings):
    """What a `TraceParser` is built of.

    Attributes:
        residuals: Learned residuals that stand beside the image's channels.
        widths: Features of each stage; each has two convolutions, and halves the size at its end.
        channels: Channels of the images.
        n_classes: Number of classes of each of the 16 classifiers.
        dropout: Share of the features that is dropped in training.
    """

    residuals: Count = 12
    widths: Counts = (32, 48, 64, 96)
    channels: Count = 3
    n_classes: Counts = PAPER_CLASSES
    dropout: Dropout = 0.3


class Residual(nn.Module):
    """Learned residuals: what is left of a pixel when its neighbours have predicted it.

    Each filter's weights add up to zero whatever is learnt, so that flat colour leaves nothing
    (the idea of Bayar and Stamm's constrained convolution, 2016, without its rescaling).
    """

    def __init__(self, channels: int, residuals: int) -> None:
        """Makes random filters.

        Args:
            channels: Channels of the images.
            residuals: Number of filters.
        """
        super().__init__()
        # In place: on `meta` PyTorch would import its compiler for a division (`first_weights`).
        self.weight = nn.Parameter(torch.randn(residuals, channels, 5, 5).div_(5.0))

    def forward(self, images: Tensor) -> Tensor:
        """Returns the residuals, shape (N, residuals, H, W), of images (N, channels, H, W)."""
        weight = self.weight - self.weight.mean(dim=(2, 3), keepdim=True)
        return nn.functional.conv2d(images, weight, padding=2)


class TraceParser(nn.Module):
    """Residuals, stages of two convolutions, then the mean and the spread of every feature."""

    def __init__(self, config: TraceConfig | None = None) -> None:
        """Makes an untrained network.

        Args:
            config: What it is built of.
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
        """Returns what the network says of images.

        Args:
            images: Shape (N, channels, H, W) of any size, float, values in [0, 1].
        """
        features = self.stages(torch.cat([images, self.residual(images)], dim=1)).flatten(2)
        # The root of a variance of nothing has no gradient.
        spread = (features.var(dim=2, unbiased=False) + 1e-6).sqrt()
        pooled = self.dropout(torch.cat([features.mean(dim=2), spread], dim=1))
        continuous, logits = self.heads(pooled)
        return PlainOutput(continuous, logits, self.slots)


class TraceWeights(Settings):
    """Weights of a `TraceObjective`.

    Attributes:
        continuous: Weight of the absolute error.
        discrete: Weight of the cross-entropy.
        smoothing: Share of each label's probability that is spread over all classes: with a
            hundred GMs certainty is memory.
    """

    continuous: Number = 10.0
    discrete: Number = 1.0
    smoothing: Number = 0.1


class TraceObjective(nn.Module):
    """The absolute error of the values, as l1 measures it, and plain cross-entropy."""

    _continuous: Tensor
    _odds: Tensor

    def __init__(self, config: TraceWeights, targets: TrainingTargets) -> None:
        """Lays out the targets.

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
        """Returns `continuous`, `discrete` and their sum `total`, scalars.

        Args:
            output: What the network says of N images.
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
