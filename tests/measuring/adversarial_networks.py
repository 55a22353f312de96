"""Networks of well-known GANs, rebuilt in a few lines each; the tests count them by hand."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import Tensor, nn


def deconvolutions(
    widths: Sequence[int], kernel: int, stride: int = 1, padding: int = 0, further: int = 0
) -> list[nn.Module]:
    """Deconvolutions, each with its norm and ReLU; `further` is their output padding."""
    return [
        layer
        for inner, outer in pairwise(widths)
        for layer in (
            nn.ConvTranspose2d(inner, outer, kernel, stride, padding, further),
            nn.BatchNorm2d(outer),
            nn.ReLU(),
        )
    ]


def dcgan(*, latent: int = 128, channels: int = 3) -> nn.Sequential:
    """DCGAN's generator at 64 px: a fully connected layer and four strided deconvolutions."""
    return nn.Sequential(
        nn.Linear(latent, 512 * 4 * 4),
        nn.Unflatten(1, (512, 4, 4)),
        nn.BatchNorm2d(512),
        nn.ReLU(),
        *deconvolutions((512, 256, 128, 64), 5, 2, 2, 1),
        nn.ConvTranspose2d(64, channels, 5, 2, 2, output_padding=1),
        nn.Tanh(),
    )


def dcgan_discriminator() -> nn.Sequential:
    """The counterpart of `dcgan`."""
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 5, 2, 2), nn.LeakyReLU(0.2)]
    for inner, outer in ((64, 128), (128, 256), (256, 512)):
        layers += [nn.Conv2d(inner, outer, 5, 2, 2), nn.BatchNorm2d(outer), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512 * 4 * 4, 1))


def wgan() -> nn.Sequential:
    """A generator of deconvolutions alone; the first one widens a 1x1 latent."""
    return nn.Sequential(
        *deconvolutions((100, 1024), 4),
        *deconvolutions((1024, 512, 256, 128), 4, 2, 1),
        nn.ConvTranspose2d(128, 3, 4, 2, 1),
        nn.Tanh(),
    )


def standard_cnn() -> nn.Sequential:
    """The plain generator of SNGAN at 32 px, as RSGAN takes it, a quarter as wide."""
    return nn.Sequential(
        nn.Linear(128, 512 * 4 * 4),
        nn.Unflatten(1, (512, 4, 4)),
        *deconvolutions((512, 256, 128, 64), 4, 2, 1),
        nn.Conv2d(64, 3, 3, padding=1),
        nn.Tanh(),
    )


class UpBlock(nn.Module):
    """A pre-activation residual block that doubles the image, with a projected shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.shortcut = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = F.interpolate(F.relu(self.norm1(x)), scale_factor=2)
        h = self.conv2(F.relu(self.norm2(self.conv1(h))))
        out: Tensor = h + self.shortcut(F.interpolate(x, scale_factor=2))
        return out


class SNGANResNet(nn.Module):
    """SNGAN's residual generator at 32 px."""

    def __init__(self, width: int = 256, latent: int = 128) -> None:
        super().__init__()
        self.fc = nn.Linear(latent, width * 4 * 4)
        self.blocks = nn.ModuleList(UpBlock(width) for _ in range(3))
        self.norm = nn.BatchNorm2d(width)
        self.last = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        x = self.fc(z).view(len(z), -1, 4, 4)
        for block in self.blocks:
            x = block(x)
        return torch.tanh(self.last(F.relu(self.norm(x))))


