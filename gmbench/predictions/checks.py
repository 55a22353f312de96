"""Named checks: what was looked at in a prediction file, what was found, and the remedy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

MOST_SHOWN = 10
"""Offenders that a message names; the rest are counted."""


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    FAILED = "failed"
    ERROR = "error"
    """The check failed and the later ones could not be made."""


@dataclass(frozen=True, slots=True)
class Check:
    """One named check.

    Attributes:
        name: Such as `loss_range`.
        status: How it ended.
        message: What was found, in one line.
        offenders: The first offenders, at most ten, each in one line.
        n_offenders: Number of all offenders.
        remedy: What to do about it; empty when the check is ok.
    """

    name: str
    status: Status
    message: str
    offenders: tuple[str, ...] = ()
    n_offenders: int = 0
    remedy: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Returns the check as plain data."""
        return {
            "name": self.name,
            "status": str(self.status),
            "message": self.message,
            "offenders": list(self.offenders),
            "n_offenders": self.n_offenders,
            "remedy": self.remedy,
        }

    def lines(self) -> list[str]:
        """Returns the check as text: one line, then its offenders and the remedy, indented."""
        lines = [f"{self.status:<7} {self.name:<18} {self.message}"]
        indent = " " * 27
        lines += [f"{indent}- {offender}" for offender in self.offenders]
        if self.n_offenders > len(self.offenders) > 0:
            lines.append(f"{indent}- and {self.n_offenders - len(self.offenders):,} more")
        if self.remedy:
            lines.append(f"{indent}remedy: {self.remedy}")
        return lines


@dataclass
class Checklist:
    """The checks made of one file, in the order in which they were made."""

    source: str
    checks: list[Check] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every check is ok."""
        return all(check.status is Status.OK for check in self.checks)

    def __iter__(self) -> Iterator[Check]:
        return iter(self.checks)

    def passed(self, name: str, message: str) -> None:
        """Notes a check that is ok."""
        self.checks.append(Check(name, Status.OK, message))

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
        """Notes a check that is not ok.

        Args:
            name: Name of the check.
            message: What was found.
            remedy: What to do.
            offenders: Some or all offenders; the first ten are kept.
            n_offenders: Number of all of them; by default, of those given.
            fatal: Whether the later checks cannot be made.
        """
        offenders = tuple(offenders)
        self.checks.append(
            Check(
                name=name,
                status=Status.ERROR if fatal else Status.FAILED,
                message=message,
                offenders=offenders[:MOST_SHOWN],
                n_offenders=len(offenders) if n_offenders is None else n_offenders,
                remedy=remedy,
            )
        )

    def text(self, *, all_checks: bool = True) -> str:
        """Returns the checklist as text.

        Args:
            all_checks: Whether the checks that are ok stand there too.
        """
        shown = [check for check in self.checks if all_checks or check.status is not Status.OK]
        return "\n".join(line for check in shown for line in check.lines())

    def to_dict(self) -> dict[str, Any]:
        """Returns the checklist as plain data."""
        return {
            "source": self.source,
            "ok": self.ok,
            "checks": [check.to_dict() for check in self.checks],
        }


def plural(count: int, one: str, many: str = "") -> str:
    """Returns `1 row`, `2 rows`, `48,000 rows`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
