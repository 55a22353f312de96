"""Settings: dataclasses whose values may come from a recipe, a command line or a checkpoint."""

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any

from gmbench.errors import GmbenchError


class SettingError(GmbenchError):
    """A setting that cannot have the value given."""


_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    tuple: "a list",
    dict: "a mapping",
}


@dataclass(frozen=True)
class Settings:
    """Base of settings. Each field has a default, and whatever is given is of its type."""

    def __post_init__(self) -> None:
        for one in fields(self):
            example = one.default if one.default_factory is MISSING else one.default_factory()
            value = as_type_of(example, getattr(self, one.name), one.name)
            object.__setattr__(self, one.name, value)

    def to_dict(self) -> dict[str, Any]:
        """Returns the settings as what JSON can hold."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }


def as_type_of(example: Any, value: Any, name: str) -> Any:
    """Returns a value in the type of an example.

    Args:
        example: A value that the setting may have.
        value: The value given; a list, which JSON and YAML have, may stand for a tuple.
        name: Name of the setting, for the message.

    Raises:
        SettingError: It is of another type.
    """
    if isinstance(example, tuple) and isinstance(value, list | tuple):
        return tuple(as_type_of(example[0], one, name) for one in value)
    if isinstance(example, float) and not isinstance(value, bool):
        # YAML reads 1e-4, without a point, as text.
        try:
            return float(value)
        except (TypeError, ValueError):
            pass
    elif type(value) is type(example):
        return value
    shown = list(example) if isinstance(example, tuple) else example
    raise SettingError(f"{name}={value!r}: give {_WORDS[type(example)]}, such as {shown!r}.")
