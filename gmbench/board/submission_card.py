"""The card of a submission: who made what, from which data, at what cost.

`Card` is the contract. Its JSON Schema is committed as `leaderboard/card.schema.json`, for editors
and other programs; a test keeps the two equal.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)

from gmbench.benchmark.cross_validation import PROTOCOLS, name_with_sets
from gmbench.board.safe_yaml import CardError, read_yaml
from gmbench.board.title_form import title_fault
from gmbench.errors import nearest_names

TrainingData = Literal["labels", "benchmark", "extra"]
TRAINING_DATA: dict[str, str] = {
    "labels": "labels alone, no image",
    "benchmark": "the benchmark's own training GMs",
    "extra": "other images or GMs as well",
}
"""What a method can have learned from, in words."""

assert tuple(TRAINING_DATA) == get_args(TrainingData)

PREDICTED = ("benchmark", "version", "sets")
"""Keys of a card that follow from what was predicted."""
COUNTED = "resubmitted"
"""The key of a card that `gmbench submit` counts."""

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])", re.IGNORECASE)
"""Names that no file can have on Windows."""
REPORTED = "reported-"
"""Prefix of the names of rows that papers report."""
_LATEST = datetime.date(2100, 1, 1)


_BLANK_LETTERS = "\u115f\u1160\u3164\uffa0\u2800"
"""Letters and symbols that are drawn as nothing: Hangul fillers and the empty Braille pattern."""


def _safe_name(name: str) -> str:
    # Without dots and slashes a name cannot leave its folder; Windows reserves a few more.
    if RESERVED.fullmatch(name):
        raise ValueError("is a name that Windows reserves")
    return name


def _plain_text(text: str) -> str:
    for letter in text:
        kind = unicodedata.category(letter)
        if letter in _BLANK_LETTERS or (
            kind in ("Cc", "Cf", "Cs", "Co", "Cn") and letter not in "\n\u200c\u200d"
        ):
            # Control and format characters can reorder or hide what a reader sees.
            raise ValueError(f"holds the invisible character U+{ord(letter):04X}")
    return text


def _one_line(text: str) -> str:
    if len(text.splitlines()) > 1 or text != text.strip():
        raise ValueError("must be one line without blanks at its ends")
    return _plain_text(text)


def _heading(text: str) -> str:
    # A cell that begins with =, +, - or @ is a formula to a spreadsheet.
    if not text[0].isalnum():
        raise ValueError("must begin with a letter or a digit")
    return _one_line(text)


def _title(text: str) -> str:
    if fault := title_fault(text):
        raise ValueError(fault)
    return text


def _own_name(name: str) -> str:
    # Rows that papers report have names that begin like this.
    if name.lower().replace("_", "-").startswith(REPORTED):
        raise ValueError(f"must not begin with {REPORTED}, as rows that papers report do")
    return name


def _no_later_than_today(day: datetime.date) -> datetime.date:
    # A day of grace: in part of the world it is already tomorrow.
    if day > datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=1):
        raise ValueError("is in the future")
    return day


def _web_address(address: str) -> str:
    try:
        parts = urlsplit(address)
        host, user = parts.hostname, parts.username
    except ValueError as error:
        raise ValueError(f"is no web address ({error})") from error
    if not host or user is not None:
        raise ValueError("is no web address: it needs a host and no user name")
    return address


def _known_sets(name: str) -> str:
    if name not in PROTOCOLS:
        raise ValueError(f"must be one of {', '.join(PROTOCOLS)}")
    return name


Name = Annotated[str, Field(pattern=NAME_PATTERN), AfterValidator(_safe_name)]
Sets = Annotated[
    str,
    AfterValidator(_known_sets),
    WithJsonSchema({"type": "string", "enum": list(PROTOCOLS)}),
]
Heading = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_heading)]
OwnName = Annotated[Name, AfterValidator(_own_name)]
Title = Annotated[Heading, AfterValidator(_title)]
Line = Annotated[str, Field(max_length=300), AfterValidator(_one_line)]
Prose = Annotated[str, Field(max_length=2000), AfterValidator(_plain_text)]
Address = Annotated[
    str,
    Field(pattern=r"^https?://[!#-&(-;=?-Z_a-z~\[\]]+$", max_length=500),
    AfterValidator(_web_address),
]
Cost = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


class Card(BaseModel):
    """What stands in `card.yaml`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: OwnName = Field(description="Name of the submission and of its folder.")
    title: Title = Field(description="Name of the method as the board shows it.")
    benchmark: Name = Field(description="Name of the benchmark that was predicted.")
    version: Line = Field(description="Version of the benchmark.")
    sets: Sets | None = Field(
        None, description="Sets that were predicted in place of the benchmark's own."
    )
    authors: list[Heading] = Field(min_length=1, max_length=100, description="Who made it.")
    url: Address | None = Field(
        None, description="Page of the method or of its makers; needed without a `recipe`."
    )
    date: Annotated[
        datetime.date,
        Field(ge=datetime.date(2000, 1, 1), le=_LATEST),
        AfterValidator(_no_later_than_today),
    ] = Field(description="Day of the submission.")
    training_data: TrainingData = Field(
        description="What it learned from: "
        + "; ".join(f"`{key}`: {words}" for key, words in TRAINING_DATA.items())
        + "."
    )
    training_details: Prose = Field("", description="What exactly it was trained on.")
    paper: Address | None = Field(None, description="Address of a paper.")
    code: Address | None = Field(None, description="Address of the code.")
    model: Address | None = Field(None, description="Address of the trained model.")
    license: Heading | None = Field(None, description="Licence of the code or model.")
    params: Annotated[int, Field(ge=0, le=10**15)] | None = Field(
        None, description="Number of trained weights."
    )
    training_hours: Cost | None = Field(None, description="Hours that training took, all folds.")
    seconds_per_image: Cost | None = Field(None, description="Seconds that one image takes.")
    hardware: Line = Field("", description="What the times were measured on.")
    notes: Prose = Field("", description="Anything else that a reader should know.")
    recipe: Name | None = Field(
        None, description="Baseline of gmbench whose training makes these predictions again."
    )
    recipe_preset: Line = Field("", description="Preset that it was trained with.")
    recipe_seed: Annotated[int, Field(ge=0)] = Field(0, description="Seed of that training.")
    recipe_commit: Annotated[str, Field(pattern="^([0-9a-f]{7,40})?$")] = Field(
        "", description="Commit of gmbench that it was trained with."
    )
    seed_of: Name | None = Field(
        None, description="Submission that is the first seed of this method; these are another's."
    )
    resubmitted: Annotated[int, Field(ge=0, le=10**6)] = Field(
        0, description="How often it was replaced; `gmbench submit --replace` counts."
    )

    @property
    def predicted(self) -> str:
        """Name of the benchmark with the sets that were predicted, such as `red116-cv10`."""
        return name_with_sets(self.benchmark, self.sets)


