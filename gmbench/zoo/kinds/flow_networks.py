"""Invertible layers, and the multi-scale network of the flows.

Each layer has two directions: `forward` generates (from noise to image), and `invert` goes back and
also returns the logarithm of the determinant of its own Jacobian, shape (n,). A layer may be
conditioned on what is already known: `context`, maps of the same height and width.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from gmbench.zoo.layers import LEAKY_SLOPE, Options, nonlinearity, normalization, sequence

MARGIN = 0.05
"""Distance of black and white from the limits of the sigmoid, which are reached at infinity."""

Inverted = tuple[torch.Tensor, torch.Tensor]


class OutputNonlinearity(nn.Module):
    """The last layer: from unbounded numbers to the value range of its non-linearity.

    ReLU is inverted only on the positive side, where all dequantised pixels lie; values that the
    model puts below zero become black.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.nonlinearity = nonlinearity(name)

    def forward(self, y: torch.Tensor) -> torch.Tensor:
        """Returns values in `gmbench.zoo.pixels.VALUE_RANGES`, bounded ones slightly beyond."""
        value: torch.Tensor = self.nonlinearity(y)
        if self.name == "sigmoid":
            return (value - MARGIN) / (1 - 2 * MARGIN)
        return value / (1 - MARGIN) if self.name == "tanh" else value

    def invert(self, x: torch.Tensor) -> Inverted:
        """Returns the numbers that `forward` maps to `x`, and the log-determinant."""
        if self.name == "sigmoid":
            p = MARGIN + (1 - 2 * MARGIN) * x
            slope = (1 - 2 * MARGIN) / (p * (1 - p))
            return torch.logit(p), slope.log().flatten(1).sum(1)
        if self.name == "tanh":
            p = (1 - MARGIN) * x
            slope = (1 - MARGIN) / (1 - p.square())
            return torch.atanh(p), slope.log().flatten(1).sum(1)
        if self.name == "leaky_relu":
            steep = x < 0
            determinant = steep.flatten(1).sum(1) * -math.log(LEAKY_SLOPE)
            return torch.where(steep, x / LEAKY_SLOPE, x), determinant.to(x.dtype)
        return x, x.new_zeros(len(x))


class Squeeze(nn.Module):
    """Halves height and width; the first channels hold the coarse image, the others its details.

    Args:
        haar: Use the orthonormal Haar wavelet of each 2 x 2 pixels, whose coarse part is twice the
            average (Yu, Derpanis and Brubaker, "Wavelet Flow", 2020), instead of the pixels
            themselves (Dinh, Sohl-Dickstein and Bengio, "Real NVP", 2017).
    """

    mixing: torch.Tensor

    def __init__(self, haar: bool) -> None:
        super().__init__()
        signs = torch.tensor([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])
        self.register_buffer("mixing", signs / 2.0 if haar else torch.eye(4), persistent=False)

    def invert(self, x: torch.Tensor) -> torch.Tensor:
        """Maps (n, c, h, w) to (n, 4 c, h / 2, w / 2); the determinant is one."""
        parts = functional.pixel_unshuffle(x, 2)
        parts = parts.reshape(len(x), x.shape[1], 4, *parts.shape[2:])
        return torch.einsum("ij,ncjhw->nichw", self.mixing, parts).flatten(1, 2)

    def forward(self, y: torch.Tensor) -> torch.Tensor:
        """Maps (n, 4 c, h, w) to (n, c, 2 h, 2 w)."""
        parts = torch.einsum("ij,nichw->ncjhw", self.mixing, y.reshape(len(y), 4, -1, *y.shape[2:]))
        return functional.pixel_shuffle(parts.flatten(1, 2), 2)


class InvertibleLayer(nn.Module):
    """A layer with two directions that may be conditioned on a context."""

    def invert(self, x: torch.Tensor, context: torch.Tensor | None) -> Inverted:
        """Maps from the image side to the noise side, with the log-determinant, shape (n,)."""
        raise NotImplementedError


class ActNorm(InvertibleLayer):
    """A shift and a scale per channel, set by the first batch (Kingma and Dhariwal, 2018)."""

    ready: torch.Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.log_scale = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.register_buffer("ready", torch.tensor(False))

    def invert(self, x: torch.Tensor, context: torch.Tensor | None) -> Inverted:
        """Standardises each channel; the parameters are initialised from the first batch."""
        if not self.ready:
            with torch.no_grad():
                self.shift.copy_(x.mean((0, 2, 3), keepdim=True))
                spread = x.std((0, 2, 3), keepdim=True).clamp(min=1e-4)
                self.log_scale.copy_(spread.log())
                self.ready.fill_(True)
        determinant = -self.log_scale.sum() * x.shape[2] * x.shape[3]
        return (x - self.shift) * (-self.log_scale).exp(), determinant.expand(len(x))

    def forward(self, z: torch.Tensor, context: torch.Tensor | None) -> torch.Tensor:
        """Undoes `invert`."""
        return z * self.log_scale.exp() + self.shift


