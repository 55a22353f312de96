"""Training, from cached images to predictions; `FoldDataset` is for training code of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gmbench.training.fold_dataset import FoldDataset

__all__ = ["FoldDataset"]


def __getattr__(name: str) -> Any:
    # On first use: it needs torch.
    if name == "FoldDataset":
        from gmbench.training.fold_dataset import FoldDataset

        return FoldDataset
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
