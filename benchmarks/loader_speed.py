"""How fast images reach a training, compared with the plain way with a `DataLoader`, in one run.

    python benchmarks/loader_speed.py                      # 20 GMs x 200 PNGs, 64 px and 256 px
    python benchmarks/loader_speed.py --data DATASET       # a folder of `gmbench data build`
    python benchmarks/loader_speed.py --device cuda --json

Both ways give shuffled batches of the same images as float tensors on the device, at 64 px. The
plain way is what research code does: `ImageFolder` with `Resize` and `ToTensor`, in a `DataLoader`
with one worker, which is kept from epoch to epoch. Where torchvision cannot be imported (its
compiled operators do not load with another torch), the same steps are done here as in torchvision,
with PIL; the output says which was used. gmbench's way is `gmbench.training`: images decoded once
into a cache, batches from memory.

`start` is the time from nothing to the first batch; with a cold cache, gmbench has to decode
everything for it, in as many processes as the plain way has workers. Images/s are those of whole
epochs after one that does not count. Files are in the system's cache for both. Where the images are
already 64 px, neither way resamples them, and both are checked to give the same mean pixel value.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from gmbench.benchmark.benchmark import load_benchmark
from gmbench.data.build import build_dataset
from gmbench.training.batches import Batches
from gmbench.training.cache import cached_images
from gmbench.training.views import Resized

try:
    from torchvision import datasets as tv_datasets
    from torchvision import transforms as tv_transforms
except (ImportError, RuntimeError, OSError):
    tv_datasets = tv_transforms = None

SIZE = 64
WORKERS = 1

Epoch = Callable[[], Iterator[torch.Tensor]]


@dataclass(frozen=True)
class Measurement:
    """One way: seconds to the first batch, images per second after it, mean of all pixel values."""

    way: str
    start: float
    images_per_second: float
    mean: float


class LiteralImageFolder(Dataset[tuple[torch.Tensor, int]]):
    """`torchvision.datasets.ImageFolder` with `Resize` and `ToTensor`, step by step."""

    def __init__(self, root: Path) -> None:
        classes = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
        self.samples = [
            (str(path), number)
            for number, name in enumerate(classes)
            for path in sorted((root / name).iterdir())
        ]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        path, target = self.samples[index]
        with open(path, "rb") as file:  # noqa: PTH123 - as torchvision's `pil_loader` has it.
            image = Image.open(file).convert("RGB")
        if image.size != (SIZE, SIZE):
            image = image.resize((SIZE, SIZE), Image.Resampling.BILINEAR)
        tensor = torch.from_numpy(np.array(image, np.uint8, copy=True))
        return tensor.permute(2, 0, 1).contiguous().to(torch.float32).div(255), target


def plain_dataset(root: Path) -> Dataset[tuple[torch.Tensor, int]]:
    """Returns torchvision's `ImageFolder`, or its replacement."""
    if tv_datasets is None:
        return LiteralImageFolder(root)
    steps = [tv_transforms.Resize((SIZE, SIZE)), tv_transforms.ToTensor()]
    found: Dataset[tuple[torch.Tensor, int]] = tv_datasets.ImageFolder(
        root, transform=tv_transforms.Compose(steps)
    )
    return found


def plain(root: Path, batch_size: int, device: torch.device) -> Epoch:
    """Prepares the plain way."""
    loader = DataLoader(
        plain_dataset(root),
        batch_size=batch_size,
        shuffle=True,
        num_workers=WORKERS,
        pin_memory=device.type == "cuda",
        persistent_workers=True,
    )

    def epoch() -> Iterator[torch.Tensor]:
        for pixels, targets in loader:
            targets.to(device, non_blocking=True)
            yield pixels.to(device, non_blocking=True)

    return epoch


def ours(dataset: Path, cache: Path, batch_size: int, device: torch.device) -> Epoch:
    """Prepares gmbench's way; decodes if the cache is cold."""
    cached = cached_images(dataset, Resized(SIZE), jobs=WORKERS, cache=cache)
    batches = Batches(cached, None, batch_size, device=device)
    numbers = iter(range(sys.maxsize))

    def epoch() -> Iterator[torch.Tensor]:
        for batch in batches.epoch(next(numbers)):
            yield batch.pixels

    return epoch