class ResidualBlock(nn.Module):
    """Two convolutions with norms, and what went in added."""

    def __init__(self, channels: int, norm: type[nn.Module] = nn.BatchNorm2d) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            norm(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            norm(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.body(x)
        return out


def cyclegan(blocks: int = 9, norm: type[nn.Module] = nn.InstanceNorm2d) -> nn.Sequential:
    """CycleGAN's generator: two convolutions down, residual blocks, two up."""
    return nn.Sequential(
        nn.ReflectionPad2d(3), nn.Conv2d(3, 64, 7), norm(64), nn.ReLU(),
        nn.Conv2d(64, 128, 3, 2, 1), norm(128), nn.ReLU(),
        nn.Conv2d(128, 256, 3, 2, 1), norm(256), nn.ReLU(),
        *[ResidualBlock(256, norm) for _ in range(blocks)],
        nn.ConvTranspose2d(256, 128, 3, 2, 1, output_padding=1), norm(128), nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 3, 2, 1, output_padding=1), norm(64), nn.ReLU(),
        nn.ReflectionPad2d(3), nn.Conv2d(64, 3, 7), nn.Tanh(),
    )  # fmt: skip


class Pix2Pix(nn.Module):
    """pix2pix's U-Net at 256 px, in the variant with instance norm."""

    def __init__(self) -> None:
        super().__init__()
        widths = [(3, 64), (64, 128), (128, 256), (256, 512), *[(512, 512)] * 4]
        self.downs = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(inner, outer, 4, 2, 1, bias=False),
                *([nn.InstanceNorm2d(outer)] if 0 < level < 7 else []),
                nn.LeakyReLU(0.2),
            )
            for level, (inner, outer) in enumerate(widths)
        )
        ups = [(512, 512), *[(1024, 512)] * 3, (1024, 256), (512, 128), (256, 64)]
        self.ups = nn.ModuleList(
            nn.Sequential(
                nn.ConvTranspose2d(inner, outer, 4, 2, 1, bias=False),
                nn.InstanceNorm2d(outer),
                nn.ReLU(),
            )
            for inner, outer in ups
        )
        self.final = nn.Sequential(
            nn.Upsample(scale_factor=2),
            nn.ZeroPad2d((1, 0, 1, 0)),
            nn.Conv2d(128, 3, 4, padding=1),
            nn.Tanh(),
        )

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for down in self.downs:
            x = down(x)
            kept.append(x)
        for up, skip in zip(self.ups, kept[-2::-1], strict=True):
            x = torch.cat((up(x), skip), 1)
        out: Tensor = self.final(x)
        return out


def upsampling_generator(*, latent: int = 100, first_norm: bool = True) -> nn.Sequential:
    """The generator of SGAN, InfoGAN and, without its first norm, EBGAN; 32 px, grey."""
    return nn.Sequential(
        nn.Linear(latent, 128 * 8 * 8), nn.Unflatten(1, (128, 8, 8)),
        *([nn.BatchNorm2d(128)] if first_norm else []),
        nn.Upsample(scale_factor=2), nn.Conv2d(128, 128, 3, padding=1),
        nn.BatchNorm2d(128), nn.LeakyReLU(0.2),
        nn.Upsample(scale_factor=2), nn.Conv2d(128, 64, 3, padding=1),
        nn.BatchNorm2d(64), nn.LeakyReLU(0.2),
        nn.Conv2d(64, 1, 3, padding=1), nn.Tanh(),
    )  # fmt: skip


class ConditionalMLP(nn.Module):
    """The MLP generator of CGAN at 32 px, grey: the digit's embedding joins the latent."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 10)
        self.body = mlp((110, 128, 256, 512, 1024, 1024), norm_from=1)

    def forward(self, z: Tensor, digit: Tensor) -> Tensor:
        out: Tensor = self.body(torch.cat((self.embedding(digit), z), -1))
        return out


def mlp(widths: Sequence[int], *, norm_from: int = 0) -> nn.Sequential:
    """Fully connected layers; between them norms, from `norm_from` on, and leaky ReLU."""
    layers: list[nn.Module] = []
    for place, (inner, outer) in enumerate(pairwise(widths[:-1])):
        layers.append(nn.Linear(inner, outer))
        if place >= norm_from:
            layers.append(nn.BatchNorm1d(outer))
        layers.append(nn.LeakyReLU(0.2))
    return nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1]), nn.Tanh())


class PixelDA(nn.Module):
    """PixelDA's generator at 32 px: noise as a fourth channel, six residual blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(10, 3 * 32 * 32)
        self.first = nn.Sequential(nn.Conv2d(6, 64, 3, padding=1), nn.ReLU())
        self.blocks = nn.Sequential(*[ResidualBlock(64) for _ in range(6)])
        self.last = nn.Sequential(nn.Conv2d(64, 3, 3, padding=1), nn.Tanh())

    def forward(self, image: Tensor, z: Tensor) -> Tensor:
        x = torch.cat((image, self.fc(z).view(len(z), 3, 32, 32)), 1)
        out: Tensor = self.last(self.blocks(self.first(x)))
        return out


