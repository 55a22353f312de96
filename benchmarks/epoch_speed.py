"""Time of a training epoch at 64 px, compared with a plain loop of research code, in one run.

    python benchmarks/epoch_speed.py                   # the paper's network, few batches per epoch
    python benchmarks/epoch_speed.py --device cuda --gms 100 --images 100 --batch-size 128 --json

The plain loop is defined below: `ImageFolder` and a `DataLoader` with one worker, eager, NCHW, the
network written out with one linear layer per head, every loss term computed separately for every
head. gmbench's loop is `gmbench.training.loop.train`, in float32 and in bfloat16; the default on
the device is marked. All have the same images, convolutions, batch size and optimiser.

An epoch covers all images. Each round runs all ways in turn; the best epoch of each way counts, its
first one does not. Time in the loader counts for both; validation and saving do not.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from loader_speed import make_dataset, plain_dataset
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from gmbench.benchmark.benchmark import read_benchmark
from gmbench.models.clusters import Clusters
from gmbench.models.targets import TrainingTargets
from gmbench.training.cache import CachedImages, cached_images
from gmbench.training.config import PAPER
from gmbench.training.devices import precision_for
from gmbench.training.loop import train
from gmbench.training.views import Resized

SIZE = 64


@dataclass(frozen=True)
class Measurement:
    """One way: seconds of its best epoch, images per second."""

    way: str
    seconds: float
    images_per_second: float


class PlainFingerprints(nn.Module):
    """DnCNN as it is commonly written."""

    def __init__(self, depth: int, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1), nn.ReLU(inplace=True)]
        for _ in range(depth - 2):
            layers.append(nn.Conv2d(width, width, 3, padding=1, bias=False))
            layers.append(nn.BatchNorm2d(width))
            layers.append(nn.ReLU(inplace=True))
        layers.append(nn.Conv2d(width, 3, 3, padding=1))
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """Returns the fingerprints."""
        found: Tensor = self.layers(images)
        return found


class PlainParser(nn.Module):
    """One parser: a hidden layer, nine regression heads, sixteen classification heads."""

    def __init__(self, features: int, n_classes: tuple[int, ...]) -> None:
        super().__init__()
        self.hidden = nn.Linear(features, 256)
        self.regressors = nn.ModuleList([nn.Linear(256, 1) for _ in range(9)])
        self.classifiers = nn.ModuleList([nn.Linear(256, n) for n in n_classes])

    def forward(self, features: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Returns the output of each head."""
        hidden = functional.relu(self.hidden(features))
        return [h(hidden) for h in self.regressors], [h(hidden) for h in self.classifiers]


class PlainNetwork(nn.Module):
    """Fingerprints, shared network, two parsers, fusion."""

    def __init__(self, depth: int, width: int, n_classes: tuple[int, ...]) -> None:
        super().__init__()
        self.fen = PlainFingerprints(depth, width)
        blocks: list[nn.Module] = [nn.BatchNorm2d(3)]
        for inner, outer in ((3, 32), (32, 64), (64, 128), (128, 256), (256, 512)):
            blocks.append(nn.Conv2d(inner, outer, 3, padding=1, bias=False))
            blocks.append(nn.BatchNorm2d(outer))
            blocks.append(nn.ReLU(inplace=True))
            blocks.append(nn.MaxPool2d(2))
        self.trunk = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1))
        self.cluster = PlainParser(512, n_classes)
        self.instance = PlainParser(512, n_classes)
        self.fusion = nn.Sequential(
            nn.Linear(512, 256), nn.ReLU(inplace=True), nn.Linear(256, len(n_classes)), nn.Sigmoid()
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, list[list[Tensor]]]:
        """Returns the fingerprints, the fusion parameters and the outputs of all heads."""
        fingerprints = self.fen(images)
        features = self.trunk(fingerprints).flatten(1)
        heads = [*self.cluster(features), *self.instance(features)]
        return fingerprints, self.fusion(features), heads


class PlainObjective:
    """Equation 17 term by term, head by head."""

    def __init__(self, targets: TrainingTargets, device: torch.device) -> None:
        clusters = Clusters.of(targets)
        self.numbers = [
            torch.from_numpy(table).to(device)
            for table in (clusters.continuous, clusters.deviation)
        ]
        self.classes = [
            torch.from_numpy(table).to(device) for table in (clusters.discrete, targets.discrete)
        ]
        self.fusion = torch.from_numpy(clusters.fusion).to(device)
        weights = torch.from_numpy(targets.class_weights()).to(device)
        self.weights = torch.split(weights, list(targets.n_classes))

    def __call__(self, output: tuple[Tensor, Tensor, list[list[Tensor]]], gms: Tensor) -> Tensor:
        """Returns the loss of a batch."""
        fingerprints, fusion, heads = output
        total = 0.05 * SIZE**2 * functional.mse_loss(fingerprints, torch.zeros_like(fingerprints))
        total = total + 0.001 * self._low(fingerprints) - 0.1 * self._peak(fingerprints)
        total = total + self._asymmetry(fingerprints)
        for parser in range(2):
            numbers, logits = heads[2 * parser], heads[2 * parser + 1]
            for column, one in enumerate(numbers):
                truth = self.numbers[parser][gms, column]
                total = total + 5 * functional.mse_loss(one.squeeze(1), truth)
            for head, one in enumerate(logits):
                truth = self.classes[parser][gms, head]
                weight = self.weights[head] if parser else None
                total = total + 5 * functional.cross_entropy(one, truth, weight=weight)
        for head in range(fusion.shape[1]):
            truth = self.fusion[gms, head]
            total = total + 5 * functional.binary_cross_entropy(fusion[:, head], truth)
        return total

    def _spectrum(self, fingerprints: Tensor) -> Tensor:
        spectrum = torch.fft.fft2(fingerprints, norm="ortho")
        magnitudes: Tensor = torch.fft.fftshift(spectrum, dim=(-2, -1)).abs()
        return magnitudes

    def _low(self, fingerprints: Tensor) -> Tensor:
        spectrum, half = self._spectrum(fingerprints), SIZE // 2
        low = spectrum[:, :, half - 25 : half + 25, half - 25 : half + 25]
        return SIZE**2 * functional.mse_loss(low, torch.zeros_like(low))

    def _peak(self, fingerprints: Tensor) -> Tensor:
        spectrum, half = self._spectrum(fingerprints).clone(), SIZE // 2
        spectrum[:, :, half - 25 : half + 25, half - 25 : half + 25] = 0
        return spectrum.flatten(2).max(dim=2).values.mean()

    def _asymmetry(self, fingerprints: Tensor) -> Tensor:
        spectrum = self._spectrum(fingerprints)
        return SIZE**2 * functional.mse_loss(spectrum, spectrum.transpose(2, 3))


