"""Multi-scale flows that follow a row of labels; their blocks are couplings.

`surjective_flow` goes from a coarse image to ever finer ones. Where the row has pooling, a coarser
image consists of the largest of each four pixels, and which of them it was is noise (the
max-pooling surjection of Nielsen et al., "SurVAE Flows", 2020); otherwise, of twice their average,
the first part of their Haar wavelet (Yu, Derpanis and Brubaker, "Wavelet Flow", 2020). Pooling
layers of the row are inside the couplings and keep the size. `conditional_flow` does the same from
a given thumbnail (after Lugmayr et al., "SRFlow", 2020), whose features, computed by the row's
other convolutions, scale those in the couplings.

The Gaussian of the coarsest image has the content's mean and covariance, which are not weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import nn
from torch.nn import functional

from gmbench.errors import GmbenchError
from gmbench.zoo.kinds.block_sizes import composition, shared
from gmbench.zoo.kinds.flow_networks import ActNorm, Inverted, OutputNonlinearity, Squeeze
from gmbench.zoo.layers import Options, nonlinearity, normalization

FAMILIES: tuple[str, ...] = ("surjective_flow", "conditional_flow")

COARSEST = 4
"""Height and width of the coarsest image of a flow from noise."""

NARROWEST = 0.02
"""Added to pixel differences, which are as small as noise, before taking their logarithm."""

BRANCHES = 3
"""Parallel branches that compute the features of a thumbnail."""


class ContentGaussian(nn.Module):
    """Gives noise the mean and the covariance of the first batch; nothing is trained."""

    ready: torch.Tensor
    mean: torch.Tensor
    root: torch.Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("root", torch.eye(features))
        self.register_buffer("ready", torch.tensor(False))

    def invert(self, x: torch.Tensor) -> Inverted:
        """Removes mean and correlations."""
        flat = x.flatten(1)
        if not self.ready:
            values, vectors = torch.linalg.eigh(torch.cov(flat.T.detach()))
            # A lower bound on the variances: a batch may have fewer images than features.
            self.root.copy_(vectors * values.clamp(min=values.max() * 1e-3).sqrt())
            self.mean.copy_(flat.mean(0).detach())
            self.ready.fill_(True)
        z = torch.linalg.solve(self.root, (flat - self.mean).T).T
        determinant = -torch.linalg.slogdet(self.root)[1]
        return z.reshape(x.shape), determinant.expand(len(x))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Restores mean and correlations."""
        return (z.flatten(1) @ self.root.T + self.mean).reshape(z.shape)


class ChannelCoupling(nn.Module):
    """Shifts and scales some channels as a function of the others.

    Args:
        channels: Channels of the values.
        changed: Indices of the channels to change.
        layers: Numbers of `conv`, `pool` and `norm` layers of the conditioner.
        width: Filters of the conditioner.
        row: The row of labels.
    """

    kept: torch.Tensor
    changed: torch.Tensor
    back: torch.Tensor

    def __init__(
        self,
        channels: int,
        changed: list[int],
        layers: Mapping[str, int],
        width: int,
        row: Options,
    ) -> None:
        super().__init__()
        kept = [place for place in range(channels) if place not in changed]
        for name, places in (
            ("kept", kept),
            ("changed", changed),
            ("back", torch.tensor([*kept, *changed]).argsort().tolist()),
        ):
            self.register_buffer(name, torch.tensor(places), persistent=False)
        convs = layers["conv"]
        if convs < 2:
            raise GmbenchError(f"A coupling with {convs} convolutions: give at least 2.")
        pools, norms = (shared(layers.get(kind, 0), [1] * (convs - 1)) for kind in ("pool", "norm"))
        self.first = nn.Conv2d(len(kept), width, 3, padding=1)
        parts: list[nn.Module] = []
        for place in range(1, convs):
            parts += [normalization(row["normalization"], width) for _ in range(norms[place - 1])]
            parts += [nn.MaxPool2d(3, 1, padding=1) for _ in range(pools[place - 1])]
            parts.append(nonlinearity(row["block_nonlinearity"]))
            after = width if place < convs - 1 else 2 * len(changed)
            parts.append(nn.Conv2d(width, after, 3, padding=1))
        self.rest = nn.Sequential(*parts)
        for module in (self.first, *self.rest):
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]
        # The coupling starts as the identity (Kingma and Dhariwal, 2018).
        nn.init.zeros_(self.rest[-1].weight)  # type: ignore[arg-type]

    def forward(self, x: torch.Tensor, known: torch.Tensor | None) -> torch.Tensor:
        """Maps from the noise side to the image side; `known` are features to scale by."""
        kept, changed = x[:, self.kept], x[:, self.changed]
        shift, log_scale = self._affine(kept, known)
        changed = changed * log_scale.exp() + shift
        return torch.cat([kept, changed], 1)[:, self.back]

    def invert(self, x: torch.Tensor, known: torch.Tensor | None) -> Inverted:
        """Undoes `forward`; also returns the log-determinant."""
        kept, changed = x[:, self.kept], x[:, self.changed]
        shift, log_scale = self._affine(kept, known)
        changed = (changed - shift) * (-log_scale).exp()
        return torch.cat([kept, changed], 1)[:, self.back], -log_scale.flatten(1).sum(1)

    def _affine(self, kept: torch.Tensor, known: torch.Tensor | None) -> Inverted:
        h = self.first(kept)
        shift, scale = self.rest(h if known is None else h * known).chunk(2, 1)
        return shift, 2 * torch.tanh(scale / 2)


