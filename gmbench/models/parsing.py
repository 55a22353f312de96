"""The complete method: from an image to its generator's hyperparameters (figure 4 of the paper)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from gmbench.models.fingerprint import FingerprintNetwork
from gmbench.models.first_weights import draw_convolutions
from gmbench.models.heads import ClassSlots, FusedHeads
from gmbench.models.settings import MOST_LAYERS, Channels, Count, Counts, Dropout, Settings
from gmbench.schema import DISCRETE, N_CONTINUOUS, N_LOSSES

PAPER_CLASSES: tuple[int, ...] = tuple(len(p.classes) for p in DISCRETE) + (2,) * N_LOSSES
"""Classes of the 16 classifiers in the paper; a benchmark may have more (`class_counts`)."""


FingerprintDepth = Annotated[int, Field(ge=2, le=MOST_LAYERS)]
"""Number of convolutions of a `FingerprintNetwork`."""


class ParserConfig(Settings):
    """Architecture of a `ModelParser`; the defaults are the paper's wherever it gives any.

    Attributes:
        fen_depth: Number of convolutions of the fingerprint network.
        fen_width: Number of features between them.
        trunk_widths: Number of features of each block of the shared network; every block halves
            the size.
        parser_width: Number of features of the hidden layer of each parser and of the fusion
            encoder.
        channels: Channels of the images.
        n_classes: Number of classes of each of the 16 classifiers.
        parsers: 2 for cluster and instance parser, 1 for the paper's "using one parser".
        fingerprint: Whether there is a fingerprint network; without one, the shared network sees
            the image itself. The paper's "no fingerprint" keeps the network and only lacks its
            losses: that is `fingerprint=True` with weights of 0 in the objective.
        dropout: Share of the shared network's features that is dropped in training.
    """

    fen_depth: FingerprintDepth = 17
    fen_width: Count = 64
    trunk_widths: Counts = (32, 64, 128, 256, 512)
    parser_width: Count = 256
    channels: Channels = 3
    n_classes: Counts = PAPER_CLASSES
    parsers: Literal[1, 2] = 2
    fingerprint: bool = True
    dropout: Dropout = 0.0


@dataclass(frozen=True)
class Parsed:
    """The final predictions for images.

    Attributes:
        continuous: Normalised continuous parameters, shape (N, 9); not clipped to [0, 1].
        probabilities: Probability of each class, head after head, shape (N, S); those of each head
            sum to 1. `ClassSlots` maps slots to classes.
    """

    continuous: Tensor
    probabilities: Tensor


@dataclass(frozen=True)
class PlainOutput:
    """Output of a network without clusters for N images.

    Attributes:
        continuous: Normalised continuous parameters, shape (N, 9).
        logits: Class logits, shape (N, S).
        slots: Mapping of slots to classes.
    """

    continuous: Tensor
    logits: Tensor
    slots: ClassSlots

    def final(self) -> Parsed:
        """Returns the final prediction."""
        return Parsed(self.continuous, self.slots.softmax(self.logits))


@dataclass(frozen=True)
class ParserOutput:
    """Output of a `ModelParser` for N images.

    Attributes:
        fingerprint: Fingerprints, of the images' shape; None without a fingerprint network.
        cluster_continuous: Cluster means, normalised, shape (N, 9); None for one parser.
        cluster_logits: Class logits of the cluster parser, shape (N, S); None for one parser.
        deviation: Deviations from the cluster means, shape (N, 9); for one parser the values
            themselves.
        instance_logits: Class logits of the instance parser, shape (N, S).
        fusion_logits: Fusion parameters before the sigmoid, shape (N, 16); None for one parser.
        slots: Mapping of slots to classes.
    """

    fingerprint: Tensor | None
    cluster_continuous: Tensor | None
    cluster_logits: Tensor | None
    deviation: Tensor
    instance_logits: Tensor
    fusion_logits: Tensor | None
    slots: ClassSlots

    def final(self) -> Parsed:
        """Returns the final prediction.

        Continuous: cluster mean + deviation. Equation 13 is printed as the sum of the cluster
        mean with itself; the text names the deviation.

        Discrete (equation 16): p times the cluster parser's class probabilities + (1 - p) times
        the instance parser's. Probabilities, not logits, are mixed: the parsers are trained with
        different weights, so their logits are on different scales, and a mixture of two
        distributions is itself a distribution.
        """
        instance = self.slots.softmax(self.instance_logits)
        if self.cluster_continuous is None:
            return Parsed(self.deviation, instance)
        assert self.cluster_logits is not None
        assert self.fusion_logits is not None
        cluster = self.slots.softmax(self.cluster_logits)
        fusion = self.slots.spread(self.fusion_logits.sigmoid())
        return Parsed(
            continuous=self.cluster_continuous + self.deviation,
            probabilities=fusion * cluster + (1 - fusion) * instance,
        )


class Trunk(nn.Sequential):
    """The shared network: convolutional blocks, then a mean over the whole image.

    The mean makes the number of features, `widths[-1]`, independent of the image size. The input is
    normalised first: fingerprints are small, and their scale changes during training.
    """

    def __init__(self, channels: int, widths: tuple[int, ...], dropout: float = 0.0) -> None:
        """Builds an untrained network.

        Args:
            channels: Channels of the input.
            widths: Number of features of each block.
            dropout: Fraction of the features dropped during training.
        """
        layers: list[nn.Module] = [nn.BatchNorm2d(channels)]
        for inner, outer in zip((channels, *widths), widths, strict=False):
            # Rounding sizes up admits even the smallest images: 1 px stays 1 px.
            layers += [
                nn.Conv2d(inner, outer, 3, padding=1, bias=False),
                nn.BatchNorm2d(outer),
                nn.ReLU(inplace=True),
                nn.MaxPool2d(2, ceil_mode=True),
            ]
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout))
        draw_convolutions(self)


class ModelParser(nn.Module):
    """Fingerprint network, shared network, cluster and instance parser, fusion encoder."""

    def __init__(self, config: ParserConfig | None = None) -> None:
        """Builds an untrained network.

        Args:
            config: The architecture; by default the paper's.
        """
        super().__init__()
        self.config = c = config or ParserConfig()
        self.slots = ClassSlots(c.n_classes)
        if c.fingerprint:
            self.fen = FingerprintNetwork(c.fen_depth, c.fen_width, c.channels)
        self.trunk = Trunk(c.channels, c.trunk_widths, c.dropout)
        self.instance = self._branch(FusedHeads(c.parser_width, N_CONTINUOUS, self.slots.total))
        if c.parsers == 2:
            self.cluster = self._branch(FusedHeads(c.parser_width, N_CONTINUOUS, self.slots.total))
            self.fusion = self._branch(nn.Linear(c.parser_width, len(c.n_classes)))

    def forward(self, images: Tensor) -> ParserOutput:
        """Returns the network's predictions for images.

        Args:
            images: Shape (N, channels, H, W) of any size, float, values in [0, 1].
        """
        fingerprint = self.fen(images) if self.config.fingerprint else None
        features = self.trunk(images if fingerprint is None else fingerprint)
        deviation, instance_logits = self.instance(features)
        cluster_continuous, cluster_logits, fusion_logits = None, None, None
        if self.config.parsers == 2:
            cluster_continuous, cluster_logits = self.cluster(features)
            fusion_logits = self.fusion(features)
        return ParserOutput(
            fingerprint=fingerprint,
            cluster_continuous=cluster_continuous,
            cluster_logits=cluster_logits,
            deviation=deviation,
            instance_logits=instance_logits,
            fusion_logits=fusion_logits,
            slots=self.slots,
        )

    def _branch(self, last: nn.Module) -> nn.Sequential:
        hidden = nn.Linear(self.config.trunk_widths[-1], self.config.parser_width)
        return nn.Sequential(hidden, nn.ReLU(inplace=True), last)