class PixelNorm(nn.Module):
    """Each pixel's features scaled to unit length."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt((x**2).mean(dim=1, keepdim=True) + 1e-8)


class AdaIN(nn.Module):
    """Adaptive instance norm, written by hand."""

    def __init__(self, channels: int, style: int) -> None:
        super().__init__()
        self.style = nn.Linear(style, 2 * channels)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        mean = x.mean((2, 3), keepdim=True)
        deviation = x.var((2, 3), keepdim=True).add(1e-5).sqrt()
        scale, bias = self.style(w)[:, :, None, None].chunk(2, 1)
        out: Tensor = (x - mean) / deviation * (1 + scale) + bias
        return out


class StyleGAN(nn.Module):
    """StyleGAN at 16 px: a mapping network, a learned constant, noise, a blur, AdaIN."""

    blur: Tensor

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        mapping = [nn.Sequential(nn.Linear(64, 64), nn.LeakyReLU(0.2)) for _ in range(8)]
        self.mapping = nn.Sequential(PixelNorm(), *mapping)
        self.constant = nn.Parameter(torch.ones(1, width, 4, 4))
        self.noise = nn.ParameterList(torch.zeros(1, width, 1, 1) for _ in range(5))
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(5))
        self.adains = nn.ModuleList(AdaIN(width, 64) for _ in range(5))
        self.to_rgb = nn.Conv2d(width, 3, 1)
        self.register_buffer("blur", torch.full((width, 1, 3, 3), 1 / 9))

    def forward(self, z: Tensor) -> Tensor:
        w = self.mapping(z)
        x = self.constant.expand(len(z), -1, -1, -1)
        for place, (conv, noise, adain) in enumerate(
            zip(self.convs, self.noise, self.adains, strict=True)
        ):
            if place in (1, 3):
                x = F.interpolate(x, scale_factor=2, mode="bilinear")
                x = F.conv2d(x, self.blur, padding=1, groups=x.shape[1])
            x = conv(x)
            x = F.leaky_relu(x + noise * torch.randn_like(x[:, :1]), 0.2)
            x = adain(x, w)
        out: Tensor = self.to_rgb(x)
        return out


class Dense(nn.Module):
    """ESRGAN's residual dense block: five convolutions, each sees all before it."""

    def __init__(self, width: int = 8, growth: int = 4) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(width + place * growth, growth if place < 4 else width, 3, padding=1)
            for place in range(5)
        )

    def forward(self, x: Tensor) -> Tensor:
        seen = [x]
        for conv in list(self.convs)[:-1]:
            seen.append(F.leaky_relu(conv(torch.cat(seen, dim=1)), 0.2))
        out: Tensor = self.convs[-1](torch.cat(seen, dim=1)) * 0.2 + x
        return out


class ESRGAN(nn.Module):
    """ESRGAN with two residual-in-residual blocks of three dense blocks each."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, width, 3, padding=1)
        self.groups = nn.ModuleList(
            nn.Sequential(*[Dense(width) for _ in range(3)]) for _ in range(2)
        )
        self.trunk = nn.Conv2d(width, width, 3, padding=1)
        self.ups = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.high, self.last = (
            nn.Conv2d(width, width, 3, padding=1),
            nn.Conv2d(width, 3, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        first = self.first(x)
        h = first
        for group in self.groups:
            h = group(h) * 0.2 + h
        h = first + self.trunk(h)
        for up in self.ups:
            h = F.leaky_relu(up(F.interpolate(h, scale_factor=2)), 0.2)
        out: Tensor = self.last(F.leaky_relu(self.high(h), 0.2))
        return out