def card_from(data: dict[str, Any], source: str) -> Card:
    """Makes a card from plain data.

    Args:
        data: The keys and values.
        source: Name of the card in messages.

    Raises:
        CardError: Keys are missing, unknown or hold invalid values; the message names them all.
    """
    problems = []
    for key in data:
        if key not in Card.model_fields:
            nearest = nearest_names(str(key), Card.model_fields, most=1)
            hint = f"; is it {nearest[0]}?" if nearest else f"; known are {', '.join(_known())}"
            problems.append(f"{_shown(key)} is not a key of cards{hint}")
    if data.get("url") is None and data.get("recipe") is None:
        # A recipe's folder says what the method is.
        problems.append("url is missing: the address of a page about the method")
    known = {key: value for key, value in data.items() if key in Card.model_fields}
    try:
        card = Card(**known)
    except ValidationError as error:
        problems += [_problem(one, known) for one in error.errors(include_url=False)]
    if problems:
        listed = "\n".join(f"- {problem}" for problem in problems)
        raise CardError(f"{source} is not as it must be:\n{listed}")
    return card


def read_card(path: Path) -> Card:
    """Reads `card.yaml`.

    Raises:
        CardError: It is not a valid card; the message says everything that is wrong with it.
    """
    return card_from(read_yaml(path), path.name)


def card_text(card: Card) -> str:
    """Returns a card as YAML, without the keys that have their default values."""
    data = card.model_dump(exclude_defaults=True)
    text: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=90)
    return text


def card_schema() -> dict[str, Any]:
    """Returns the JSON Schema of cards."""
    schema = Card.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _known() -> list[str]:
    return list(Card.model_fields)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _problem(error: Any, data: dict[str, Any]) -> str:
    """Returns one line for one error that pydantic found."""
    place = str(error["loc"][0])
    if error["type"] == "missing":
        return f"{place} is missing"
    inside = "".join(f"[{part}]" for part in error["loc"][1:] if isinstance(part, int))
    said = error["msg"].removeprefix("Value error, ")
    said = said[0].lower() + said[1:]
    if error["type"] == "string_pattern_mismatch":
        said = {
            "name": "must be letters, digits, - and _, at most 64, the first a letter or digit",
            "benchmark": "must be letters, digits, - and _, at most 64",
            "recipe": "must be letters, digits, - and _, at most 64",
            "seed_of": "must be letters, digits, - and _, at most 64",
            "recipe_commit": "must be 7 to 40 hexadecimal digits",
        }.get(place, "must be an address that begins with https://")
    if error["type"] == "literal_error":
        said = f"must be one of {', '.join(TRAINING_DATA)}"
    value = error["input"] if inside else data[place]
    return f"{place}{inside} is {_shown(value)}: {said}"
