"""The place of a parser: a folder, or a name on the Hub. Its `config.json` describes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gmbench.errors import GmbenchError, first_line, printable
from gmbench.files import parse_json

CONFIG = "config.json"

MOST_BYTES = 2**24
"""Most bytes of a `config.json`: a longer one is not read, as it may be untrusted."""

KNOWN_GMS = "known_gms"
"""Name of the method of a parser without a network in `config.json`."""


class CheckpointError(GmbenchError):
    """A folder or repository that holds no model parser, or one that cannot be read."""


def file_of(place: str | Path, name: str) -> Path:
    """Returns the path of a parser's file, fetched from the Hub if there is no such folder.

    Args:
        place: Folder, or name on the Hub.
        name: Name of the file.

    Raises:
        CheckpointError: The folder holds no parser or does not exist, or the Hub does not provide
            the file.
    """
    folder = Path(place)
    if folder.is_dir():
        if not (folder / CONFIG).is_file():
            raise CheckpointError(
                f"{folder} holds no model parser: {CONFIG} is missing. Train one "
                "with `gmbench train NAME`, which leaves it in the folder `model`."
            )
        return folder / name
    if folder.is_absolute() or len(folder.parts) != 2:
        raise CheckpointError(
            f"{folder} is not there. Give the folder of a model parser, or its name on the Hub, "
            "such as USER/NAME."
        )
    # Takes half a second to import, and a folder does not need it.
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(hf_hub_download(str(place), name))
    except HfHubHTTPError as error:
        raise CheckpointError(
            f"{place} is no folder here, and the Hub does not give it: "
            f"{first_line(error).rstrip('.')}."
        ) from error
    except OSError as error:
        raise unreadable(place, error) from error


def config_of(place: str | Path) -> dict[str, Any]:
    """Returns the contents of a parser's `config.json`.

    Raises:
        CheckpointError: There is none, or it cannot be read.
    """
    try:
        with file_of(place, CONFIG).open("rb") as file:
            text = file.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise ValueError(f"{CONFIG} has more than {MOST_BYTES:,} bytes")
        config = parse_json(text)
        if not isinstance(config, dict):
            raise TypeError(f"{CONFIG} is not an object")
        if not isinstance(config.get("method", ""), str):
            raise TypeError("its method is no name")
    except (OSError, ValueError, TypeError) as error:
        raise unreadable(place, error) from error
    return config


def training_facts(data: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a parser's record of its training, after checking the types that readers rely on.

    Raises:
        ValueError: A value is of another type or not fit for display.
    """
    facts = dict(data)
    names = [facts.get(key, "") for key in ("baseline", "benchmark", "set")]
    gms, most = facts.get("gms", []), facts.get("most_images", {})
    sound = (
        isinstance(gms, list | tuple)
        and isinstance(most, Mapping)
        and all(type(one) is int and one >= 0 for one in most.values())
        and all(isinstance(one, str) and one.isprintable() for one in (*names, *gms))
        and isinstance(facts.get("n_gms", 0), int)
    )
    if not sound:
        raise ValueError("what it says of its training cannot be")
    return facts


def unreadable(place: str | Path, error: Exception) -> CheckpointError:
    """Returns the error that explains why a parser cannot be read."""
    if isinstance(error, KeyError):
        reason = f"{CONFIG} lacks {error}"
    else:
        # torch begins with a heading and lists below it what is missing or does not fit.
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[-1 if len(lines) > 1 else 0].rstrip(".:")
    return CheckpointError(
        f"{place} cannot be read as a model parser: {printable(reason)}. Give the folder of one "
        "that `gmbench train` made, or its name on the Hub."
    )
