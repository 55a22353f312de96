"""Networks that are saved with what they are built of, and read back from a folder or the Hub."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, fields
from typing import Any, Self, cast

from huggingface_hub import PyTorchModelHubMixin
from torch import nn

from gmbench.errors import NetworkError


@dataclass(frozen=True)
class NetworkConfig:
    """Base of what a network is built of; fields are numbers, yes or no, and tuples of numbers."""

    def __post_init__(self) -> None:
        # JSON has lists alone; equality and hashing want tuples.
        for name, value in vars(self).items():
            if isinstance(value, list):
                object.__setattr__(self, name, tuple(value))

    @classmethod
    def of(cls, described: Any) -> Self:
        """Returns a configuration as it is, of what its JSON holds, or the default for None.

        Raises:
            NetworkError: An unknown field, or a value that cannot be.
        """
        if described is None or isinstance(described, cls):
            return described or cls()
        unknown = described.keys() - {field.name for field in fields(cls)}
        if unknown:
            raise NetworkError(
                f"{cls.__name__} has no {', '.join(sorted(unknown))}. "
                "The network may be of another kind, or saved by a newer gmbench: update it."
            )
        return cls(**described)

    def to_json(self) -> dict[str, Any]:
        """Returns the configuration as JSON has it; `of` reads it back."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }


class SavedNetwork(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="gmbench",
    pipeline_tag="image-classification",
    tags=["model-parsing"],
):
    """Base of networks with `save_pretrained`, `push_to_hub` and `from_pretrained`.

    `config.json` holds the configuration, `model.safetensors` the weights. A subclass takes its
    configuration as `config` and hands it on.

    Attributes:
        config: What the network is built of.
    """

    def __init__(self, config: NetworkConfig) -> None:
        """Remembers the configuration.

        Args:
            config: What the network is built of.
        """
        super().__init__()
        # What `save_pretrained` writes: whole, however the configuration was given.
        self._hub_mixin_config = config.to_json()

    @classmethod
    def _from_pretrained(cls, *, strict: bool = True, **options: Any) -> Self:
        """Reads weights; a weight that lacks, or is not known, raises unless not `strict`."""
        # The Hub's client prints a line; a command's output may be read by a program.
        with redirect_stdout(io.StringIO()):
            return cast(Self, super()._from_pretrained(strict=strict, **options))
