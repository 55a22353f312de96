"""Settings: pydantic models with values from a recipe, a command line or a checkpoint."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, ValidationError
from pydantic_core import PydanticCustomError

from gmbench.errors import GmbenchError, require_known, shortened


class SettingError(GmbenchError):
    """A setting with an invalid value."""


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("float_type", "Input should be a valid number")
    return value


Number = Annotated[float, BeforeValidator(_no_bool), Strict(False), Field(allow_inf_nan=False)]
"""A finite number, or a string that represents one: YAML reads 1e-4, without a point, as a string.
"""

Count = Annotated[int, Field(ge=1)]
"""A number of things, at least 1."""

Share = Annotated[Number, Field(ge=0, le=1)]
"""A number from 0 to 1."""

Channels = Literal[3]
"""Channels of the images: views have red, green and blue."""

Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""A seed that scikit-learn accepts."""

MOST_LAYERS = 1000
"""Maximum number of layers of a network: settings may be untrusted, and each layer takes time."""

Counts = Annotated[tuple[Count, ...], Field(min_length=1, max_length=MOST_LAYERS), Strict(False)]
"""One or more counts; a list, as JSON and YAML give it, is accepted as a tuple."""

Dropout = Annotated[Number, Field(ge=0, lt=1)]
"""Fraction of the features dropped during training."""


class Settings(BaseModel):
    """Base class of settings: each field has a default, and given values must be of its type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def __init__(self, /, **values: Any) -> None:
        """Takes settings by name.

        Raises:
            SettingError: A setting has an invalid value.
            UnknownNameError: There is no setting of that name.
        """
        try:
            super().__init__(**values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
        else:
            return
        name, known = str(first["loc"][0]), type(self).model_fields
        require_known("Setting", known, name)
        default = known[name].get_default(call_default_factory=True)
        shown = list(default) if isinstance(default, tuple) else default
        raise SettingError(
            f"{name}={shortened(repr(values[name]))} cannot be: {first['msg']}. "
            f"The default is {shown!r}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the settings as JSON-compatible data."""
        return self.model_dump(mode="json")
