"""Training targets of a classifier: classes in place of label values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ClassTargets:
    """The classes that a classifier tells apart.

    Attributes:
        names: Name of each class, in the order of the logits.
        genuine: Name of the class of images that no GM made; None if there is no such class.
        n_extra: Number of classes from another dataset: none.
    """

    names: tuple[str, ...]
    genuine: str | None = None
    n_extra: int = 0

    @property
    def n_classes(self) -> tuple[int, ...]:
        """Number of classes of the only head."""
        return (len(self.names),)

    def __len__(self) -> int:
        return len(self.names)
