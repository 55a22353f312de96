from __future__ import annotations

from typing import Any

import pytest

from gmbench.errors import GmbenchError, UnknownNameError
from gmbench.models.settings import SettingError
from gmbench.training.config import PAPER, PRESETS, TrainingConfig, parse_changes
from gmbench.training.recipes import find_recipes


def test_the_paper_preset_is_the_papers() -> None:
    """Section 4.1: 64 x 64 px, Adam with 1e-4, 10 epochs."""
    assert PAPER.view == {"kind": "resized", "size": 64}
    assert (PAPER.learning_rate, PAPER.epochs, PAPER.weight_decay) == (1e-4, 10, 0.0)
    assert PAPER.model == {}
    assert PAPER.objective == {}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", [n for n, r in find_recipes().items() if r.training is not None])
def test_every_recipe_changes_settings_that_there_are(name: str, preset: str) -> None:
    from gmbench.training.methods import METHODS, loaded

    training = find_recipes()[name].training
    assert training is not None
    assert set(training) <= {"all", *PRESETS}
    config = PRESETS[preset].changed(training.get("all", {})).changed(training.get(preset, {}))
    method = METHODS[config.method]
    loaded(method.settings)(**config.model)
    loaded(method.weights)(**config.objective)


def test_changes_lead_into_sections_and_leave_the_rest() -> None:
    changed = PAPER.changed(
        {"model.fen_depth": 5, "model.fen_width": 8, "epochs": 2, "learning_rate": "1e-3"}
    )
    assert changed.model == {"fen_depth": 5, "fen_width": 8}
    assert (changed.epochs, changed.learning_rate) == (2, 1e-3)
    assert changed.batch_size == PAPER.batch_size
    assert PAPER.model == {}


def test_a_whole_view_takes_nothing_from_the_old_one() -> None:
    crops = {"kind": "crops", "size": 16, "count": 2}
    assert PAPER.changed({"view": crops}).view == crops
    assert PAPER.changed({"view.size": 32}).view == {"kind": "resized", "size": 32}
    assert PAPER.changed({"model": {"parsers": 1}}).changed({"model": {"fen_width": 8}}).model == {
        "parsers": 1,
        "fen_width": 8,
    }


def test_another_method_starts_with_its_own_network() -> None:
    small = PRESETS["small"]
    assert small.model
    assert small.changed({"method": "graph"}).model == {}
    changed = small.changed({"model.node_width": 8, "method": "graph"})
    assert changed.model == {"node_width": 8}
    assert small.changed({"method": "parser"}).model == small.model


def test_the_fingerprint_knows_every_setting() -> None:
    others: dict[str, Any] = {
        "method": "graph", "view.size": 8, "model.fen_width": 3, "objective.gamma1": 2.0,
        "epochs": 3, "steps": 99, "batch_size": 4, "learning_rate": 0.5,
        "schedule": "cosine", "warmup": 0.2, "weight_decay": 0.1, "clip": 1.0,
        "accumulate": 2, "balanced": True,
        "shuffled_labels": True, "members": 2, "trees": 0.5,
        "tree_features": "spectral_size_colour", "extra_until": 0.5, "validation_gms": 3,
        "precision": "fp32", "compile": "no",
    }  # fmt: skip
    known = set(TrainingConfig.model_fields)
    assert {name.split(".")[0] for name in others} == known
    found = {PAPER.changed({name: value}).sha256 for name, value in others.items()}
    assert len(found | {PAPER.sha256}) == len(others) + 1
    assert TrainingConfig().sha256 == PAPER.sha256


def test_changes_as_a_user_writes_them() -> None:
    texts = ["epochs=5", "learning_rate=1e-3", "balanced=true", "model.trunk_widths=[4, 8]"]
    assert parse_changes(texts) == {
        "epochs": 5, "learning_rate": "1e-3", "balanced": True, "model.trunk_widths": [4, 8],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs", "'epochs' is no setting: write it as NAME=VALUE."),
        ("epochs=[", "'epochs=[': '[' cannot be read as a value."),
        (
            "epochs=many",
            "epochs='many' cannot be: Input should be a valid integer. The default is 10.",
        ),
        ("epochs=true", "epochs=True cannot be: Input should be a valid integer"),
        ("epochs=0", "epochs=0 cannot be: Input should be greater than or equal to 1"),
        ("batch_size=0", "batch_size=0 cannot be: Input should be greater than or equal to 1"),
        ("accumulate=-1", "accumulate=-1 cannot be: Input should be greater than or equal to 1"),
        ("learning_rate=0", "learning_rate=0 cannot be: Input should be greater than 0"),
        ("learning_rate=.nan", "learning_rate=nan cannot be: Input should be"),
        ("learning_rate=fast", "learning_rate='fast' cannot be: Input should be a valid number"),
        ("learning_rate=true", "learning_rate=True cannot be: Input should be a valid number"),
        ("weight_decay=.inf", "weight_decay=inf cannot be: Input should be a finite number"),
        ("clip=-1", "clip=-1 cannot be: Input should be greater than or equal to 0"),
        ("validation_gms=-1", "validation_gms=-1 cannot be: Input should be greater than or equal"),
        ("warmup=2", "warmup=2 cannot be: Input should be less than 1. The default is 0.0."),
        (
            "schedule=linear",
            "schedule='linear' cannot be: Input should be 'constant' or 'cosine'. "
            "The default is 'constant'.",
        ),
        (
            "precision=fp64",
            "precision='fp64' cannot be: Input should be 'auto', 'fp32', 'bf16' or 'fp16'.",
        ),
        ("compile=true", "compile=True cannot be: Input should be 'auto' or 'no'."),
        ("balanced=1", "balanced=1 cannot be: Input should be a valid boolean"),
        ("view=big", "view is a section: give view.NAME=big."),
        ("epochs.more=1", "epochs is a value, not a section: there is no epochs.more."),
    ],
)
def test_a_setting_that_cannot_be(text: str, message: str) -> None:
    with pytest.raises(SettingError) as caught:
        PAPER.changed(parse_changes([text]))
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("text", ["compile=no", "compile='no'", "compile=off"])
def test_a_no_that_yaml_takes_for_false(text: str) -> None:
    assert PAPER.changed(parse_changes([text])).compile == "no"


def test_an_unknown_setting() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean epochs"):
        PAPER.changed({"epoch": 3})
    with pytest.raises(UnknownNameError, match="Setting 'self' is not known"):
        PAPER.changed({"self": 1})
    assert issubclass(SettingError, GmbenchError)
