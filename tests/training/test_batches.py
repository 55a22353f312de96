from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from gmbench.errors import DatasetError  # noqa: E402
from gmbench.training.batches import Batch, Batches, BatchesError  # noqa: E402
from gmbench.training.cache import CachedImages  # noqa: E402
from tests.training.conftest import N_IMAGES, SIDE  # noqa: E402

N = 6 * N_IMAGES
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(
    not torch.cuda.is_available(), reason="needs a CUDA GPU"))]  # fmt: skip


def uneven(cached: CachedImages, counts: list[int]) -> CachedImages:
    """Returns the GMs with only so many images each."""
    shards = {
        gm: replace(cached._shards[gm], n_images=count)
        for gm, count in zip(cached.gms, counts, strict=False)
    }
    return _Shorter(cached.view, tuple(shards), shards)


class _Shorter(CachedImages):
    def pixels(self, gm: str) -> np.ndarray:
        return super().pixels(gm)[: self._shards[gm].n_images]


def assert_same(first: list[Batch], second: list[Batch]) -> None:
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one.pixels.cpu(), other.pixels.cpu())
        assert torch.equal(one.gm_rows.cpu(), other.gm_rows.cpu())


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**40),
    epoch=st.integers(0, 1000),
    batch_size=st.integers(1, 2 * N),
    counts=st.lists(st.integers(1, N_IMAGES), min_size=1, max_size=6),
)
def test_every_image_once_an_epoch(
    crops: CachedImages, seed: int, epoch: int, batch_size: int, counts: list[int]
) -> None:
    cached = uneven(crops, counts)
    batches = Batches(cached, None, batch_size, seed=seed)
    rows, views = batches.order(epoch)
    assert sorted(rows.tolist()) == list(range(sum(counts)))
    assert set(views.tolist()) <= {0, 1, 2}
    made = list(batches.epoch(epoch))
    assert len(made) == len(batches)
    assert all(len(batch.pixels) == batch_size for batch in made[:-1])
    # And the batches hold what the order says.
    stack = cached.stack()
    pixels = torch.cat([batch.pixels for batch in made]).permute(0, 2, 3, 1).numpy()
    np.testing.assert_array_equal(np.rint(pixels * 255), stack.pixels[:][rows, views])
    gm_rows = torch.cat([batch.gm_rows for batch in made]).numpy()
    np.testing.assert_array_equal(gm_rows, stack.gm_rows[rows])


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**40),
    epoch=st.integers(0, 1000),
    counts=st.lists(st.integers(1, N_IMAGES), min_size=1, max_size=6),
)
def test_balanced_epochs(resized: CachedImages, seed: int, epoch: int, counts: list[int]) -> None:
    batches = Batches(uneven(resized, counts), None, 4, seed=seed, balanced=True)
    rows, _ = batches.order(epoch)
    assert len(rows) == sum(counts)
    ends = np.cumsum(counts)
    of_gm = np.bincount(np.searchsorted(ends, rows, side="right"), minlength=len(counts))
    assert of_gm.max() - of_gm.min() <= 1
    times = np.bincount(rows, minlength=sum(counts))
    for end, count in zip(ends, counts, strict=True):
        drawn = times[end - count : end]
        assert drawn.max() - drawn.min() <= 1


def test_balanced_with_equal_gms_is_every_image_once(resized: CachedImages) -> None:
    rows, _ = Batches(resized, None, 4, balanced=True).order(3)
    assert sorted(rows.tolist()) == list(range(N))


def test_order_depends_on_seed_and_epoch_and_on_nothing_global(crops: CachedImages) -> None:
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    states = torch.get_rng_state(), repr(np.random.get_state())  # noqa: NPY002
    first = list(Batches(crops, None, 10, seed=3).epoch(0))
    assert torch.equal(torch.get_rng_state(), states[0])
    assert repr(np.random.get_state()) == states[1]  # noqa: NPY002
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002
    assert_same(list(Batches(crops, None, 10, seed=3).epoch(0)), first)
    orders = {
        tuple(Batches(crops, None, 10, seed=seed).order(epoch)[0].tolist())
        for seed in range(3)
        for epoch in range(3)
    }
    assert len(orders) == 9


def test_the_order_does_not_depend_on_the_batch_size(crops: CachedImages) -> None:
    (one, _), (other, _) = (Batches(crops, None, size, seed=1).order(2) for size in (1, 50))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("memory_limit", [0, 2**30])
@pytest.mark.parametrize("device_limit", [0, 2**30])
def test_the_same_batches_wherever_the_pixels_lie(
    crops: CachedImages, device: str, memory_limit: int, device_limit: int
) -> None:
    expected = Batches(crops, ["DCGAN", "BETA_B"], 7, seed=1)
    found = Batches(
        crops, ["DCGAN", "BETA_B"], 7, seed=1, device=device,
        memory_limit=memory_limit, device_limit=device_limit,
    )  # fmt: skip
    assert found.on_device == (bool(device_limit) if device == "cuda" else bool(memory_limit))
    assert_same(list(found.epoch(1)), list(expected.epoch(1)))
    for one in found.epoch(1):
        assert one.pixels.device.type == one.gm_rows.device.type == device


@pytest.mark.parametrize("device", DEVICES)
def test_form_of_a_batch(resized: CachedImages, device: str) -> None:
    batches = Batches(resized, None, 8, device=device)
    pixels, gm_rows = next(batches.epoch(0))
    assert pixels.shape == (8, 3, SIDE, SIDE)
    assert pixels.dtype == torch.float32
    assert pixels.is_contiguous(memory_format=torch.channels_last)
    assert gm_rows.dtype == torch.int64
    assert 0 <= float(pixels.min()) < float(pixels.max()) <= 1


def test_batches_do_not_share_memory_with_the_images(resized: CachedImages) -> None:
    batches = Batches(resized, None, 8)
    for batch in batches.epoch(0):
        batch.pixels.zero_()
    assert_same(list(batches.epoch(0)), list(Batches(resized, None, 8).epoch(0)))


def test_drop_last(resized: CachedImages) -> None:
    whole, full = Batches(resized, None, 50), Batches(resized, None, 50, drop_last=True)
    assert (len(whole), len(full)) == (3, 2)
    assert_same(list(full.epoch(0)), list(whole.epoch(0))[:2])


def test_views_are_drawn_evenly(crops: CachedImages) -> None:
    batches = Batches(crops, None, 10)
    views = np.concatenate([batches.order(epoch)[1] for epoch in range(30)])
    assert np.bincount(views).min() > 0.3 * len(views)


def test_what_cannot_be(resized: CachedImages) -> None:
    with pytest.raises(BatchesError, match="batch_size is 0 and seed is 0"):
        Batches(resized, None, 0)
    with pytest.raises(BatchesError, match="seed is -1"):
        Batches(resized, None, 1, seed=-1)
    with pytest.raises(BatchesError, match="Give at least one GM"):
        Batches(resized, [], 1)
    with pytest.raises(DatasetError, match="NOPE were not asked for"):
        Batches(resized, ["NOPE"], 1)