class MaxPoolSurjection(nn.Module):
    """Maps between an image and the largest of each four pixels with the others' differences."""

    def invert(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Returns the largest of each four pixels, logarithmic differences and the log-determinant.

        Args:
            x: Shape (n, c, h, w).

        Returns:
            Shapes (n, c, h/2, w/2), (n, 3 c, h/2, w/2) and (n,).
        """
        four = torch.unflatten(functional.pixel_unshuffle(x, 2), 1, (x.shape[1], 4))
        largest, place = four.max(2)
        order = (place[:, :, None] + torch.arange(1, 4)[:, None, None]) % 4
        less = (largest[:, :, None] - four.gather(2, order)).transpose(1, 2).flatten(1, 2)
        logarithm = (less + NARROWEST).log()
        # The model gives each of the four places the same probability.
        determinant = -logarithm.flatten(1).sum(1) - place[0].numel() * math.log(4)
        return largest, logarithm, determinant

    def forward(
        self, largest: torch.Tensor, logarithm: torch.Tensor, noise: torch.Tensor
    ) -> torch.Tensor:
        """Undoes `invert`; Gaussian noise, shaped like `largest`, selects the largest pixel."""
        channels = largest.shape[1]
        less = (logarithm.exp() - NARROWEST).clamp(min=0)
        less = torch.unflatten(less, 1, (3, channels)).transpose(1, 2)
        less = functional.pad(less, (0, 0, 0, 0, 1, 0))
        place = (4 * torch.special.ndtr(noise)).long().clamp(0, 3)
        order = (torch.arange(4)[:, None, None] - place[:, :, None]) % 4
        four = largest[:, :, None] - less.gather(2, order)
        return functional.pixel_shuffle(four.flatten(1, 2), 2)


class InterpolatedHaar(Squeeze):
    """The same wavelet, up-sampled by interpolation: parts are enlarged and multiplied by signs."""

    def forward(self, y: torch.Tensor) -> torch.Tensor:
        """Maps (n, 4 c, h, w) to (n, c, 2 h, 2 w)."""
        large = torch.unflatten(functional.interpolate(y, scale_factor=2.0), 1, (4, -1))
        height, width = y.shape[2:]
        signs = self.mixing.reshape(4, 1, 2, 2).repeat(1, 1, height, width)
        fine: torch.Tensor = (large * signs).sum(1)
        return fine


class _Level(nn.Module):
    """The couplings of one scale: details given the coarse image.

    Args:
        channels: 1 or 3.
        blocks: Layers of each coupling.
        width: Filters.
        row: The row of labels.
    """

    def __init__(
        self, channels: int, blocks: list[dict[str, int]], width: int, row: Options
    ) -> None:
        super().__init__()
        self.norm = ActNorm(3 * channels)
        self.couplings = nn.ModuleList()
        for place, layers in enumerate(blocks):
            # First all details, given the coarse image alone; then one third of them at a time.
            first = channels * (1 + (place - 1) % 3) if place else channels
            changed = list(range(first, first + channels if place else 4 * channels))
            self.couplings.append(ChannelCoupling(4 * channels, changed, layers, width, row))
        self.channels = channels

    def invert(
        self, x: torch.Tensor, details: torch.Tensor, known: torch.Tensor | None
    ) -> Inverted:
        """Maps details, given the coarse image, to noise."""
        details, total = self.norm.invert(details, None)
        state = torch.cat([x, details], 1)
        for coupling in self.couplings:
            assert isinstance(coupling, ChannelCoupling)
            state, determinant = coupling.invert(state, known)
            total = total + determinant
        return state[:, self.channels :], total

    def forward(
        self, x: torch.Tensor, noise: torch.Tensor, known: torch.Tensor | None
    ) -> torch.Tensor:
        """Maps noise, given the coarse image, to that image and its details."""
        state = torch.cat([x, noise], 1)
        for coupling in reversed(self.couplings):
            state = coupling(state, known)
        details = self.norm(state[:, self.channels :], None)
        return torch.cat([state[:, : self.channels], details], 1)


class _Features(nn.Module):
    """Features of a thumbnail at two scales: parallel branches, then one convolution per scale."""

    def __init__(self, channels: int, convs: int, width: int, row: Options) -> None:
        super().__init__()
        self.branches = nn.ModuleList()
        for number in shared(convs - 2, [1] * BRANCHES):
            parts: list[nn.Module] = []
            for place in range(number):
                parts += [
                    nn.Conv2d(width if place else channels, width, 3, padding=1),
                    nonlinearity(row["block_nonlinearity"]),
                ]
            self.branches.append(nn.Sequential(*parts))
        self.heads = nn.ModuleList(
            nn.Conv2d(BRANCHES * width + (channels if scale else 0), width, 3, padding=1)
            for scale in range(2)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        for head in self.heads:
            # Factors near one, so that the features change little at first.
            nn.init.normal_(head.weight, std=1e-3)  # type: ignore[arg-type]
            nn.init.ones_(head.bias)  # type: ignore[arg-type]

    def forward(self, small: torch.Tensor) -> list[torch.Tensor]:
        """Returns factors at the thumbnail's size and at twice that."""
        seen = torch.cat([branch(small) for branch in self.branches], 1)
        enlarged = [functional.interpolate(part, scale_factor=2.0) for part in (small, seen)]
        return [self.heads[0](seen), self.heads[1](torch.cat(enlarged, 1))]


class RowFlow(nn.Module):
    """A multi-scale flow; see the module docstring.

    Args:
        family: One of `FAMILIES`.
        channels: 1 or 3.
        size: Height and width of the images.
        options: `row` and `width`; a conditional flow starts from images of a quarter of the size.
    """

    def __init__(self, family: str, channels: int, size: int, options: Options) -> None:
        super().__init__()
        row, width = options["row"], options["width"]
        self.channels, self.size = channels, size
        self.conditional = family == "conditional_flow"
        self.side = size // 4 if self.conditional else COARSEST
        levels = (size // self.side).bit_length() - 1
        self.pools = row["pool_layers"] > 0 and not self.conditional
        layers = {kind: row[f"{kind}_layers"] for kind in ("conv", "pool", "norm")}
        if self.conditional:
            features = layers["conv"] // 3
            layers["conv"] -= features
            self.features = _Features(channels, features, width, row)
        found = composition(layers, row["blocks"], row["layers_per_block"], tuple(layers), 2)
        # The largest blocks where maps are smallest.
        found.sort(key=lambda one: -sum(one.values()))
        numbers = shared(len(found), [1] * (levels + (not self.conditional)))
        self.top = nn.ModuleList()
        if not self.conditional:
            for place in range(numbers.pop(0)):
                half = 2 * channels
                changed = list(range(half)) if place % 2 else list(range(half, 2 * half))
                coupling = ChannelCoupling(2 * half, changed, found.pop(0), width, row)
                self.top.append(coupling)
            self.gaussian = ContentGaussian(channels * self.side**2)
            self.top_norm = ActNorm(4 * channels)
        self.levels = nn.ModuleList()
        for number in numbers:
            self.levels.append(_Level(channels, found[:number], width, row))
            found = found[number:]
        self.output = OutputNonlinearity(row["last_nonlinearity"])
        interpolates = row["upsampling"] == "interpolation"
        self.squeeze = (InterpolatedHaar if interpolates else Squeeze)(haar=True)
        self.surjection = MaxPoolSurjection()

    @property
    def noise_features(self) -> int:
        """Number of noise values per image."""
        sides = [self.side << level for level in range(len(self.levels))]
        fine = sum(self.channels * (3 + self.pools) * side**2 for side in sides)
        return fine + (0 if self.conditional else self.channels * self.side**2)

    def forward(self, z: torch.Tensor, small: torch.Tensor | None = None) -> torch.Tensor:
        """Returns images from noise.

        Args:
            z: Shape (n, noise features); those of the coarsest image come first.
            small: For a conditional flow, thumbnails as returned by `thumbnail`.

        Returns:
            Shape (n, channels, size, size), in the value range of the last non-linearity.
        """
        taken = 0
        known: list[torch.Tensor | None] = [None] * len(self.levels)
        if small is None:
            taken = self.channels * self.side**2
            noise = self.gaussian(z[:, :taken]).reshape(len(z), -1, self.side // 2, self.side // 2)
            for coupling in reversed(self.top):
                noise = coupling(noise, None)
            x = self.squeeze(self.top_norm(noise, None))
        else:
            x = small
            known = list(self.features(small))
        for level, features in zip(self.levels, known, strict=True):
            side = x.shape[2]
            number = 3 * self.channels * side**2
            noise = z[:, taken : taken + number].reshape(len(z), -1, side, side)
            taken += number
            state = level(x, noise, features)
            if self.pools:
                number = self.channels * side**2
                places = z[:, taken : taken + number].reshape(len(z), -1, side, side)
                taken += number
                coarse, details = state[:, : self.channels], state[:, self.channels :]
                x = self.surjection(coarse, details, places)
            else:
                x = self.squeeze(state)
        image: torch.Tensor = self.output(x)
        return image

    def thumbnail(self, image: torch.Tensor) -> torch.Tensor:
        """Returns the input of a conditional flow, of images in the range of the non-linearity."""
        x, _ = self.output.invert(image)
        for _ in self.levels:
            x = self.squeeze.invert(x)[:, : self.channels]
        return x

    def invert(self, image: torch.Tensor) -> Inverted:
        """Returns the noise of `image`, without that of places, and the log-determinant."""
        x, total = self.output.invert(image)
        split: list[tuple[torch.Tensor, torch.Tensor]] = []
        for _ in self.levels:
            if self.pools:
                x, details, determinant = self.surjection.invert(x)
                total = total + determinant
            else:
                squeezed = self.squeeze.invert(x)
                x, details = squeezed[:, : self.channels], squeezed[:, self.channels :]
            split.insert(0, (x, details))
        known: list[torch.Tensor | None] = [None] * len(self.levels)
        parts = []
        if self.conditional:
            known = list(self.features(x))
        else:
            top, determinant = self.top_norm.invert(self.squeeze.invert(x), None)
            total = total + determinant
            for coupling in self.top:
                assert isinstance(coupling, ChannelCoupling)
                top, determinant = coupling.invert(top, None)
                total = total + determinant
            top, determinant = self.gaussian.invert(top)
            total = total + determinant
            parts.append(top.flatten(1))
        for level, (coarse, details), features in zip(self.levels, split, known, strict=True):
            assert isinstance(level, _Level)
            noise, determinant = level.invert(coarse, details, features)
            total = total + determinant
            parts.append(noise.flatten(1))
        return torch.cat(parts, 1), total
