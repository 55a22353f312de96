"""A shallow network on fingerprints that tells classes (section 3.4): real from fake, GM from GM.

The paper gives the number of layers alone: five convolutions and two fully connected layers to
detect, two and two to attribute. The convolutions are those of the parser's shared network.
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
from gmbench.models.fingerprint_losses import FingerprintWeights, fingerprint_terms
from gmbench.models.parsing import FingerprintDepth, Trunk
from gmbench.models.settings import Count, Counts, Dropout, Number, Settings

Inputs = Literal["fingerprint", "image", "image_fingerprint", "image_fingerprint_phase"]
"""What the convolutions see, side by side as channels."""


class ClassifierConfig(Settings):
    """What a `FingerprintClassifier` is built of.

    Attributes:
        inputs: What the convolutions see; `image` has no fingerprint network.
        fen_depth: Convolutions of the fingerprint network.
        fen_width: Features between them.
        widths: Features of each convolution on what comes in; each one halves the size.
        hidden: Features between the two fully connected layers.
        channels: Channels of the images.
        n_classes: Number of classes, as the only entry: there is one head.
        dropout: Share of the features that is dropped in training.
        frozen: Whether the fingerprint network is left as it is given: it learns nothing.
    """

    inputs: Inputs = "fingerprint"
    fen_depth: FingerprintDepth = 17
    fen_width: Count = 64
    widths: Counts = (32, 64, 128, 256, 512)
    hidden: Count = 256
    channels: Count = 3
    n_classes: Counts = (2,)
    dropout: Dropout = 0.0
    frozen: bool = False


@dataclass(frozen=True)
class ClassifierOutput:
    """What a classifier says of N images.

    Attributes:
        fingerprint: Shape of the images; None where there is none, or none that learns.
        logits: Shape (N, classes).
    """

    fingerprint: Tensor | None
    logits: Tensor


class FingerprintClassifier(nn.Module):
    """Fingerprint network, convolutions, a mean over the image, two fully connected layers."""

    def __init__(self, config: ClassifierConfig | None = None) -> None:
        """Makes an untrained network.

        Args:
            config: What it is built of; by default the paper's detector.

        Raises:
            SettingError: The configuration cannot be.
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
        """Sets training or use; a frozen fingerprint network measures no batch."""
        super().train(mode)
        if self.config.frozen and self.config.inputs != "image":
            self.fen.eval()
        return self

    def forward(self, images: Tensor) -> ClassifierOutput:
        """Returns what the network says of images.

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
    """Returns what images are with all magnitudes of their spectrum made equal: phase alone.

    Liu et al. (Spatial-phase shallow learning, CVPR 2021) give it to a detector as a channel
    beside the image, for up-sampling leaves its traces in the phase.

    Args:
        images: Shape (N, channels, H, W).
    """
    spectrum = torch.fft.fft2(images.to(torch.promote_types(images.dtype, torch.float32)))
    # A frequency that an image lacks has no phase.
    flat: Tensor = torch.fft.ifft2(spectrum / spectrum.abs().clamp_min(1e-6), norm="forward").real
    # Of a mean square of 1, whatever the size.
    return flat / math.sqrt(images.shape[-1] * images.shape[-2])


class ClassifierWeights(Settings):
    """Weights of a `ClassifierObjective`; the lambdas are the paper's (section 4.1).

    Attributes:
        lambda_magnitude: Weight of equation 1; 0 removes the term, here and below.
        lambda_spectrum: Weight of equation 2.
        lambda_repetitive: Weight of equation 3.
        lambda_energy: Weight of equation 4.
        smoothing: Share of each label's probability that is spread over all classes.
    """

    lambda_magnitude: Number = 0.05
    lambda_spectrum: Number = 0.001
    lambda_repetitive: Number = 0.1
    lambda_energy: Number = 1.0
    smoothing: Number = 0.0

    @property
    def fingerprint(self) -> FingerprintWeights:
        """The lambdas."""
        return FingerprintWeights(
            magnitude=self.lambda_magnitude,
            spectrum=self.lambda_spectrum,
            repetitive=self.lambda_repetitive,
            energy=self.lambda_energy,
        )


class ClassifierObjective(nn.Module):
    """Cross-entropy, and the constraints on the fingerprints of fakes alone (section 3.4)."""

    def __init__(self, config: ClassifierWeights, targets: ClassTargets) -> None:
        """Remembers which class is genuine.

        Args:
            config: The weights.
            targets: The classes.
        """
        super().__init__()
        self.config = config
        self.genuine = -1 if targets.genuine is None else targets.names.index(targets.genuine)

    def forward(self, output: ClassifierOutput, classes: Tensor) -> dict[str, Tensor]:
        """Returns the weighted terms by name, scalars, and their sum as `total`.

        Args:
            output: What the network says of N images.
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
