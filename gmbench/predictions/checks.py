"""Named checks: what was examined, what was found, and the remedy.

One format for all that is checked: prediction files, submissions and entries of a board, sources of
images, dataset folders, and GMs before they are admitted to the zoo.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gmbench.errors import printable

MOST_SHOWN = 10
"""Most offenders that a message names; the rest are counted."""

MOST_CHARACTERS = 1_000
"""Length up to which an offender is shown in full."""


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    NOTE = "note"
    """Something was read that is not quite as documented; no action is needed."""
    WARNING = "warning"
    """Something was found that does not count as a failure."""
    FAILED = "failed"
    ERROR = "error"
    """The check failed, and the later ones could not be made."""
    SKIPPED = "skipped"
    """The check was not made: it does not apply, or an earlier one failed."""


@dataclass(frozen=True, slots=True)
class Check:
    """One named check.

    Attributes:
        name: Such as `loss_range`.
        status: How it ended.
        message: What was found, in one line.
        offenders: The first offenders, one line each; all of them if the checklist keeps all.
        n_offenders: Total number of offenders.
        remedy: What to do about it; empty if there is nothing to do.
    """

    name: str
    status: Status
    message: str
    offenders: tuple[str, ...] = ()
    n_offenders: int = 0
    remedy: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Returns the check as plain data; `from_dict` reads it back."""
        return {
            "name": self.name,
            "status": str(self.status),
            "message": self.message,
            "offenders": list(self.offenders),
            "n_offenders": self.n_offenders,
            "remedy": self.remedy,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Check:
        """Makes a check from the output of `to_dict`.

        Raises:
            KeyError: A key is missing.
            ValueError: There is no such status.
        """
        return cls(
            name=data["name"],
            status=Status(data["status"]),
            message=data["message"],
            offenders=tuple(data["offenders"]),
            n_offenders=data["n_offenders"],
            remedy=data["remedy"],
        )

    def lines(self) -> list[str]:
        """Returns the check as text: one line, then its offenders and the remedy, indented."""
        lines = [f"{self.status:<7} {self.name:<18} {self.message}"]
        indent = " " * 27
        shown = self.offenders[:MOST_SHOWN]
        lines += [f"{indent}- {offender}" for offender in shown]
        if self.n_offenders > len(shown) > 0:
            lines.append(f"{indent}- and {self.n_offenders - len(shown):,} more")
        if self.remedy:
            lines.append(f"{indent}remedy: {self.remedy}")
        return lines


@dataclass
class Checklist:
    """The checks made on one thing, in the order in which they were made.

    Attributes:
        source: What was checked: a file, a folder, the name of a submission or GM.
        checks: The checks.
        keeps_all: Whether checks keep all offenders, for reports that account for every one;
            otherwise they keep the first ten.
    """

    source: str
    checks: list[Check] = field(default_factory=list)
    keeps_all: bool = False

    @property
    def ok(self) -> bool:
        """Whether no check failed; skipped checks, even after a failure, do not count as failed."""
        return not self.failures

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(c for c in self.checks if c.status in (Status.FAILED, Status.ERROR))

    def __iter__(self) -> Iterator[Check]:
        return iter(self.checks)

    def passed(self, name: str, message: str) -> None:
        """Records a check that is ok."""
        self.checks.append(Check(name, Status.OK, message))

    def noted(self, name: str, message: str) -> None:
        """Records what was read nonetheless, and how it was understood."""
        self.checks.append(Check(name, Status.NOTE, message))

    def skipped(self, name: str, message: str, remedy: str = "") -> None:
        """Records a check that was not made, and why."""
        self.checks.append(Check(name, Status.SKIPPED, message, remedy=remedy))

    def warned(
        self,
        name: str,
        message: str,
        offenders: Iterable[str] = (),
        remedy: str = "",
        n_offenders: int | None = None,
    ) -> None:
        """Records a check with a finding that is not a failure; arguments as in `failed`."""
        self._add(name, Status.WARNING, message, remedy, offenders, n_offenders)

    def failed(
        self,
        name: str,
        message: str,
        remedy: str,
        offenders: Iterable[str] = (),
        n_offenders: int | None = None,
        *,
        fatal: bool = False,
    ) -> None:
        """Records a check that failed.

        Args:
            name: Name of the check.
            message: What was found.
            remedy: What to do.
            offenders: Some or all offenders; the first ten are kept, or all.
            n_offenders: Total number of offenders; by default, of those given.
            fatal: Whether the later checks cannot be made.
        """
        status = Status.ERROR if fatal else Status.FAILED
        self._add(name, status, message, remedy, offenders, n_offenders)

    def _add(
        self,
        name: str,
        status: Status,
        message: str,
        remedy: str,
        offenders: Iterable[str],
        n_offenders: int | None = None,
    ) -> None:
        offenders = tuple(offenders)
        kept = offenders if self.keeps_all else offenders[:MOST_SHOWN]
        self.checks.append(
            Check(
                name=name,
                status=status,
                message=one_line(message),
                offenders=tuple(map(one_line, kept)),
                n_offenders=len(offenders) if n_offenders is None else n_offenders,
                remedy=remedy,
            )
        )

    def text(self, *, all_checks: bool = True) -> str:
        """Returns the checklist as text.

        Args:
            all_checks: Whether to include the checks that are ok, and notes.
        """
        calm = (Status.OK, Status.NOTE)
        shown = [check for check in self.checks if all_checks or check.status not in calm]
        return "\n".join(line for check in shown for line in check.lines())

    def to_dict(self) -> dict[str, Any]:
        """Returns the checklist as plain data; `from_dict` reads it back."""
        return {
            "source": self.source,
            "ok": self.ok,
            "checks": [check.to_dict() for check in self.checks],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, keeps_all: bool = False) -> Checklist:
        """Makes a checklist from the output of `to_dict`; raises what `Check.from_dict` does."""
        return cls(data["source"], [Check.from_dict(one) for one in data["checks"]], keeps_all)


def one_line(text: str) -> str:
    """Returns a text fit to be printed on one line, reduced to its beginning and end if long.

    Args:
        text: The text; may hold anything found in a user's file.
    """
    if len(text) > MOST_CHARACTERS:
        text = f"{text[: MOST_CHARACTERS // 2]} ... {text[-MOST_CHARACTERS // 4 :]}"
    return printable(text)
