"""Long lines in a terminal."""

from __future__ import annotations

import pytest

from gmbench.cli.wrapping import fitted

CHECKS = (
    "ok      file               a.csv: CSV\n"
    "failed  classes_known      1 value is not a class of the parameter, and this line is long.\n"
    "                           - line 7 (BETA_B/000002): normalization is 'x'; is it batch?"
)
FITTED = (
    "ok      file               a.csv: CSV\n"
    "failed  classes_known      1 value is not a class of the\n"
    "                           parameter, and this line is long.\n"
    "                           - line 7 (BETA_B/000002):\n"
    "                             normalization is 'x'; is it\n"
    "                             batch?"
)


def test_checks_stay_under_each_other() -> None:
    assert fitted(CHECKS, 60) == FITTED


@pytest.mark.parametrize("width", [20, 40, 60, 80])
def test_every_word_is_kept_in_its_order(width: int) -> None:
    assert fitted(CHECKS, width).split() == CHECKS.split()


def test_a_command_is_not_broken() -> None:
    text = "error: Name 'x' is not known. `gmbench baseline --list` shows them all."
    assert "\n`gmbench baseline --list` shows" in fitted(text, 50)


def test_what_fits_stays_as_it_is() -> None:
    assert fitted("a   table  line\n\n", 15) == "a   table  line\n\n"


def test_a_word_longer_than_the_terminal_is_left_whole() -> None:
    assert fitted("see https://example.org/a/long/address now", 20).split("\n") == [
        "see",
        "https://example.org/a/long/address",
        "now",
    ]
