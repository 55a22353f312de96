"""The images of a fold for custom training code: pixels and targets from gmbench's cache."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from gmbench.benchmark.benchmark import dataset_folder, load_benchmark
from gmbench.data.features import label_values
from gmbench.errors import BenchmarkError, UnknownNameError
from gmbench.progress import Progress
from gmbench.training.cache import LazyPixels, cached_images
from gmbench.training.views import Crops, Resized, View

PARTS = ("train", "test")


class FoldDataset(Dataset[tuple[Any, torch.Tensor]]):
    """The training images for a test set, or the images of the test set itself.

    An item is one view of one image: its pixels, uint8 of shape (3, size, size), or the result of
    `transform` on them; and its target, float32 of shape (25,), as in the column `target` of a
    dataset: 9 counts normalised by the benchmark, 6 class indices, 10 losses as 0 or 1; NaN where a
    label is unknown.

    Items are ordered GM by GM. A model's outputs for the part `test`, in that order, are what
    `Predictions.of(benchmark, name, targets, set_name=set_name)` takes. Images are decoded once
    into memory-mapped files, which the workers of a `DataLoader` share.

    Attributes:
        gms: Names of the GMs.
        image_ids: Id of each item's image, such as `DCGAN/000000`.
        view: The view taken of every image.

    Examples:
        >>> fold = FoldDataset("mini116", "set_1", "test", view=32)
        >>> pixels, target = fold[0]
        >>> len(fold), tuple(pixels.shape), pixels.dtype, tuple(target.shape)
        (576, (3, 32, 32), torch.uint8, (25,))
        >>> batches = torch.utils.data.DataLoader(fold, batch_size=64, shuffle=True)
        >>> pixels, targets = next(iter(batches))
        >>> tuple(pixels.shape), tuple(targets.shape)
        ((64, 3, 32, 32), (64, 25))
    """

    def __init__(
        self,
        benchmark: str | Path = "mini116",
        set_name: str = "set_1",
        part: str = "train",
        *,
        view: View | int = 64,
        transform: Callable[[torch.Tensor], Any] | None = None,
        cache: str | Path | None = None,
        jobs: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Decodes the images, or reuses those already decoded.

        Args:
            benchmark: `mini116`, or the folder of a dataset.
            set_name: The test set.
            part: `train` for all GMs outside the set, `test` for those inside.
            view: Side in pixels to resize images to, or a view: `Crops(size, count)` cuts
                squares at native resolution, each of which is an item.
            transform: Applied to the pixels, uint8 of shape (3, size, size), for example one of
                `torchvision.transforms.v2`. Workers of a `DataLoader` need a picklable one.
            cache: Folder of decoded images; in gmbench's cache folder when None.
            jobs: Number of processes that decode; all cores when None.
            progress: Progress callback, with the number of decoded images.

        Raises:
            UnknownNameError: There is no such benchmark, set or part.
            BenchmarkError: The benchmark has labels only, or no image of the part.
            DatasetError: The dataset is damaged, or the cache cannot be written.
        """
        folder = dataset_folder(benchmark)
        if folder is None:
            raise BenchmarkError(f"{benchmark} has labels alone. Give the folder of a dataset.")
        known = load_benchmark(benchmark)
        if part not in PARTS:
            raise UnknownNameError("Part", part, PARTS, f"Take one of {', '.join(PARTS)}.")
        names = known.test_gms(set_name) if part == "test" else known.training_gms(set_name)
        self.view = view if isinstance(view, Resized | Crops) else Resized(int(view))
        self.gms = tuple(gm for gm in names if known.n_images[known.index[gm]])
        if not self.gms:
            raise BenchmarkError(
                f"{known.name} has no image to {part} on for {set_name}. Take another set, or "
                "build the dataset with images of more GMs."
            )
        self._images = cached_images(
            folder,
            self.view,
            gms=self.gms,
            jobs=jobs,
            progress=progress,
            cache=None if cache is None else Path(cache),
        )
        self._transform = transform
        targets = [label_values(known, gm)["target"] for gm in self.gms]
        self._targets = torch.tensor(targets, dtype=torch.float32)
        counts = [known.n_images[known.index[gm]] for gm in self.gms]
        self._gm_rows = np.repeat(np.arange(len(counts)), np.array(counts) * self.view.views)

    def __len__(self) -> int:
        return len(self._gm_rows)

    def __getitem__(self, index: int) -> tuple[Any, torch.Tensor]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"The fold has {len(self):,} items; there is no {index}.")
        row, view = divmod(index % len(self), self.view.views)
        found = self._pixels.take(np.array([row]), np.array([view]))[0]
        pixels = torch.from_numpy(found).permute(2, 0, 1).contiguous()
        target = self._targets[self._gm_rows[index]]
        return pixels if self._transform is None else self._transform(pixels), target

    @property
    def image_ids(self) -> list[str]:
        """Id of each item's image."""
        ids = (image_id for gm in self.gms for image_id in self._images.image_ids(gm))
        return [image_id for image_id in ids for _ in range(self.view.views)]

    @cached_property
    def _pixels(self) -> LazyPixels:
        # Each process maps the files itself: only their names are pickled to a worker.
        mapped = self._images.stack(memory_limit=0).pixels
        assert isinstance(mapped, LazyPixels)
        return mapped

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_pixels"}
