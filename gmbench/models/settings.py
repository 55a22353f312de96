"""Settings: pydantic models whose values may come from a recipe, a command line or a checkpoint."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, ValidationError
from pydantic_core import PydanticCustomError

from gmbench.errors import GmbenchError, UnknownNameError, shortened


class SettingError(GmbenchError):
    """A setting that cannot have the value given."""


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("float_type", "Input should be a valid number")
    return value


Number = Annotated[float, BeforeValidator(_no_bool), Strict(False)]
"""A number, or text that is one: YAML reads 1e-4, without a point, as text."""

Count = Annotated[int, Field(ge=1)]
"""A number of things of which there is at least one."""

MOST_LAYERS = 1000
"""Layers that a network has at most: settings may come from anyone, and each layer takes time."""

Counts = Annotated[tuple[Count, ...], Field(min_length=1, max_length=MOST_LAYERS), Strict(False)]
"""At least one of them; a list, which JSON and YAML have, may stand for a tuple."""

Dropout = Annotated[Number, Field(ge=0, lt=1)]
"""Share of features that is dropped in training."""


class Settings(BaseModel):
    """Base of settings. Each field has a default, and whatever is given is of its type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def __init__(self, **values: Any) -> None:
        """Takes settings by name.

        Raises:
            SettingError: A setting cannot have its value.
            UnknownNameError: There is no setting of a name.
        """
        try:
            super().__init__(**values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
        else:
            return
        name, known = str(first["loc"][0]), type(self).model_fields
        if name not in known:
            raise UnknownNameError("Setting", name, known, f"There are: {', '.join(known)}.")
        default = known[name].get_default(call_default_factory=True)
        shown = list(default) if isinstance(default, tuple) else default
        raise SettingError(
            f"{name}={shortened(repr(values[name]))} cannot be: {first['msg']}. "
            f"The default is {shown!r}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the settings as what JSON can hold."""
        return self.model_dump(mode="json")
