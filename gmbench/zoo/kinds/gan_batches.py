"""Inputs of a GAN's generator, and the real images that its output is compared with.

Options read here:

| option | meaning |
|---|---|
| `batch` | images per batch |
| `latent` | features of the noise |
| `degradation` | how real input images are degraded; absent for generators from noise |
| `input_size` | height and width of the input images |
| `classes` | number of classes, found by clustering; 0 for none |
| `tells_class` | whether the class is a generator input; by default if it starts from noise |
| `codes` | whether classes are drawn along with the noise, as codes without a meaning at first |
| `noise_maps` | whether noise accompanies an input image |

All images here have black at 0 and white at 1, shape (images, channels, size, size).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from gmbench.zoo.kinds.degradation import degrade
from gmbench.zoo.kinds.k_means import cluster
from gmbench.zoo.pixels import count_channels, to_values
from gmbench.zoo.specification import Specification

#: One in this many real images is held out from training, for image-to-image samples.
HELD_OUT = 8


@dataclass(frozen=True)
class Batch:
    """Real images, and whatever else a round needs.

    Attributes:
        targets: Real images of the content.
        labels: Their classes; zeros where there are none.
        sources: Real images that the generator starts from, before degradation: the targets
            themselves, images of another content, or others of the same content, whose class is to
            be changed.
        source_labels: Their classes.
    """

    targets: torch.Tensor
    labels: torch.Tensor
    sources: torch.Tensor
    source_labels: torch.Tensor


class Batches:
    """Draws batches and makes the generator's inputs from them.

    Attributes:
        channels: 1 (grey) or 3.
        features: Features of the noise and the class, or channels of the input images.
        images: Real images to train on.
        translates: Whether the generator starts from an image.
        paired: Whether the inputs are made from the targets; not where the inputs are images of
            another content, or where a class is to be changed.
    """

    def __init__(
        self,
        specification: Specification,
        real: torch.Tensor,
        generator: torch.Generator,
        source: torch.Tensor | None = None,
    ) -> None:
        options = dict(specification.options)
        self.options, self.size, self.random = options, specification.size, generator
        self.channels = count_channels(real)
        self.classes: int = options["classes"]
        self.translates = "degradation" in options
        self.tells_class: bool = options.get("tells_class", not self.translates)
        self.changes_class = self.translates and self.tells_class and self.classes > 0
        self.paired = self.translates and source is None and not self.changes_class

        # The channels-last format takes a third off the time of small convolutions on a CPU.
        images = to_values(real, "sigmoid", self.channels).to(memory_format=torch.channels_last)
        self.held_out, self.images = self._parted(images)
        self.sources, self.held_out_sources = self.images, self.held_out
        if source is not None:
            self.held_out_sources, self.sources = self._parted(self._in_channels(source))
        self.labels = self._cluster(self.images)
        self.source_labels = self.labels if source is None else self._cluster(self.sources)
        told = self.classes if self.tells_class else 0
        noise = options["latent"] if not self.translates or options.get("noise_maps") else 0
        self.features = noise + told + (self.channels if self.translates else 0)

    def draw(self) -> Batch:
        """Returns a batch of the size given by the option `batch`."""
        n = self.options["batch"]
        chosen = torch.randint(len(self.images), (n,), generator=self.random)
        targets, labels = self.images[chosen], self.labels[chosen]
        if self.options.get("codes"):
            labels = torch.randint(self.classes, (n,), generator=self.random)
        if self.paired or not self.translates:
            return Batch(targets, labels, targets, labels)
        chosen = torch.randint(len(self.sources), (n,), generator=self.random)
        return Batch(targets, labels, self.sources[chosen], self.source_labels[chosen])

    def draw_held_out(self, n: int, generator: torch.Generator) -> Batch:
        """Returns a batch to sample from, of held-out images."""
        images = self.held_out_sources
        chosen = torch.randint(len(images), (n,), generator=generator)
        if n <= len(images):
            chosen = torch.randperm(len(images), generator=generator)[:n]
        labels = torch.randint(max(1, self.classes), (n,), generator=generator)
        if self.classes and not self.options.get("codes"):
            shares = torch.bincount(self.labels, minlength=self.classes).double()
            labels = torch.multinomial(shares, n, replacement=True, generator=generator)
        return Batch(images[chosen], labels, images[chosen], labels)

    def inputs(
        self,
        batch: Batch,
        generator: torch.Generator | None = None,
        noise: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Returns inputs of the generator.

        Args:
            batch: Batch whose sources and classes are used.
            generator: Source of all randomness; None for the one used in training.
            noise: Noise, shape (images, latent); None to draw it.

        Returns:
            Noise and the class, (images, features), or images with maps of them, (images,
            features, height, width).
        """
        generator = self.random if generator is None else generator
        sources = batch.sources
        if self.translates:
            reduction = self.size // self.options["input_size"]
            images = degrade(sources, self.options["degradation"], reduction, generator)
        flat = []
        if noise is not None:
            flat.append(noise)
        elif not self.translates or self.options.get("noise_maps"):
            shape = len(sources), self.options["latent"]
            flat.append(torch.randn(shape, generator=generator))
        if self.classes and self.tells_class:
            flat.append(functional.one_hot(batch.labels, self.classes).float())
        if not self.translates:
            return torch.cat(flat, dim=1)
        return self.with_maps(images, *flat)

    def with_maps(self, images: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        """Returns images with a constant map for each of the values, (images, features)."""
        maps = [v[..., None, None].expand(-1, -1, *images.shape[2:]) for v in values]
        return torch.cat([images, *maps], dim=1) if maps else images

    def _parted(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        images = images[torch.randperm(len(images), generator=self.random)]
        kept = max(1, len(images) // HELD_OUT)
        return images[:kept], images[kept:]

    def _in_channels(self, pixels: torch.Tensor) -> torch.Tensor:
        """Returns images of another content with the channels of this one."""
        values = to_values(pixels, "sigmoid")
        values = values.mean(1, keepdim=True) if self.channels == 1 else values
        return values.to(memory_format=torch.channels_last)

    def _cluster(self, images: torch.Tensor) -> torch.Tensor:
        if not self.classes or self.options.get("codes"):
            return torch.zeros(len(images)).long()
        return cluster(images, self.classes, self.random)
