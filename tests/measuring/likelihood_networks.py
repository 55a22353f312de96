"""Well-known networks that are trained by likelihood or to denoise, rebuilt in a few lines each."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import Tensor, nn


class MaskedLinear(nn.Linear):
    """A fully connected layer, some of whose weights are masked out."""

    mask: Tensor

    def __init__(self, inner: int, outer: int) -> None:
        super().__init__(inner, outer)
        self.register_buffer("mask", torch.tril(torch.ones(outer, inner)))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.mask, self.bias)


def made(pixels: int = 784, hidden: int = 8000) -> nn.Sequential:
    """MADE with one hidden layer."""
    return nn.Sequential(
        MaskedLinear(pixels, hidden), nn.ReLU(), MaskedLinear(hidden, pixels), nn.Sigmoid()
    )


class MaskedConv(nn.Conv2d):
    """A convolution that sees earlier pixels alone."""

    mask: Tensor

    def __init__(self, inner: int, outer: int, *, blind: bool) -> None:
        super().__init__(inner, outer, 7, padding=3, bias=False)
        mask = torch.ones_like(self.weight)
        mask[:, :, 3, 3 + (not blind) :] = 0
        mask[:, :, 4:] = 0
        self.register_buffer("mask", mask)

    def forward(self, x: Tensor) -> Tensor:
        self.weight.data *= self.mask
        return super().forward(x)


def pixelcnn(width: int = 64) -> nn.Sequential:
    """PixelCNN: eight masked convolutions with norms, and a distribution over 256 values."""
    layers: list[nn.Module] = []
    for place in range(8):
        layers += [
            MaskedConv(width if place else 1, width, blind=not place),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers, nn.Conv2d(width, 256, 1))


class GatedResidual(nn.Module):
    """One residual layer of a gated PixelCNN."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.out = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.conv(x).chunk(2, dim=1)
        out: Tensor = x + self.out(torch.tanh(a) * torch.sigmoid(b))
        return out