def plain(images: Path, targets: TrainingTargets, arguments: argparse.Namespace) -> Iterator[float]:
    """Yields the seconds of successive epochs of the plain loop."""
    device = torch.device(arguments.device)
    loader = DataLoader(
        plain_dataset(images),
        batch_size=arguments.batch_size,
        shuffle=True,
        num_workers=1,
        persistent_workers=True,
        pin_memory=device.type == "cuda",
    )
    torch.manual_seed(0)
    network = PlainNetwork(arguments.depth, arguments.width, targets.n_classes).to(device).train()
    objective = PlainObjective(targets, device)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    while True:
        started = time.perf_counter()
        for pixels, gms in loader:
            loss = objective(network(pixels.to(device)), gms.to(device))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            loss.item()
        yield time.perf_counter() - started


def ours(
    images: CachedImages, targets: TrainingTargets, precision: str, arguments: argparse.Namespace
) -> Iterator[float]:
    """Yields the seconds of successive epochs of gmbench: each time the second one of two."""
    config = PAPER.changed(
        {
            "batch_size": arguments.batch_size,
            "epochs": 2,
            "precision": precision,
            "model": {"fen_depth": arguments.depth, "fen_width": arguments.width},
        }
    )
    while True:
        log = train(config, targets, images, device=arguments.device).log
        yield log[1]["seconds"] - log[0]["seconds"]


def measure(arguments: argparse.Namespace) -> list[Measurement]:
    """Runs all ways in turn on the same images."""
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        images, dataset = make_dataset(work, arguments.gms, arguments.images, SIZE)
        benchmark = read_benchmark(dataset)
        targets = TrainingTargets.of(benchmark, benchmark.index)
        cached = cached_images(dataset, Resized(SIZE), cache=work / "cache")
        default = precision_for(torch.device(arguments.device))
        ways: dict[str, Callable[[], Iterator[float]]] = {
            "plain loop": lambda: plain(images, targets, arguments),
            "gmbench, fp32": lambda: ours(cached, targets, "fp32", arguments),
            "gmbench, bf16": lambda: ours(cached, targets, "bf16", arguments),
        }
        running = {name: way() for name, way in ways.items()}
        next(running["plain loop"])  # Its first epoch starts the worker.
        best = dict.fromkeys(ways, float("inf"))
        for _ in range(arguments.rounds):
            for name, epochs in running.items():
                best[name] = min(best[name], next(epochs))
        for epochs in running.values():
            epochs.close()  # type: ignore[attr-defined]
    label = {"no": "fp32"}.get(default, default)
    n_images = arguments.gms * arguments.images
    return [
        Measurement(
            name + (", the default here" if name.endswith(label) else ""), best[name],
            n_images / best[name],
        )
        for name in ways
    ]  # fmt: skip


def main() -> None:
    """Makes the images, measures, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gms", type=int, default=8)
    parser.add_argument("--images", type=int, default=8, help="images of each of them")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--depth", type=int, default=17, help="convolutions of the first network")
    parser.add_argument("--width", type=int, default=64, help="their features")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    arguments = parser.parse_args()
    found = measure(arguments)
    facts = {
        "device": arguments.device,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "torch": torch.__version__,
        "torch_threads": torch.get_num_threads(),
        "batch_size": arguments.batch_size,
        "n_images": arguments.gms * arguments.images,
        "ways": [asdict(one) for one in found],
        "ratios": {one.way: found[0].seconds / one.seconds for one in found[1:]},
    }
    if arguments.json:
        print(json.dumps(facts, indent=2))
        return
    print(
        f"{facts['n_images']} images of {SIZE} px in batches of {arguments.batch_size} on "
        f"{arguments.device}, {arguments.depth} x {arguments.width} convolutions, torch with "
        f"{facts['torch_threads']} threads"
    )
    print(f"{'':40} {'epoch s':>8} {'images/s':>9} {'times faster':>13}")
    for one in found:
        ratio = found[0].seconds / one.seconds
        print(f"{one.way:40} {one.seconds:8.2f} {one.images_per_second:9.1f} {ratio:13.2f}")


if __name__ == "__main__":
    main()