def measure(way: str, prepare: Callable[[], Epoch], seconds: float) -> Measurement:
    """Runs whole epochs for at least `seconds`, after one that does not count."""
    started = time.perf_counter()
    epoch = prepare()
    batches = epoch()
    first = next(batches)
    _wait_for(first.device)
    start = time.perf_counter() - started
    count, total = len(first), float(first.double().sum())
    values = first.numel()
    for pixels in batches:
        count, values = count + len(pixels), values + pixels.numel()
        total += float(pixels.double().sum())
    shown, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < seconds:
        for pixels in epoch():
            shown += len(pixels)
        _wait_for(first.device)
    return Measurement(way, start, shown / elapsed, total / values)


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def make_dataset(work: Path, n_gms: int, n_images: int, side: int) -> tuple[Path, Path]:
    """Makes PNGs that look like noisy photographs, and a dataset of them; returns both."""
    whole = load_benchmark("red116")
    gms = whole.gms[:n_gms]
    benchmark = replace(
        whole, name="speed", gms=gms, sets={"set_1": (gms[0].name,)}, n_images=(n_images,) * n_gms
    )
    images = work / f"images-{side}"
    for seed, gm in enumerate(gms):
        generator = np.random.default_rng([seed, side])
        (images / gm.name).mkdir(parents=True)
        for number in range(n_images):
            coarse = Image.fromarray(generator.integers(0, 256, (6, 6, 3), dtype=np.uint8))
            smooth = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC))
            noisy = smooth + generator.normal(0, 6, smooth.shape)
            image = Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
            image.save(images / gm.name / f"{number:05d}.png", compress_level=3)
    return images, build_dataset(benchmark, images, work / f"dataset-{side}").folder


def export(dataset: Path, images: Path) -> Path:
    """Writes the images of a dataset as files, one folder per GM, for the plain way."""
    for shard in sorted(dataset.glob("data/*/*.parquet")):
        (images / shard.stem).mkdir(parents=True)
        with pq.ParquetFile(shard) as file:
            rows = (
                data.as_py()
                for batch in file.iter_batches(batch_size=100, columns=["image"])
                for data in batch.column("image").field("bytes")
            )
            for number, data in enumerate(rows):
                suffix = (Image.open(BytesIO(data)).format or "png").lower()
                (images / shard.stem / f"{number:06d}.{suffix}").write_bytes(data)
    return images


def compare(
    images: Path, dataset: Path, cache: Path, arguments: argparse.Namespace
) -> list[Measurement]:
    """Measures both ways, gmbench's with a cold and with a warm cache."""
    device, size = torch.device(arguments.device), arguments.batch_size
    name = "ImageFolder" if tv_datasets else "ImageFolder's steps"
    ways: list[tuple[str, Callable[[], Epoch]]] = [
        (f"{name}, {WORKERS} worker", lambda: plain(images, size, device)),
        ("gmbench, cold cache", lambda: ours(dataset, cache, size, device)),
        ("gmbench, warm cache", lambda: ours(dataset, cache, size, device)),
    ]
    return [measure(way, prepare, arguments.seconds) for way, prepare in ways]


def main() -> None:
    """Makes or takes the images, measures, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a dataset folder, in place of made images")
    parser.add_argument("--gms", type=int, default=20, help="GMs that are made, at most 116")
    parser.add_argument("--images", type=int, default=200, help="images of each of them")
    parser.add_argument("--sides", type=int, nargs="+", default=[64, 256], help="their sides, px")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=3.0, help="least time for each way")
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    arguments = parser.parse_args()
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        for side in [0] if arguments.data else arguments.sides:
            if arguments.data:
                images, dataset = export(arguments.data, work / "images"), arguments.data
            else:
                images, dataset = make_dataset(work, arguments.gms, arguments.images, side)
            found = compare(images, dataset, work / f"cache-{side}", arguments)
            if side == SIZE and abs(found[0].mean - found[2].mean) > 1e-6:
                sys.exit(f"not the same pixels: mean {found[0].mean} and {found[2].mean}")
            results.append(
                {
                    "images": f"{side} px PNG" if side else str(arguments.data),
                    "n_images": sum(1 for path in images.rglob("*") if path.is_file()),
                    "ways": [asdict(measurement) for measurement in found],
                    "ratio": found[2].images_per_second / found[0].images_per_second,
                }
            )
    facts = {
        "device": arguments.device,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "torch": torch.__version__,
        "torch_threads": torch.get_num_threads(),
        "torchvision": tv_datasets is not None,
        "batch_size": arguments.batch_size,
        "results": results,
    }
    if arguments.json:
        print(json.dumps(facts, indent=2))
        return
    print(
        f"batches of {arguments.batch_size} at {SIZE} px on {arguments.device}, torch with "
        f"{facts['torch_threads']} threads"
        + ("" if tv_datasets else "; torchvision does not load here, its steps stand in for it")
    )
    for result in results:
        print(f"\n{result['n_images']:,} images, {result['images']}")
        print(f"{'':32} {'start s':>8} {'images/s':>10} {'times faster':>13}")
        for way in result["ways"]:
            times = way["images_per_second"] / result["ways"][0]["images_per_second"]
            print(
                f"{way['way']:32} {way['start']:8.2f} {way['images_per_second']:10,.0f} "
                f"{times:13.1f}"
            )


if __name__ == "__main__":
    main()
