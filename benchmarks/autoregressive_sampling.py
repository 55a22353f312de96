"""How much faster cached sampling of autoregressive models is than the plain pixel loop.

Run: `python benchmarks/autoregressive_sampling.py`. For each family, it draws the same images both
ways from the same uniform numbers and prints seconds, their ratio, and the share of equal pixels.
(Sums in single precision may differ in their last bit between the two ways, and a pixel whose
number falls on that bit changes those after it; in double precision the tests find them all equal.)
"""

from __future__ import annotations

import argparse
import time

import torch

from gmbench.zoo.kinds.autoregressive import FAMILIES, AutoregressiveModel
from gmbench.zoo.kinds.autoregressive_sampling import sample_cached, sample_plain
from gmbench.zoo.layers import start_at_unit_variance


def measure(family: str, grid: int, images: int) -> tuple[float, float, float]:
    """Returns the seconds of the plain and of the cached loop, and the share of equal pixels."""
    torch.manual_seed(0)
    palette = torch.rand(16, 3) * 2 - 1
    options = {
        "grid": grid,
        "normalization": "none",
        "block_nonlinearity": "relu",
        "last_nonlinearity": "tanh",
        "skip_connection": "yes",
        "layers_per_block": 1,
        "width": 384 if family == "made" else 24,
        "blocks": 3,
        "first_kernel": 5,
    }
    model = AutoregressiveModel(family, palette, grid, options).eval()
    start_at_unit_variance(model, palette[torch.randint(16, (8, grid, grid))].movedim(-1, 1))
    uniforms = torch.rand(images, grid, grid)
    start = time.perf_counter()
    plain = sample_plain(model.prior, palette, uniforms)
    middle = time.perf_counter()
    cached = sample_cached(model.prior, palette, uniforms)
    end = time.perf_counter()
    return middle - start, end - middle, float((plain == cached).float().mean())


def main() -> None:
    """Prints one line per family."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--grid", type=int, default=16, help="height and width in pixels")
    parser.add_argument("--images", type=int, default=48, help="images drawn at once")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{arguments.images} images of {arguments.grid} x {arguments.grid} pixels, one core")
    print(f"{'family':15} {'plain s':>9} {'cached s':>9} {'ratio':>7} {'equal':>7}")
    for family in FAMILIES:
        plain, cached, equal = measure(family, arguments.grid, arguments.images)
        print(f"{family:15} {plain:9.2f} {cached:9.2f} {plain / cached:7.1f} {equal:7.1%}")


if __name__ == "__main__":
    main()
