from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from gmbench.benchmark.benchmark import Benchmark
from gmbench.data.rgb import Pixels
from gmbench.errors import UnknownNameError
from gmbench.models.settings import SettingError
from gmbench.training.cache import HeldImages
from gmbench.training.classify import (
    ClassifierJob,
    classifier_config,
    log_probabilities,
    train_classifier,
)
from gmbench.training.config import TrainingConfig
from gmbench.training.methods import build_method
from gmbench.training.state import STATE
from gmbench.training.views import Resized
from tests.training.families import targets_of

SIDE = 8


def tiny(**changes: object) -> TrainingConfig:
    return classifier_config(
        "small",
        {
            "view": {"kind": "resized", "size": SIDE},
            "model": {"fen_depth": 2, "fen_width": 4, "widths": [4], "hidden": 4, "dropout": 0.0},
            "steps": 40,
            "learning_rate": 0.03,
            "batch_size": 16,
        },
        changes,
    )


def toy(shift: int, n: int, seed: int) -> Pixels:
    """Noise about a grey: one view an image."""
    generator = np.random.default_rng(seed)
    values = 100 + shift + generator.normal(0, 10, (n, 1, SIDE, SIDE, 3))
    return values.clip(0, 255).astype(np.uint8)


def test_separable_classes_are_told_and_few_images_count_as_much() -> None:
    classes = {"real": [toy(0, 6, 0)], "fake": [toy(60, 40, 1), toy(60, 40, 2)]}
    job = ClassifierJob(tiny(**{"model.inputs": "image"}), device="cpu")
    run = train_classifier(job, classes, "real")
    for row, shift in enumerate((0, 60)):
        logs = log_probabilities(run.network, toy(shift, 20, 9), job.config, "cpu")
        assert logs.shape == (20, 2)
        assert (logs.argmax(axis=1) == row).all()
        assert np.allclose(np.exp(logs).sum(axis=1), 1)


def test_it_goes_on_where_it_was_and_other_pixels_begin_anew(tmp_path: Path) -> None:
    classes = {"a": [toy(0, 8, 0)], "b": [toy(60, 8, 1)]}
    job = ClassifierJob(tiny(steps=4), device="cpu", folder=tmp_path)
    first = train_classifier(job, classes)
    again = train_classifier(job, classes)
    assert (first.resumed_at, again.resumed_at) == (0, first.log[-1]["epoch"])
    for name, tensor in first.network.state_dict().items():
        assert torch.equal(tensor, again.network.state_dict()[name])
    assert train_classifier(job, {**classes, "b": [toy(61, 8, 1)]}).resumed_at == 0
    start = {"fen.layers.0.bias": torch.ones(4)}
    assert train_classifier(job, classes, initial=start).resumed_at == 0
    assert (tmp_path / STATE).is_file()
    assert json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])["classes"] > 0


@pytest.mark.parametrize("first", ["a", "real", None])
def test_another_genuine_class_begins_anew(first: str | None, tmp_path: Path) -> None:
    classes = {"a": [toy(0, 8, 0)], "b": [toy(60, 8, 1)], "real": [toy(30, 8, 2)]}
    job = ClassifierJob(tiny(steps=2), device="cpu", folder=tmp_path)
    for genuine in ("a", "b", "real", None):
        train_classifier(job, classes, first)
        resumed = train_classifier(job, classes, genuine).resumed_at > 0
        assert resumed == (genuine == first)


def test_weights_to_begin_with(tmp_path: Path) -> None:
    classes = {"a": [toy(0, 8, 0)], "b": [toy(60, 8, 1)]}
    job = ClassifierJob(tiny(**{"model.frozen": True, "steps": 2}), device="cpu")
    start = {
        "fen.layers.0.weight": torch.full((4, 3, 3, 3), 0.25),
        "fen.layers.2.bias": torch.full((3,), 0.5),
    }
    trained = train_classifier(job, classes, initial=start).network.state_dict()
    for name, tensor in start.items():
        assert torch.equal(trained[name], tensor)


def test_held_images_tell_of_their_pixels() -> None:
    held = HeldImages(Resized(SIDE), {"a": toy(0, 3, 0), "b": toy(1, 2, 1)})
    other = HeldImages(Resized(SIDE), {"a": toy(0, 3, 0), "b": toy(1, 2, 2)})
    assert held.sha256 != other.sha256
    stack = held.stack(["b", "a"])
    assert stack.gm_rows.tolist() == [0, 0, 1, 1, 1]
    assert np.array_equal(stack.pixels[:2], held.arrays["b"])


def test_a_classifier_is_no_parser_and_a_parser_no_classifier(families: Benchmark) -> None:
    with pytest.raises(UnknownNameError, match="There are: parser, trace, graph"):
        build_method(tiny(), targets_of(families), 0)
    with pytest.raises(UnknownNameError, match="There are: classifier, gan_fingerprint"):
        train_classifier(
            ClassifierJob(tiny(method="parser"), device="cpu"),
            {"a": [toy(0, 8, 0)], "b": [toy(60, 8, 1)]},
        )
    with pytest.raises(UnknownNameError, match="Did you mean paper"):
        classifier_config("papers")


@pytest.mark.parametrize(
    "change",
    [
        {"members": 3},
        {"trees": 0.5},
        {"tree_features": "spectral_size_colour"},
        {"shuffled_labels": True},
        {"validation_gms": 4},
        {"extra_until": 0.5},
    ],
)
def test_settings_that_only_parsers_have_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(SettingError, match=f"{next(iter(change))} is for networks that parse"):
        classifier_config("small", change)


@pytest.mark.parametrize(
    "change",
    [{"model.inputs": "image"}, {"model": {"inputs": "image"}}, {"method": "gan_fingerprint"}],
)
def test_no_change_undoes_what_a_classifier_is_called_after(change: dict[str, object]) -> None:
    fixed = {"model.inputs": "fingerprint"}
    harmless = {"model.fen_depth": 3}
    found = classifier_config("small", harmless, fixed=fixed)
    assert found == classifier_config("small", fixed, harmless)
    with pytest.raises(SettingError, match=r"model\.inputs is 'fingerprint' in what is compared"):
        classifier_config("small", change, fixed=fixed)
