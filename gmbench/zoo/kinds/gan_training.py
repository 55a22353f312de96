"""The training loop of all GANs: what a batch is, and what critic and generator lower in turn.

All images in here have black at 0 and white at 1, shape (images, channels, size, size).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from gmbench.zoo.kinds.degradation import degrade
from gmbench.zoo.kinds.fit import Schedule, fit
from gmbench.zoo.kinds.gan_losses import GAMES, gradient_penalty
from gmbench.zoo.kinds.gan_networks import Critic, build_generator
from gmbench.zoo.kinds.k_means import assign, k_means
from gmbench.zoo.layers import lay_channels_last, start_at_unit_variance
from gmbench.zoo.losses import DISTANCES, LossSum
from gmbench.zoo.pixels import count_channels, first_values, to_pixels, to_unit, to_values
from gmbench.zoo.specification import Specification

#: The last fifth is annealed: it takes the noise out of short trainings.
SCHEDULE = Schedule(
    rate=1e-3,
    warm_up=0.0,
    cool_down=0.2,
    moments=(0.5, 0.99),
    largest_gradient=5.0,
    memory=0.97,
)
CRITIC_RATE = 1e-3
#: One in so many real images is kept from training, for image-to-image samples.
HELD_OUT = 8


@dataclass(frozen=True)
class Play:
    """A batch of real images and what the generator made beside them.

    Attributes:
        targets: Real images.
        labels: Their classes; zeros where there are none.
        inputs: What the generator got.
        made: What it made, with black at 0 and white at 1.
    """

    targets: torch.Tensor
    labels: torch.Tensor
    inputs: torch.Tensor
    made: torch.Tensor


class GameTraining:
    """A generator, its critic, and the real images that they see.

    Attributes:
        sum: The generator's objective; remembers which losses were added.
        network: The generator that samples: after training, the running mean.
    """

    def __init__(
        self, specification: Specification, real: torch.Tensor, generator: torch.Generator
    ) -> None:
        self.family, self.size = specification.family, specification.size
        self.options = dict(specification.options)
        self.game = GAMES[self.options["game"]]
        self.random = generator
        self.sum = LossSum()
        self.last: str = self.options["last_nonlinearity"]
        self.channels = count_channels(real)
        self.translates = self.family == "image_to_image"
        self.classes: int = self.options["classes"]

        # Channels last takes a third off the time of small convolutions on a CPU.
        images = to_values(real, "sigmoid", self.channels).to(memory_format=torch.channels_last)
        images = images[torch.randperm(len(images), generator=generator)]
        kept = max(1, len(images) // HELD_OUT)
        self.held_out, self.images = images[:kept], images[kept:]
        self.labels = self._cluster() if self.classes else torch.zeros(len(images)).long()

        features = self.options["latent"] + self.classes
        self.network = build_generator(
            self.family, self.size, self.channels, self.options, features
        )
        lay_channels_last(self.network)
        self.critic: Critic | None = None
        self.adam: torch.optim.Adam | None = None
        if self.game.critic is not None:
            self.critic = Critic(
                self.size,
                self.channels * (2 if self.translates else 1),
                self.options["critic_width"],
                self.game.outputs or self.classes + 1,
                self.classes if self.game.outputs else 0,
                self.game.spectral,
            )
            lay_channels_last(self.critic)
            moments = SCHEDULE.moments
            self.adam = torch.optim.Adam(self.critic.parameters(), CRITIC_RATE, moments)
        targets, labels = self._batch()
        level, spread = first_values(self.last, float(self.images.mean()))
        inputs = self._inputs(targets, labels)
        start_at_unit_variance(self.network, inputs, level=level, spread=spread)

    def run(self, steps: int) -> tuple[nn.Module, list[float]]:
        """Trains for so many steps; see `fit` for what is returned."""
        self.network, history = fit(
            self.network,
            self._round,
            steps,
            SCHEDULE,
            opponents=[self.adam] if self.adam is not None else [],
            last=self.last,
            draw_inputs=lambda: (self._inputs(*self._batch()),),
        )
        return self.network, history

    def make(self, n: int, generator: torch.Generator) -> torch.Tensor:
        """Makes images, shape (n, 3, size, size), uint8."""
        chosen = torch.randint(len(self.held_out), (n,), generator=generator)
        if n <= len(self.held_out):
            chosen = torch.randperm(len(self.held_out), generator=generator)[:n]
        labels = torch.randint(max(1, self.classes), (n,), generator=generator)
        if self.classes:
            shares = torch.bincount(self.labels, minlength=self.classes).double()
            labels = torch.multinomial(shares, n, replacement=True, generator=generator)
        inputs = self._inputs(self.held_out[chosen], labels, generator)
        with torch.no_grad():
            made = torch.cat([self.network(part) for part in torch.split(inputs, 64)])
        return to_pixels(made, self.last)

    def example(self) -> tuple[torch.Tensor, ...]:
        """Returns one valid input of the generator."""
        targets, labels = self._batch()
        return (self._inputs(targets[:1], labels[:1]),)

    def _play(self) -> Play:
        """Draws a batch of real images and lets the generator make as many."""
        targets, labels = self._batch()
        inputs = self._inputs(targets, labels)
        return Play(targets, labels, inputs, to_unit(self.network(inputs), self.last))

    def _round(self) -> torch.Tensor:
        """Trains the critic and returns what the generator lowers on the last batch."""
        play = self._play()
        if self.adam is not None:
            for _ in range(self.game.critic_steps - 1):
                with torch.no_grad():
                    further = self._play()
                self._critic_step(self.adam, further)
            self._critic_step(self.adam, play)
        return self._objective(play)

    def _critic_step(self, adam: torch.optim.Optimizer, play: Play) -> None:
        assert self.critic is not None
        assert self.game.critic is not None
        targets, labels, inputs, made = play.targets, play.labels, play.inputs, play.made.detach()
        real_seen, made_seen = self._seen(targets, inputs), self._seen(made, inputs)
        scores, features = self.critic(torch.cat([real_seen, made_seen]))
        real_scores, made_scores = scores.chunk(2)
        value = self.game.critic(real_scores, made_scores, labels)
        if self.critic.classify is not None:
            classes = self.critic.classify(features)
            value = value + functional.cross_entropy(classes, torch.cat([labels, labels]))
        if self.game.penalty:
            slope = gradient_penalty(self.critic, real_seen, made_seen, self.random)
            value = value + self.game.penalty * slope
        adam.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        adam.step()
        if self.game.clip:
            with torch.no_grad():
                for weight in self.critic.parameters():
                    weight.clamp_(-self.game.clip, self.game.clip)

    def _objective(self, play: Play) -> torch.Tensor:
        """Returns what the generator lowers, summed and recorded term by term."""
        targets, labels, inputs, made = play.targets, play.labels, play.inputs, play.made
        terms: list[tuple[str, float, torch.Tensor]] = []
        if self.critic is None:
            for scale in (1, 4):
                value = self.game.generator(_flat(targets, scale), _flat(made, scale), labels)
                terms.append((self.game.loss, 1.0, value))
        else:
            self.critic.requires_grad_(False)
            made_scores, made_features = self.critic(self._seen(made, inputs))
            with torch.no_grad():
                real_scores, real_features = self.critic(self._seen(targets, inputs))
            self.critic.requires_grad_(True)
            value = self.game.generator(real_scores, made_scores, labels)
            terms.append((self.game.loss, 1.0, value))
            if self.critic.classify is not None:
                classes = self.critic.classify(made_features)
                terms.append(("loss_ce", 1.0, functional.cross_entropy(classes, labels)))
        for name, weight in self.options["terms"].items():
            if self.translates:
                distance = DISTANCES[name](made, targets)
            else:
                means = made_features.mean(0, keepdim=True), real_features.mean(0, keepdim=True)
                distance = DISTANCES[name](*means)
            terms.append((name, weight, distance))
        return self.sum.add(*terms)

    def _batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns real images and their classes, as many as the option `batch`."""
        chosen = torch.randint(len(self.images), (self.options["batch"],), generator=self.random)
        return self.images[chosen], self.labels[chosen]

    def _inputs(
        self, targets: torch.Tensor, labels: torch.Tensor, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """Returns inputs of the generator: degraded targets, or noise and the class."""
        generator = self.random if generator is None else generator
        if self.translates:
            reduction = self.size // self.options["input_size"]
            return degrade(targets, self.options["degradation"], reduction, generator)
        noise = torch.randn(len(targets), self.options["latent"], generator=generator)
        if not self.classes:
            return noise
        return torch.cat([noise, functional.one_hot(labels, self.classes).float()], dim=1)

    def _seen(self, images: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        """Returns what the critic sees, around 0: images, beside what they were made from."""
        if self.translates:
            images = torch.cat([images, functional.interpolate(inputs, size=self.size)], dim=1)
        return 2.0 * images - 1.0

    def _cluster(self) -> torch.Tensor:
        points = functional.avg_pool2d(self.images, self.size // 8).flatten(1)
        return assign(points, k_means(points, self.classes, self.random))


def _flat(images: torch.Tensor, scale: int) -> torch.Tensor:
    """Returns images averaged over squares of `scale` pixels, shape (images, features)."""
    return functional.avg_pool2d(images, scale).flatten(1)
