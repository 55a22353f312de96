"""A GM of the zoo: its specification before training, and what training produces.

A specification is plain data, so that it can be drawn, written, hashed, sent to a worker and read
back. Everything random in training and sampling follows from its seed. Labels are not taken from
it: they are measured on the trained network (`gmbench.measuring`) and taken from the losses that
the training loop actually summed up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Specification:
    """A GM to be trained.

    Attributes:
        name: Unique in its population, such as `GAN_017`.
        kind: One of the schema's `KINDS`.
        family: Network and objective within the kind, such as `dcgan` or `pixelcnn`.
        content: What it is trained on: one of `content.CONTENTS`, or the name of a user's folder.
        size: Height and width of its images in pixels; a power of two.
        losses: Names of the schema's losses that its objective sums up, such as `loss_l1`.
        options: Architecture and training choices of its family; JSON values only.
        steps: Training steps.
        seed: Seed of initialisation, training and sampling.
        source: Content of the images that it starts from, if it is another; otherwise empty.
        spares: What is trained in its place, one after another, if it fails at every attempt:
            other draws of the same name, kind and content.
    """

    name: str
    kind: str
    family: str
    content: str
    size: int
    losses: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    steps: int = 300
    seed: int = 0
    source: str = ""
    spares: tuple[Specification, ...] = ()

    @property
    def needs(self) -> tuple[tuple[str, int], ...]:
        """Name and size of each content that it is trained with: its own, then its source."""
        return tuple((name, self.size) for name in (self.content, self.source) if name)


class TrainedGM(Protocol):
    """A GM that can make images.

    Attributes:
        network: The network that makes the images; this is what is measured.
        example: One valid input of the network, for measuring.
        losses: Names of the schema's losses that the objective actually summed up.
        history: Training loss by step, for the quality gate.
    """

    network: torch.nn.Module
    example: tuple[torch.Tensor, ...]
    losses: tuple[str, ...]
    history: list[float]

    def sample(self, n: int, generator: torch.Generator) -> torch.Tensor:
        """Makes images.

        Args:
            n: Number of images.
            generator: Source of all randomness.

        Returns:
            Shape (n, 3, size, size), uint8 in [0, 255]; grey content has three equal channels.
        """
        ...


class Trainer(Protocol):
    """The function `train` that each module of `gmbench.zoo.kinds` provides."""

    def __call__(
        self, specification: Specification, real: torch.Tensor, *source: torch.Tensor
    ) -> TrainedGM:
        """Trains a GM.

        Args:
            specification: What to train; its kind is the module's.
            real: Real images of the content, shape (images, 3, size, size), uint8.
            source: Real images of the content `source`, if the specification has one.
        """
        ...
