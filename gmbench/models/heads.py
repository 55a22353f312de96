"""All regressors and classifiers of a parser at once.

The classes of the 16 classifiers are laid out side by side in one row of *slots*: first the classes
of the first head, then those of the second, and so on. One linear layer computes them all, and one
softmax over a padded table normalises the slots of each head separately.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class ClassSlots(nn.Module):
    """Layout of the heads' classes among the slots, and the operations over it.

    M heads have S slots in total. Nothing here is trained or saved; this is a module so that its
    index tables move between devices with the network.

    Attributes:
        n_classes: Number of classes of each head.
        total: Their sum, S.
    """

    offsets: Tensor
    head: Tensor
    _padded: Tensor
    _unpadded: Tensor

    def __init__(self, n_classes: Sequence[int]) -> None:
        """Lays out the slots.

        Args:
            n_classes: Number of classes of each head.

        Raises:
            ValueError: There are no heads, or one has no classes.
        """
        super().__init__()
        if not n_classes or min(n_classes) < 1:
            raise ValueError(f"Each head needs a class; given: {tuple(n_classes)}.")
        self.n_classes = tuple(n_classes)
        self.total = sum(self.n_classes)
        # Even if the network is on torch's device `meta`, where tensors hold no values, these do.
        with torch.device("cpu"):
            counts = torch.tensor(self.n_classes)
            place = torch.arange(int(counts.max()))
            head = torch.arange(len(counts)).repeat_interleave(counts)
        offsets = counts.cumsum(0) - counts
        real = place < counts[:, None]
        # Slot S belongs to no head; it holds the filler when a table is padded.
        padded = torch.where(real, offsets[:, None] + place, self.total)
        self.register_buffer("offsets", offsets, persistent=False)
        self.register_buffer("head", head, persistent=False)
        self.register_buffer("_padded", padded.flatten(), persistent=False)
        self.register_buffer("_unpadded", real.flatten().nonzero().flatten(), persistent=False)

    def padded(self, values: Tensor, filler: float) -> Tensor:
        """Returns slots as a table with one row per head, shape (..., M, most classes).

        Args:
            values: Shape (..., S).
            filler: Value that pads heads with fewer classes.
        """
        lacking = values.new_full((*values.shape[:-1], 1), filler)
        table = torch.cat([values, lacking], dim=-1).index_select(-1, self._padded)
        return table.reshape(*values.shape[:-1], len(self.n_classes), -1)

    def log_softmax(self, logits: Tensor) -> Tensor:
        """Returns the log-softmax over each head's own slots.

        Args:
            logits: Shape (..., S).

        Returns:
            Shape (..., S).
        """
        table = self.padded(logits, float("-inf")).log_softmax(dim=-1)
        return table.flatten(-2).index_select(-1, self._unpadded)

    def softmax(self, logits: Tensor) -> Tensor:
        """Returns each head's class probabilities, of the same shape (..., S) as the logits."""
        return self.log_softmax(logits).exp()

    def cross_entropy(
        self, logits: Tensor, classes: Tensor, weights: Tensor | None = None
    ) -> Tensor:
        """Returns the cross-entropy of each row, summed over the heads (equations 8 and 11).

        Unlike torch's own weighted cross-entropy, equation 11 does not divide by a sum of weights.

        Args:
            logits: Shape (N, S).
            classes: Class index of each head, int64 of shape (N, M).
            weights: Weight of each class, shape (S,); 1 by default.

        Returns:
            Shape (N,).
        """
        slots = classes + self.offsets
        likelihood = self.log_softmax(logits).gather(-1, slots)
        if weights is not None:
            likelihood = likelihood * weights[slots]
        return -likelihood.sum(dim=-1)

    def spread(self, values: Tensor) -> Tensor:
        """Expands one value per head, shape (..., M), to one per slot, shape (..., S)."""
        return values.index_select(-1, self.head)


class FusedHeads(nn.Module):
    """The regressors and classifiers of a parser: one linear layer for all outputs."""

    def __init__(self, n_features: int, n_continuous: int, n_slots: int) -> None:
        """Builds untrained heads.

        Args:
            n_features: Number of input features.
            n_continuous: Number of regressors.
            n_slots: Total number of classes of all classifiers.
        """
        super().__init__()
        self.widths = (n_continuous, n_slots)
        self.linear = nn.Linear(n_features, n_continuous + n_slots)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Returns regressed values of shape (N, n_continuous) and class logits (N, n_slots).

        Args:
            features: Shape (N, n_features).
        """
        # In float32, whatever precision the earlier layers use: bfloat16 has two or three digits.
        with torch.autocast(features.device.type, enabled=False):
            continuous, logits = self.linear(features.float()).split(self.widths, dim=-1)
        return continuous, logits