class InvertibleConvolution(InvertibleLayer):
    """1 x 1 convolution that mixes channels (Kingma and Dhariwal, "Glow", 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        rotation, _ = torch.linalg.qr(torch.randn(channels, channels))
        self.weight = nn.Parameter(rotation)

    def invert(self, x: torch.Tensor, context: torch.Tensor | None) -> Inverted:
        """Multiplies each pixel's channels by the inverse of the weight."""
        determinant = -torch.linalg.slogdet(self.weight)[1] * x.shape[2] * x.shape[3]
        inverse = torch.linalg.inv(self.weight)
        return functional.conv2d(x, inverse[:, :, None, None]), determinant.expand(len(x))

    def forward(self, z: torch.Tensor, context: torch.Tensor | None) -> torch.Tensor:
        """Multiplies each pixel's channels by the weight."""
        return functional.conv2d(z, self.weight[:, :, None, None])


class Whitening(InvertibleLayer):
    """Fully connected invertible layer, set by the first batch to its principal components."""

    ready: torch.Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("ready", torch.tensor(False))

    def invert(self, x: torch.Tensor, context: torch.Tensor | None) -> Inverted:
        """Removes correlations."""
        flat = x.flatten(1)
        if not self.ready:
            with torch.no_grad():
                # A lower bound on the variances: a batch may have fewer images than features.
                values, vectors = torch.linalg.eigh(torch.cov(flat.T))
                floor = values.max() * 1e-3
                self.linear.weight.copy_(vectors * values.clamp(min=floor).sqrt())
                self.linear.bias.copy_(flat.mean(0))
                self.ready.fill_(True)
        z = torch.linalg.solve(self.linear.weight, (flat - self.linear.bias).T).T
        determinant = -torch.linalg.slogdet(self.linear.weight)[1]
        return z.reshape(x.shape), determinant.expand(len(x))

    def forward(self, z: torch.Tensor, context: torch.Tensor | None) -> torch.Tensor:
        """Restores correlations."""
        made: torch.Tensor = self.linear(z.flatten(1))
        return made.reshape(z.shape)