class BetaVAE(nn.Module):
    """The encoder and decoder of Burgess et al., grey images of 32 px."""

    def __init__(self, latent: int = 10) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 32, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(32, 32, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(32, 32, 4, 2, 1), nn.ReLU(),
            nn.Flatten(), nn.Linear(512, 256), nn.ReLU(),
            nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 2 * latent),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Linear(latent, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(),
            nn.Linear(256, 512), nn.ReLU(), nn.Unflatten(1, (32, 4, 4)),
            nn.ConvTranspose2d(32, 32, 4, 2, 1), nn.ReLU(),
            nn.ConvTranspose2d(32, 32, 4, 2, 1), nn.ReLU(),
            nn.ConvTranspose2d(32, 1, 4, 2, 1), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        z = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        return self.decoder(z), mean, log_variance


def coupling_net(channels: int, hidden: int = 16) -> nn.Sequential:
    """What Glow puts in a coupling layer; two outputs for each input channel."""
    return nn.Sequential(
        nn.Conv2d(channels, hidden, 3, padding=1), nn.ReLU(),
        nn.Conv2d(hidden, hidden, 1), nn.ReLU(),
        nn.Conv2d(hidden, 2 * channels, 3, padding=1),
    )  # fmt: skip


class GlowStep(nn.Module):
    """Activation norm, an invertible 1x1 convolution, an affine coupling."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.mixing = nn.Parameter(torch.eye(channels)[:, :, None, None])
        self.net = coupling_net(channels // 2)

    def forward(self, x: Tensor, log_det: Tensor) -> tuple[Tensor, Tensor]:
        x = F.conv2d((x + self.bias) * self.scale, self.mixing)
        first, second = x.chunk(2, dim=1)
        log_scale, shift = self.net(first).chunk(2, dim=1)
        second = (second + shift) * torch.sigmoid(log_scale + 2)
        log_det = log_det + F.logsigmoid(log_scale + 2).flatten(1).sum(1)
        return torch.cat((first, second), dim=1), log_det


class Glow(nn.Module):
    """Steps of a flow on images squeezed to a quarter."""

    def __init__(self, steps: int = 4, channels: int = 3) -> None:
        super().__init__()
        self.steps = nn.ModuleList(GlowStep(4 * channels) for _ in range(steps))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x, log_det = F.pixel_unshuffle(x, 2), torch.zeros(len(x))
        for step in self.steps:
            x, log_det = step(x, log_det)
        return F.pixel_shuffle(x, 2), log_det


class RealNVP(nn.Module):
    """Couplings with checkerboard masks; scale and shift have networks of their own."""

    mask: Tensor

    def __init__(self, steps: int = 3) -> None:
        super().__init__()
        self.scales = nn.ModuleList(self._net() for _ in range(steps))
        self.shifts = nn.ModuleList(self._net() for _ in range(steps))
        checkerboard = torch.arange(8)[:, None] + torch.arange(8)
        self.register_buffer("mask", (checkerboard % 2).float()[None, None])

    @staticmethod
    def _net() -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1), nn.Tanh()
        )

    def forward(self, x: Tensor) -> Tensor:
        for place, (scale, shift) in enumerate(zip(self.scales, self.shifts, strict=True)):
            mask = self.mask if place % 2 else 1 - self.mask
            kept = x * mask
            x = kept + (1 - mask) * (x * torch.exp(scale(kept)) + shift(kept))
        return x


class DoubleConv(nn.Sequential):
    """Two convolutions with norms, the building block of the first U-Net."""

    def __init__(self, inner: int, outer: int) -> None:
        super().__init__(
            nn.Conv2d(inner, outer, 3, padding=1), nn.BatchNorm2d(outer), nn.ReLU(),
            nn.Conv2d(outer, outer, 3, padding=1), nn.BatchNorm2d(outer), nn.ReLU(),
        )  # fmt: skip


class UNet(nn.Module):
    """The first U-Net with two levels and one pooling module for both."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(2)
        self.down1, self.down2, self.middle = (
            DoubleConv(3, 8),
            DoubleConv(8, 16),
            DoubleConv(16, 32),
        )
        self.up2, self.conv2 = nn.ConvTranspose2d(32, 16, 2, 2), DoubleConv(32, 16)
        self.up1, self.conv1 = nn.ConvTranspose2d(16, 8, 2, 2), DoubleConv(16, 8)
        self.last = nn.Conv2d(8, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        one = self.down1(x)
        two = self.down2(self.pool(one))
        x = self.middle(self.pool(two))
        x = self.conv2(torch.cat((two, self.up2(x)), dim=1))
        x = self.conv1(torch.cat((one, self.up1(x)), dim=1))
        return torch.sigmoid(self.last(x))


class TimeBlock(nn.Module):
    """DDPM's residual block: group norms, and the time added between two convolutions."""

    def __init__(self, inner: int, outer: int, time: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(4, inner), nn.GroupNorm(4, outer)
        self.conv1 = nn.Conv2d(inner, outer, 3, padding=1)
        self.conv2 = nn.Conv2d(outer, outer, 3, padding=1)
        self.time = nn.Linear(time, outer)
        self.shortcut = nn.Conv2d(inner, outer, 1) if inner != outer else nn.Identity()

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        h = self.conv1(swish(self.norm1(x))) + self.time(swish(time))[:, :, None, None]
        out: Tensor = self.shortcut(x) + self.conv2(swish(self.norm2(h)))
        return out


class Attention(nn.Module):
    """Self-attention between all pixels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(4, channels)
        self.qkv, self.out = nn.Conv2d(channels, 3 * channels, 1), nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(self.norm(x)).flatten(2).chunk(3, dim=1)
        weights = torch.softmax(q.transpose(1, 2) @ k, dim=-1)
        out: Tensor = x + self.out((v @ weights.transpose(1, 2)).view_as(x))
        return out


class DDPM(nn.Module):
    """A small denoising U-Net with a time embedding and attention in the middle."""

    def __init__(self) -> None:
        super().__init__()
        self.time = nn.Sequential(nn.Linear(8, 32), nn.SiLU(), nn.Linear(32, 32))
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.down1, self.down2 = TimeBlock(8, 8, 32), TimeBlock(8, 16, 32)
        self.shrink, self.grow = nn.Conv2d(8, 8, 3, 2, 1), nn.Conv2d(16, 16, 3, padding=1)
        self.middle1, self.attention, self.middle2 = (
            TimeBlock(16, 16, 32), Attention(16), TimeBlock(16, 16, 32)
        )  # fmt: skip
        self.up = TimeBlock(24, 8, 32)
        self.last = nn.Sequential(nn.GroupNorm(4, 8), nn.SiLU(), nn.Conv2d(8, 3, 3, padding=1))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        angles = t[:, None].float() * torch.logspace(0, -3, 4)
        time = self.time(torch.cat((angles.sin(), angles.cos()), dim=1))
        one = self.down1(self.first(x), time)
        two = self.down2(self.shrink(one), time)
        h = self.middle2(self.attention(self.middle1(two, time)), time)
        h = self.grow(F.interpolate(h, scale_factor=2.0))
        out: Tensor = self.last(self.up(torch.cat((h, one), dim=1), time))
        return out


def swish(x: Tensor) -> Tensor:
    """SiLU as DDPM's first code writes it."""
    return x * torch.sigmoid(x)
