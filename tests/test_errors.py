from __future__ import annotations

import pickle

import pytest

from gmbench.data.inspection import IncompleteSourceError, Inspection
from gmbench.errors import (
    GmbenchError,
    InterruptedWorkError,
    MissingPackageError,
    PredictionError,
    UnknownNameError,
    nearest_names,
    plain_form,
)
from gmbench.predictions.checks import Checklist


@pytest.mark.parametrize("name", ["STYLEGAN_2", "stylegan2", "Style-GAN 2", "style.gan_2"])
def test_case_and_separators_do_not_count(name: str) -> None:
    assert plain_form(name) == "stylegan2"


def test_nearest_names_come_in_their_own_spelling() -> None:
    assert nearest_names("stylgan", ["BEGAN", "STYLEGAN", "STYLEGAN_2"])[0] == "STYLEGAN"
    assert nearest_names("zzz", ["BEGAN", "STYLEGAN"]) == []
    assert len(nearest_names("gan", ["GAN1", "GAN2", "GAN3", "GAN4"])) == 3


def test_unknown_name_says_what_is_meant_and_what_to_do() -> None:
    error = UnknownNameError("Set", "set_9", ["set_1"], "There are four.")
    assert str(error) == "Set 'set_9' is not known. Did you mean set_1? There are four."
    assert str(UnknownNameError("Set", "x", [])) == "Set 'x' is not known."


def test_one_family_with_exit_codes() -> None:
    assert issubclass(PredictionError, GmbenchError)
    assert (GmbenchError.exit_code, PredictionError.exit_code) == (2, 1)


@pytest.mark.parametrize(
    "error",
    [
        GmbenchError("no"),
        MissingPackageError("torch"),
        InterruptedWorkError(goes_on=True),
        UnknownNameError("Set", "set_9", ["set_1"], "There are four."),
        IncompleteSourceError("no", Inspection("red116", "1", True, Checklist("images"), {})),
    ],
)
def test_errors_pass_between_processes(error: GmbenchError) -> None:
    came = pickle.loads(pickle.dumps(error))
    assert type(came) is type(error)
    assert (str(came), vars(came)) == (str(error), vars(error))