class Conditioner(nn.Module):
    """The network inside a coupling: residual or plain blocks between two convolutions."""

    def __init__(self, inputs: int, outputs: int, width: int, options: Options) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, width, 3, padding=1)
        self.blocks = nn.ModuleList()
        for _ in range(options["blocks"]):
            layers: list[nn.Module] = []
            for _ in range(options["layers_per_block"]):
                layers += [
                    normalization(options["normalization"], width),
                    nonlinearity(options["block_nonlinearity"]),
                    nn.Conv2d(width, width, 3, padding=1),
                ]
            self.blocks.append(sequence(layers))
        self.residual = bool(options["residual"])
        self.nonlinearity = nonlinearity(options["block_nonlinearity"])
        self.last = nn.Conv2d(width, outputs, 3, padding=1)
        # The coupling starts as the identity (Kingma and Dhariwal, 2018).
        nn.init.zeros_(self.last.weight)
        if self.last.bias is not None:
            nn.init.zeros_(self.last.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps (n, inputs, h, w) to (n, outputs, h, w)."""
        x = self.first(x)
        for block in self.blocks:
            x = x + block(x) if self.residual else block(x)
        out: torch.Tensor = self.last(self.nonlinearity(x))
        return out


class AffineCoupling(InvertibleLayer):
    """Shifts and scales one part of the values as a function of the other part.

    Args:
        channels: Channels of the values.
        context: Channels of the context.
        mask: Which values are kept: `channel` (the first half), `checkerboard` (every second
            pixel), or `none` (all are changed, given the context alone).
        swapped: Exchange the two parts.
        width: Filters of the conditioner.
        options: The options of the GM.
    """

    def __init__(
        self,
        channels: int,
        context: int,
        mask: str,
        swapped: bool,
        width: int,
        options: Options,
    ) -> None:
        super().__init__()
        self.mask, self.swapped = mask, swapped
        self.conditioner = Conditioner(channels + context, 2 * channels, width, options)

    def invert(self, x: torch.Tensor, context: torch.Tensor | None) -> Inverted:
        """Removes shift and scale."""
        kept = self._kept(x)
        shift, log_scale = self._affine(x * kept, context, kept)
        return (x - shift) * (-log_scale).exp(), -log_scale.flatten(1).sum(1)

    def forward(self, z: torch.Tensor, context: torch.Tensor | None) -> torch.Tensor:
        """Applies scale and shift."""
        kept = self._kept(z)
        shift, log_scale = self._affine(z * kept, context, kept)
        return z * log_scale.exp() + shift

    def _affine(
        self, x: torch.Tensor, context: torch.Tensor | None, kept: torch.Tensor
    ) -> Inverted:
        heard = x if context is None else torch.cat([x, context], 1)
        shift, scale = self.conditioner(heard).chunk(2, 1)
        # Scales between 1/e^2 and e^2 keep the inverse from diverging.
        return shift * (1 - kept), 2 * torch.tanh(scale / 2) * (1 - kept)

    def _kept(self, x: torch.Tensor) -> torch.Tensor:
        _, channels, height, width = x.shape
        if self.mask == "none":
            return x.new_zeros(1, 1, 1, 1)
        if self.mask == "channel":
            kept = (torch.arange(channels) < (channels + 1) // 2)[None, :, None, None]
        else:
            rows, columns = torch.arange(height), torch.arange(width)
            kept = ((rows[:, None] + columns) % 2 == 0)[None, None]
        return (~kept if self.swapped else kept).to(x.dtype)


class FlowNetwork(nn.Module):
    """A multi-scale flow: a coarse image first, then at each scale the details that it lacks.

    Details are factored out before they are transformed, and are transformed given the coarse
    image, so that each scale is a conditional flow (as in Wavelet Flow).

    Args:
        glow: Use steps of actnorm, 1 x 1 convolution and channel coupling; otherwise, steps of
            actnorm and a coupling whose mask alternates between checkerboard and channels (Real
            NVP).
        channels: 1 or 3.
        size: Height and width of the images.
        options: The options of the GM.
    """

    def __init__(self, glow: bool, channels: int, size: int, options: Options) -> None:
        super().__init__()
        self.channels, self.coarse = channels, options["coarse"]
        self.output = OutputNonlinearity(options["last_nonlinearity"])
        self.squeeze = Squeeze(options["haar"])
        self.scales = nn.ModuleList()
        side = size // 2
        while side >= self.coarse:
            # Large maps cost the most, and their details are the simplest.
            width = options["width"] if side <= 8 else max(options["width"] // 2, 8)
            steps = options["steps"] if side <= 8 else max(options["steps"] // 2, 1)
            known = channels
            layers: list[nn.Module] = [
                ActNorm(3 * channels),
                AffineCoupling(3 * channels, known, "none", False, width, options),
                *_steps(glow, 3 * channels, known, steps if side <= 16 else 0, width, options),
            ]
            self.scales.append(nn.ModuleList(layers))
            side //= 2
        features = channels * self.coarse**2
        # The coarse image is small and shows what the content is, so it gets more steps.
        top = _steps(glow, channels, 0, 2 * options["steps"], options["width"], options)
        # Whitening is next to the noise, so that the couplings see pixels rather than principal
        # components. Couplings alone learn the coarse image too slowly for a short training.
        self.top = nn.ModuleList([ActNorm(channels), *top, Whitening(features)])

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Returns images from noise.

        Args:
            z: Shape (n, channels * size * size); the noise of the coarse image comes first.

        Returns:
            Shape (n, channels, size, size), in the value range of the last non-linearity.
        """
        taken = self.channels * self.coarse**2
        x = z[:, :taken].reshape(-1, self.channels, self.coarse, self.coarse)
        for layer in reversed(self.top):
            x = layer(x, None)
        for scale in reversed(self.scales):
            assert isinstance(scale, nn.ModuleList)
            number = 3 * x[0].numel()
            details = z[:, taken : taken + number].reshape(len(x), -1, *x.shape[2:])
            taken += number
            for layer in reversed(scale):
                details = layer(details, x)
            x = self.squeeze(torch.cat([x, details], 1))
        image: torch.Tensor = self.output(x)
        return image

    def invert(self, image: torch.Tensor) -> Inverted:
        """Returns the noise of `image`, in the order of `forward`, and the log-determinant."""
        x, total = self.output.invert(image)
        parts: list[torch.Tensor] = []
        for scale in self.scales:
            assert isinstance(scale, nn.ModuleList)
            squeezed = self.squeeze.invert(x)
            x, details = squeezed[:, : self.channels], squeezed[:, self.channels :]
            for layer in scale:
                assert isinstance(layer, InvertibleLayer)
                details, determinant = layer.invert(details, x)
                total = total + determinant
            parts.append(details.flatten(1))
        for layer in self.top:
            assert isinstance(layer, InvertibleLayer)
            x, determinant = layer.invert(x, None)
            total = total + determinant
        return torch.cat([x.flatten(1), *reversed(parts)], 1), total


def _steps(
    glow: bool, channels: int, context: int, number: int, width: int, options: Options
) -> list[nn.Module]:
    """Returns the layers of `number` flow steps, in the order of `invert`."""
    layers: list[nn.Module] = []
    for step in range(number):
        layers.append(ActNorm(channels))
        if glow:
            layers.append(InvertibleConvolution(channels))
        # One channel cannot be split in two; two neighbouring steps swap the parts.
        by_channel = channels > 1 and (glow or step % 4 >= 2)
        mask = "channel" if by_channel else "checkerboard"
        layers.append(AffineCoupling(channels, context, mask, step % 2 == 1, width, options))
    return layers
