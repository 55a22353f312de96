"""The training loop of all GANs: what critic and generator minimise in turn.

Options read here, besides those of `gan_batches`:

| option | meaning |
|---|---|
| `game` | one of `gan_losses.GAMES`; empty for none |
| `further_games` | further games, each with its own output of the critic, and their weights |
| `terms` | further losses of the schema, and their weights |
| `compares` | what these compare, one of `COMPARISONS` |
| `classified` | images whose classes the critic predicts: `both`, `made` ones or `real` ones |
| `projects` | whether the critic is conditioned on the class instead of predicting it |
| `encoder` | encoder of real images to codes, one of `ENCODERS`; absent for none |
| `critic_width` | filters of the critic's first convolution |

All images here have black at 0 and white at 1, shape (images, channels, size, size).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional

from gmbench.zoo.kinds.fit import Schedule, descend, fit
from gmbench.zoo.kinds.gan_batches import Batch, Batches
from gmbench.zoo.kinds.gan_critics import Critic
from gmbench.zoo.kinds.gan_losses import Game, gradient_penalty, start_game
from gmbench.zoo.kinds.gan_networks import TranslationGenerator, build_generator
from gmbench.zoo.kinds.noisy_code import NoisyCode
from gmbench.zoo.kinds.optimisers import adam
from gmbench.zoo.kinds.vae_networks import Encoder
from gmbench.zoo.layers import lay_channels_last, start_at_unit_variance
from gmbench.zoo.losses import DISTANCES, LossSum, gaussian_kl, maximum_mean_discrepancy
from gmbench.zoo.pixels import first_values, to_pixels, to_unit
from gmbench.zoo.specification import Specification

#: The last fifth is annealed, which takes the noise out of short trainings.
SCHEDULE = Schedule(
    rate=1e-3,
    warm_up=0.0,
    cool_down=0.2,
    moments=(0.5, 0.99),
    largest_gradient=5.0,
    memory=0.97,
)
CRITIC_RATE = 1e-3
#: Step size of the critic's steps that an unrolled generator looks ahead.
UNROLLED_RATE = 0.05
#: Weights of a KL per value of an image, and of a reconstruction's score (Che et al., 2017).
KL_WEIGHT, MODE_WEIGHT = 1.0, 0.2

COMPARISONS: Mapping[str, str] = {
    "pixels": "made images and targets",
    "features": "the critic's mean features of made and of real images (Salimans et al., 2016)",
    "cycle": "what came in and what leads back to it (Zhu, Park, Isola and Efros, 2017)",
    "code": "the noise and what the critic tells of it (Chen et al., 2016)",
    "rebuilt": "real images and what encoder and generator rebuild of them (Che et al., 2017)",
    "consistency": "the critic's features of real and of mirrored images (Zhang et al., 2020)",
}

ENCODERS: Mapping[str, str] = {
    "mode": "its codes are noise to rebuild images from (Che et al., 2017)",
    "kl": "its codes are the noise, with a KL (Zhu et al., 2017)",
    "code": "noise and a KL are on the code of the generator itself (Liu et al., 2017)",
}

#: Options of an inverse network, which leads back to the input images.
_INVERSE: Mapping[str, object] = {
    "width": 12,
    "resolutions": 1,
    "blocks": 1,
    "layers_per_block": 2,
    "normalization": "instance",
    "block_nonlinearity": "relu",
    "last_nonlinearity": "sigmoid",
    "upsampling": "interpolation",
    "downsampling": "strided_conv",
    "skip_connection": "yes",
}

Terms = list[tuple[str, float, torch.Tensor]]


@dataclass(frozen=True)
class Play:
    """A batch and what the generator made from it.

    Attributes:
        batch: Real images.
        inputs: Inputs of the generator.
        made: Generated images, with black at 0 and white at 1.
        divergence: KL of the codes, a scalar; None where there are none.
    """

    batch: Batch
    inputs: torch.Tensor
    made: torch.Tensor
    divergence: torch.Tensor | None


class GameTraining:
    """A generator, its critic, and the real images that they see.

    Attributes:
        sum: Sums the objectives and records which losses were added.
        network: The generator used for sampling: after training, the running mean.
    """

    def __init__(
        self,
        specification: Specification,
        real: torch.Tensor,
        generator: torch.Generator,
        source: torch.Tensor | None = None,
    ) -> None:
        self.family, self.size = specification.family, specification.size
        options = self.options = dict(specification.options)
        self.random, self.sum = generator, LossSum()
        self.last: str = options["last_nonlinearity"]
        batches = self.batches = Batches(specification, real, generator, source)
        self.compares: str = options.get("compares", "pixels" if batches.paired else "features")
        self.classified: str = options.get("classified", "both")
        named = {options["game"]: 1.0, **options.get("further_games", {})}
        self.games = [(start_game(name, generator), w) for name, w in named.items() if name]

        self.network = build_generator(
            self.family, self.size, batches.channels, options, batches.features
        )
        lay_channels_last(self.network)
        self.critic = self._new_critic()
        self.adam: torch.optim.Adam | None = None
        if self.critic is not None:
            moments = SCHEDULE.moments
            self.adam = adam(self.critic.parameters(), CRITIC_RATE, moments)
        batch = batches.draw()
        inputs = batches.inputs(batch)
        level, spread = first_values(self.last, float(batches.images.mean()))
        start_at_unit_variance(self.network, inputs, level=level, spread=spread)
        self._add_partners(inputs)

    def _new_critic(self) -> Critic | None:
        options, batches = self.options, self.batches
        outputs = [game.outputs or batches.classes + 1 for game, _ in self.games]
        self.slices = [slice(sum(outputs[:k]), sum(outputs[: k + 1])) for k in range(len(outputs))]
        self.looks_at_inputs = batches.paired and self.compares != "cycle"
        if all(game.critic is None for game, _ in self.games):
            return None
        told = batches.classes if options.get("projects") else 0
        game = self.games[0][0]
        critic = Critic(
            self.size,
            batches.channels * (2 if self.looks_at_inputs else 1),
            options["critic_width"],
            sum(outputs),
            batches.classes if game.outputs and not told else 0,
            all(game.spectral for game, _ in self.games),
            told=told,
            code=options["latent"] if self.compares == "code" else 0,
            energy=game.energy,
        )
        lay_channels_last(critic)
        return critic

    def _add_partners(self, inputs: torch.Tensor) -> None:
        """Adds the networks that minimise the objective together with the generator."""
        batches, latent = self.batches, self.options["latent"]
        self.encoder: Encoder | None = None
        self.inverse: TranslationGenerator | None = None
        self.code: NoisyCode | None = None
        if self.options.get("encoder") == "code":
            self.code = NoisyCode(self.network, inputs, self.random)
        elif self.options.get("encoder"):
            width = self.options["critic_width"]
            self.encoder = Encoder(self.size, batches.channels, width, latent)
        if self.compares == "cycle" and not batches.changes_class:
            self.inverse = TranslationGenerator(batches.channels, batches.channels, _INVERSE)
        self.partners = [part for part in (self.encoder, self.inverse) if part is not None]
        for part in self.partners:
            lay_channels_last(part)

    def run(self, steps: int) -> tuple[nn.Module, list[float]]:
        """Trains for a number of steps; see `fit` for what is returned."""
        batches = self.batches
        self.network, history = fit(
            self.network,
            self._round,
            steps,
            SCHEDULE,
            partners=self.partners,
            opponents=[self.adam] if self.adam is not None else [],
            last=self.last,
            draw_inputs=lambda: (batches.inputs(batches.draw()),),
        )
        return self.network, history

    def make(self, n: int, generator: torch.Generator) -> torch.Tensor:
        """Makes images, shape (n, 3, size, size), uint8."""
        inputs = self.batches.inputs(self.batches.draw_held_out(n, generator), generator)
        with torch.no_grad():
            made = torch.cat([self.network(part) for part in torch.split(inputs, 64)])
        return to_pixels(made, self.last)

    def example(self) -> tuple[torch.Tensor, ...]:
        """Returns one valid input of the generator."""
        return (self.batches.inputs(self.batches.draw())[:1],)

    def _play(self) -> Play:
        """Draws a batch of real images and generates as many."""
        batch = self.batches.draw()
        divergence, noise = None, None
        if self.encoder is not None and self.options["encoder"] == "kl":
            mean, log_variance = self.encoder(2.0 * batch.targets - 1.0)
            noise = torch.randn(mean.shape, generator=self.random)
            noise = mean + (0.5 * log_variance).exp() * noise
            divergence = gaussian_kl(mean, log_variance) / batch.targets[0].numel()
        inputs = self.batches.inputs(batch, noise=noise)
        if self.code is None:
            made = self._made(inputs)
        else:
            with self.code.on_code():
                made = self._made(inputs)
            divergence = self.code.divergence
        return Play(batch, inputs, made, divergence)

    def _made(self, inputs: torch.Tensor) -> torch.Tensor:
        return to_unit(self.network(inputs), self.last)

    def _round(self) -> torch.Tensor:
        """Trains the critic and returns what the generator minimises on the last batch."""
        play = self._play()
        if self.adam is not None:
            for _ in range(max(game.critic_steps for game, _ in self.games) - 1):
                with torch.no_grad():
                    further = self._play()
                self._critic_step(self.adam, further)
            self._critic_step(self.adam, play)
        return self._objective(play)

    def _critic_step(self, adam: torch.optim.Optimizer, play: Play) -> None:
        assert self.critic is not None
        value = self._critic_value(play, play.made.detach(), {})
        for (game, weight), part in zip(self.games, self.slices, strict=True):
            if game.penalty:
                value = value + weight * game.penalty * self._slope(game, part, play)
        descend(adam, value)
        clip = max(game.clip for game, _ in self.games)
        if clip:
            with torch.no_grad():
                for weights in self.critic.parameters():
                    weights.clamp_(-clip, clip)

    def _critic_value(
        self, play: Play, made: torch.Tensor, weights: dict[str, torch.Tensor]
    ) -> torch.Tensor:
        """Returns what the critic minimises but for penalties, with `weights` replacing its own."""
        batch, critic = play.batch, self.critic
        assert critic is not None
        seen = torch.cat([self._seen(batch.targets, play), self._seen(made, play)])
        labels = torch.cat([batch.labels, batch.labels])
        scores, features = functional_call(critic, weights, (seen, labels))
        real_scores, made_scores = scores.chunk(2)
        real_features, made_features = features.chunk(2)
        terms: Terms = []
        for (game, weight), part in zip(self.games, self.slices, strict=True):
            assert game.critic is not None
            lost = game.critic(real_scores[:, part], made_scores[:, part], batch.labels)
            terms.append((game.loss, weight, lost))
        if critic.classify is not None:
            told = {
                "both": (features, labels),
                "real": (real_features, batch.labels),
                "made": (made_features, batch.source_labels),
            }
            classes, wanted = told[self.classified]
            lost = functional.cross_entropy(critic.classify(classes), wanted)
            terms.append(("loss_ce", 1.0, lost))
        if critic.regress is not None:
            terms += self._distances(critic.regress(made_features), self._noise(play))
        if self.compares == "consistency":
            _, mirrored = critic(self._seen(batch.targets.flip(3), play), batch.labels)
            terms += self._distances(mirrored, real_features)
        return self.sum.add(*terms)

    def _slope(self, game: Game, part: slice, play: Play) -> torch.Tensor:
        assert self.critic is not None
        critic, labels = self.critic, play.batch.labels
        return gradient_penalty(
            lambda images: critic(images, labels)[0][:, part],
            self._seen(play.batch.targets, play),
            self._seen(play.made.detach(), play),
            self.random,
            game.penalised,
        )

    def _objective(self, play: Play) -> torch.Tensor:
        """Returns what the generator minimises, summed and recorded term by term."""
        batch, made = play.batch, play.made
        terms: Terms = []
        if self.critic is None:
            for game, weight in self.games:
                for scale in (1, 4):
                    flat = _flat(batch.targets, scale), _flat(made, scale)
                    terms.append((game.loss, weight, game.generator(*flat, batch.labels)))
        else:
            terms += self._lost_games(self.critic, play)
        if play.divergence is not None:
            terms.append(("loss_kl", KL_WEIGHT, play.divergence))
        if self.compares == "pixels":
            terms += self._distances(made, batch.targets)
        elif self.compares == "cycle":
            wanted = play.inputs[:, : self.batches.channels]
            if self.inverse is not None:
                back = self.inverse(made)
            else:
                labels = functional.one_hot(batch.source_labels, self.batches.classes).float()
                back = self._made(self.batches.with_maps(made, labels))
            terms += self._distances(back, wanted)
        return self.sum.add(*terms)

    def _lost_games(self, critic: Critic, play: Play) -> Terms:
        """Returns the terms of the generator's objective that go through the critic."""
        batch, labels = play.batch, play.batch.labels
        critic.requires_grad_(False)
        weights = self._ahead(play)
        seen = self._seen(play.made, play)
        made_scores, made_features = functional_call(critic, weights, (seen, labels))
        with torch.no_grad():
            real = self._seen(batch.targets, play)
            real_scores, real_features = functional_call(critic, weights, (real, labels))
        terms: Terms = []
        for (game, weight), part in zip(self.games, self.slices, strict=True):
            lost = game.generator(real_scores[:, part], made_scores[:, part], labels)
            terms.append((game.loss, weight, lost))
        if critic.classify is not None and self.classified != "real":
            wanted = batch.source_labels if self.classified == "made" else labels
            lost = functional.cross_entropy(critic.classify(made_features), wanted)
            terms.append(("loss_ce", 1.0, lost))
        if critic.regress is not None:
            terms += self._distances(critic.regress(made_features), self._noise(play))
        if self.compares == "features":
            means = made_features.mean(0, keepdim=True), real_features.mean(0, keepdim=True)
            terms += self._distances(*means)
        for name, weight in self.options["terms"].items():
            if name == "loss_mmd":
                mmd = maximum_mean_discrepancy(made_features, real_features)
                terms.append((name, weight, mmd))
        if self.encoder is not None and self.options["encoder"] == "mode":
            mean, _ = self.encoder(2.0 * batch.targets - 1.0)
            rebuilt = self._made(self.batches.inputs(batch, noise=mean))
            terms += self._distances(rebuilt, batch.targets)
            scores, _ = critic(self._seen(rebuilt, play), labels)
            for (game, weight), part in zip(self.games, self.slices, strict=True):
                lost = game.generator(real_scores[:, part], scores[:, part], labels)
                terms.append((game.loss, MODE_WEIGHT * weight, lost))
        critic.requires_grad_(True)
        return terms

    def _ahead(self, play: Play) -> dict[str, torch.Tensor]:
        """Returns the critic's weights after the steps that the generator looks ahead."""
        assert self.critic is not None
        steps = max(game.unrolled for game, _ in self.games)
        if not steps:
            return {}
        weights = {
            name: value.detach().requires_grad_(True)
            for name, value in self.critic.named_parameters()
        }
        for _ in range(steps):
            value = self._critic_value(play, play.made, weights)
            # What predicts classes or codes has no part in the scores: its slope is zero.
            slopes = torch.autograd.grad(
                value, list(weights.values()), create_graph=True, materialize_grads=True
            )
            weights = {
                name: weight - UNROLLED_RATE * slope
                for (name, weight), slope in zip(weights.items(), slopes, strict=True)
            }
        return weights

    def _distances(self, first: torch.Tensor, second: torch.Tensor) -> Terms:
        """Returns the further terms that are distances, between `first` and `second`."""
        return [
            (name, weight, DISTANCES[name](first, second))
            for name, weight in self.options["terms"].items()
            if name in DISTANCES
        ]

    def _noise(self, play: Play) -> torch.Tensor:
        return play.inputs[:, : self.options["latent"]]

    def _seen(self, images: torch.Tensor, play: Play) -> torch.Tensor:
        """Returns the critic's input, with values around 0.

        Where the critic looks at the generator's inputs, these are joined to the images.
        """
        if self.looks_at_inputs:
            inputs = functional.interpolate(play.inputs[:, : self.batches.channels], size=self.size)
            images = torch.cat([images, inputs], dim=1)
        return 2.0 * images - 1.0


def _flat(images: torch.Tensor, scale: int) -> torch.Tensor:
    """Returns images averaged over squares of `scale` pixels, shape (images, features)."""
    return functional.avg_pool2d(images, scale).flatten(1)
