"""Everything that a user can cause to go wrong, as one family of exceptions.

Each message names the thing, the place and the remedy, so that the command line can print it
unchanged. A traceback is reserved for bugs of gmbench.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any


class GmbenchError(Exception):
    """Base class of all errors that a user can cause and fix.

    Attributes:
        exit_code: Exit status of the command line for this kind of error.
    """

    exit_code = 2

    def __reduce__(self) -> tuple[Any, ...]:
        """Lets an error pass between processes, whatever its class is made from."""
        return _with_message, (type(self), self.args), self.__dict__


def _with_message(kind: type[GmbenchError], arguments: tuple[Any, ...]) -> GmbenchError:
    return kind.__new__(kind, *arguments)


class MissingPackageError(GmbenchError, ImportError):
    """A package that only an extra of gmbench installs, and that is missing."""

    def __init__(self, package: str) -> None:
        super().__init__(
            f"This needs the package {package}, which is not installed. Get it with "
            f'`pip install "gmbench[{EXTRAS[package]}]"`.'
        )


EXTRAS = {
    **dict.fromkeys(("accelerate", "safetensors", "torch", "torchvision"), "train"),
    "matplotlib": "figures",
    **dict.fromkeys(("av", "skimage"), "video"),
    "pywt": "attribution",
    "ray": "ray",
}
"""Packages that only some features need, each with its extra."""


@contextmanager
def naming_extras() -> Iterator[None]:
    """Says how to get a package that an extra installs, where its import fails.

    Raises:
        MissingPackageError: Such a package is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        raise MissingPackageError(error.name) from error


class InterruptedWorkError(GmbenchError):
    """Work that was interrupted from the keyboard (Ctrl-C), and what becomes of it."""

    exit_code = 130

    def __init__(self, *, goes_on: bool) -> None:
        """Says how to continue.

        Args:
            goes_on: Whether the same command continues where this one stopped.
        """
        super().__init__(
            "What is finished is kept; the same command goes on from there."
            if goes_on
            else "No file is left half-written; the same command begins anew."
        )


class UnknownNameError(GmbenchError):
    """A name that is not among the known ones; the message gives the nearest of these."""

    def __init__(self, what: str, name: str, known: Iterable[str], remedy: str = "") -> None:
        self.what, self.name = what, name
        self.nearest = nearest_names(name, known)
        hint = f" Did you mean {' or '.join(self.nearest)}?" if self.nearest else ""
        said = shortened(repr(name))
        super().__init__(f"{what} {said} is not known.{hint}{' ' + remedy if remedy else ''}")


def require_known(what: str, known: Iterable[str], *names: str) -> None:
    """Checks that names are known.

    Args:
        what: What they name, such as `Preset`.
        known: The known names, which the message lists.
        *names: The names.

    Raises:
        UnknownNameError: One of them is not known.
    """
    there = tuple(known)
    for name in names:
        if name not in there:
            raise UnknownNameError(what, name, there, f"There are: {', '.join(there)}.")


class BenchmarkError(GmbenchError):
    """A benchmark, or the folder of one, that cannot be used as requested."""


class PredictionError(GmbenchError):
    """A prediction file that cannot be scored."""

    exit_code = 1


class SourceError(GmbenchError):
    """Images, or an archive of images, that cannot be read as requested."""


class DatasetError(GmbenchError):
    """A dataset folder that cannot be built, is damaged, or is not one."""


class NetworkError(GmbenchError):
    """A network that cannot be found, loaded or measured."""


class HubError(GmbenchError):
    """A host that refused, or could not be reached."""


LONGEST_NAME = 200
"""Maximum number of characters in a name."""


def shortened(text: str, most: int = LONGEST_NAME) -> str:
    """Returns a text from other people's files as messages show it: its beginning if it is long."""
    return text if len(text) <= most else f"{text[:most]}..."


def one_line(error: BaseException) -> str:
    """Returns the words of other people's error: torch's may be pages long."""
    return shortened(" ".join(str(error).split()), most=500)


def first_line(error: BaseException) -> str:
    """Returns the first line of other people's error, or its type if it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def nearest_names(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Returns the known names that look most like `name`, nearest first.

    Letter case and separators are ignored, so that `stylegan2` finds `STYLEGAN_2`. A text longer
    than any name has no near ones, because comparing it would take minutes.
    """
    if len(name) > LONGEST_NAME:
        return []
    by_form: dict[str, str] = {}
    for candidate in known:
        by_form.setdefault(plain_form(candidate), candidate)
    found = difflib.get_close_matches(plain_form(name), by_form, n=most, cutoff=0.6)
    return [by_form[form] for form in found]


def plain_form(name: str) -> str:
    """Returns a name without letter case and separators: `Style-GAN 2` becomes `stylegan2`."""
    return "".join(character for character in name.casefold() if character.isalnum())


def printable(text: str) -> str:
    """Returns a name or cell from other people's files in a form fit to be printed and stored.

    Control characters could steer a terminal, and bytes that are not UTF-8 cannot be stored: both
    become escapes.
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape", "backslashreplace").decode()
        for character in text
    )
