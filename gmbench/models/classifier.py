"""A shallow classifier of fingerprints (section 3.4): it tells real from fake, or GM from GM.

The paper gives only the number of layers: five convolutions and two fully connected layers for
detection, two and two for attribution. The convolutions are those of the parser's shared network.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from gmbench.models.class_targets import ClassTargets
from gmbench.models.fingerprint import FingerprintNetwork
from gmbench.models.fingerprint_losses import FingerprintSettings, fingerprint_terms
from gmbench.models.parsing import FingerprintDepth, Trunk
from gmbench.models.settings import Channels, Count, Counts, Dropout, Settings, Share

Inputs = Literal["fingerprint", "image", "image_fingerprint", "image_fingerprint_phase"]
"""Input of the convolutions, concatenated as channels."""


class ClassifierConfig(Settings):
    """Architecture of a `FingerprintClassifier`.

    Attributes:
        inputs: Input of the convolutions; with `image` there is no fingerprint network.
        fen_depth: Number of convolutions of the fingerprint network.
        fen_width: Number of features between them.
        widths: Number of features of each convolution on the input; each one halves the size.
        hidden: Number of features between the two fully connected layers.
        channels: Channels of the images.
        n_classes: Number of classes, as the only entry: there is one head.
        dropout: Fraction of the features dropped during training.
        frozen: Whether the fingerprint network keeps its given weights and learns nothing.
    """

    inputs: Inputs = "fingerprint"
    fen_depth: FingerprintDepth = 17
    fen_width: Count = 64
    widths: Counts = (32, 64, 128, 256, 512)
    hidden: Count = 256
    channels: Channels = 3
    n_classes: Counts = (2,)
    dropout: Dropout = 0.0
    frozen: bool = False


@dataclass(frozen=True)
class ClassifierOutput:
    """Output of a classifier for N images.

    Attributes:
        fingerprint: Fingerprints, of the images' shape; None if there are none or they are frozen.
        logits: Class logits, shape (N, classes).
    """

    fingerprint: Tensor | None
    logits: Tensor


class FingerprintClassifier(nn.Module):
    """Fingerprint network, convolutions, a mean over the image, two fully connected layers."""

    def __init__(self, config: ClassifierConfig | None = None) -> None:
        """Builds an untrained network.

        Args:
            config: The architecture; by default the paper's detector.
        """
        super().__init__()
        self.config = c = config or ClassifierConfig()
        if c.inputs != "image":
            self.fen = FingerprintNetwork(c.fen_depth, c.fen_width, c.channels)
            self.fen.requires_grad_(not c.frozen)
        self.trunk = Trunk(c.channels * len(c.inputs.split("_")), c.widths, c.dropout)
        self.head = nn.Sequential(
            nn.Linear(c.widths[-1], c.hidden),
            nn.ReLU(inplace=True),
            nn.Linear(c.hidden, c.n_classes[0]),
        )

    def train(self, mode: bool = True) -> FingerprintClassifier:
        """Sets the mode; a frozen fingerprint network stays in evaluation mode."""
        super().train(mode)
        if self.config.frozen and self.config.inputs != "image":
            self.fen.eval()
        return self

    def forward(self, images: Tensor) -> ClassifierOutput:
        """Returns the network's predictions for images.

        Args:
            images: Shape (N, channels, H, W) of any size, float, values in [0, 1].
        """
        inputs, fingerprint = self.config.inputs, None
        if inputs != "image":
            with torch.no_grad() if self.config.frozen else nullcontext():
                fingerprint = self.fen(images)
        seen = {"image": images, "fingerprint": fingerprint}
        if "phase" in inputs:
            seen["phase"] = phase_image(images)
        together = [seen[name] for name in inputs.split("_")]
        logits = self.head(self.trunk(torch.cat([t for t in together if t is not None], dim=1)))
        return ClassifierOutput(None if self.config.frozen else fingerprint, logits)


def phase_image(images: Tensor) -> Tensor:
    """Returns images with all magnitudes of their spectrum set equal: the phase alone.

    Liu et al. (Spatial-phase shallow learning, CVPR 2021) feed it to a detector as a channel beside
    the image, because up-sampling leaves its traces in the phase.

    Args:
        images: Shape (N, channels, H, W).
    """
    spectrum = torch.fft.fft2(images.to(torch.promote_types(images.dtype, torch.float32)))
    # A frequency that is absent from an image has no phase.
    flat: Tensor = torch.fft.ifft2(spectrum / spectrum.abs().clamp_min(1e-6), norm="forward").real
    # Scaled to a mean square of 1 at any size.
    return flat / math.sqrt(images.shape[-1] * images.shape[-2])


class ClassifierWeights(FingerprintSettings):
    """Weights of a `ClassifierObjective`.

    Attributes:
        smoothing: Share of each label's probability that is spread over all classes.
    """

    smoothing: Share = 0.0


class ClassifierObjective(nn.Module):
    """Cross-entropy, and the constraints on the fingerprints of fakes only (section 3.4)."""

    def __init__(self, config: ClassifierWeights, targets: ClassTargets) -> None:
        """Stores which class is genuine.

        Args:
            config: The weights.
            targets: The classes.
        """
        super().__init__()
        self.config = config
        self.genuine = -1 if targets.genuine is None else targets.names.index(targets.genuine)

    def forward(self, output: ClassifierOutput, classes: Tensor) -> dict[str, Tensor]:
        """Returns the weighted terms by name and their sum as `total`, all scalars.

        Args:
            output: The network's predictions for N images.
            classes: Their classes, int64 of shape (N,).
        """
        smoothing = self.config.smoothing
        terms = {
            "classes": functional.cross_entropy(output.logits, classes, label_smoothing=smoothing)
        }
        if output.fingerprint is not None:
            fakes = output.fingerprint[classes != self.genuine]
            if len(fakes):
                terms |= fingerprint_terms(fakes, self.config.fingerprint)
        terms["total"] = torch.stack(list(terms.values())).sum()
        return terms
