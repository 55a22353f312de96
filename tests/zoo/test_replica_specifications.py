"""Specifications of replicas: what is asked of a network, and the losses it is trained with."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("torch")

import torch

from gmbench.schema import LOSSES, NAMES
from gmbench.zoo.game_options import gan_options
from gmbench.zoo.kinds import vae
from gmbench.zoo.kinds.gan_training import COMPARISONS, ENCODERS
from gmbench.zoo.kinds.row_plan import Row
from gmbench.zoo.like import like_rows
from gmbench.zoo.replica_specifications import OPTIONS, specification_of
from gmbench.zoo.replica_table import Replica
from gmbench.zoo.replicas import (
    AIMED,
    drawn_replica,
    intended_gms,
    intended_row,
    replica,
    replicas,
)
from gmbench.zoo.specification import Specification, TrainedGM
from tests.zoo.kind_contract import module_of, patterns

MADE: tuple[Replica, ...] = tuple(one for one in replicas() if one.kind in OPTIONS)
GAMES_AND_VAES: tuple[Replica, ...] = tuple(one for one in MADE if one.kind in ("GAN", "VAE"))


def small(spec: Specification) -> Specification:
    """A specification with its objective and start, but a small network and small images."""
    options: dict[str, Any] = {k: v for k, v in spec.options.items() if k != "row"}
    translates = "degradation" in options
    family = "image_to_image" if translates else "mlp"
    options |= {
        "width": 8,
        "blocks": 1,
        "layers_per_block": 1,
        "resolutions": 2,
        "normalization": "batch",
        "block_nonlinearity": "relu",
        "upsampling": "interpolation" if translates else "no",
        "downsampling": "strided_conv",
        "skip_connection": "yes",
        "decoder": family,
        "batch": 8,
        "critic_width": 8,
        "encoder_width": 8,
        "latent": 8,
    }
    if translates:
        small_input = spec.options["input_size"] < spec.size
        options["downsampling"] = "no" if small_input else "strided_conv"
        options["input_size"] = 16 * spec.options["input_size"] // spec.size
    return replace(spec, family=family, size=16, steps=2, options=options)


@pytest.mark.parametrize("one", GAMES_AND_VAES, ids=lambda one: one.gm)
def test_the_losses_of_the_table_are_what_the_loop_sums_up(one: Replica) -> None:
    spec = specification_of(one)
    module = module_of(one.kind)
    assert module.losses_of(dict(spec.options)) == one.losses
    source = [patterns(24, 16, grey=False)] if spec.source else []
    trained: TrainedGM = module.train(
        small(spec), patterns(24, 16, one.content == "digits"), *source
    )
    assert trained.losses == spec.losses == one.losses
    images = trained.sample(3, torch.Generator().manual_seed(0))
    assert images.shape == (3, 3, 16, 16)


@pytest.mark.parametrize("one", MADE, ids=lambda one: one.gm)
def test_a_specification_is_json_and_holds_the_row(one: Replica) -> None:
    spec = specification_of(one, seed=3)
    assert json.loads(json.dumps(spec.options)) == spec.options
    assert (spec.name, spec.kind, spec.seed) == (one.name, one.kind, 3)
    assert spec.options["row"] == Row.of(intended_row(one.gm)).to_dict()
    assert set(AIMED) <= set(spec.options["row"])
    assert spec.options.get("compares", "pixels") in COMPARISONS
    assert spec.options.get("encoder", "mode") in ENCODERS


def test_a_row_has_counts_and_names_of_classes() -> None:
    row, values = specification_of(replica("DCGAN")).options["row"], intended_row("DCGAN")
    assert row["conv_layers"] == values["conv_layers"] == 4
    assert row["layers"] == values["layers"]
    assert row["normalization"] == "batch"
    assert "parameters" not in row


def test_a_gm_from_noise_with_the_name_of_a_translator_leads_back_to_no_image() -> None:
    row = {"last_nonlinearity": "tanh"}
    for name in ("DISCOGAN", "DUALGAN", "MUNIT"):
        assert gan_options(replica(name), row)["compares"] == "cycle"
        assert gan_options(replace(replica("WGAN"), gm=name), row)["compares"] == "features"


def test_drawn_gms_have_the_losses_that_they_were_drawn_with() -> None:
    for drawn in like_rows(intended_gms(), 200, seed=1):
        if drawn.gm.kind not in ("GAN", "VAE"):
            continue
        values = dict(zip(NAMES, drawn.gm.values, strict=True))
        one = drawn_replica(drawn)
        spec = specification_of(one, values=values)
        assert module_of(one.kind).losses_of(dict(spec.options)) == one.losses, one
        assert spec.options["row"]["conv_layers"] == values["conv_layers"]


def test_drawn_gms_can_be_trained_with_the_objective_of_their_relative() -> None:
    seen = set()
    for drawn in like_rows(intended_gms(), 1000, seed=0):
        took_losses = any(loss.name in drawn.exchanged for loss in LOSSES)
        pair = drawn.base, drawn.relative
        if drawn.gm.kind not in ("GAN", "VAE") or not took_losses or pair in seen:
            continue
        seen.add(pair)
        one = drawn_replica(drawn)
        values = dict(zip(NAMES, drawn.gm.values, strict=True))
        options = dict(specification_of(one, values=values).options)
        assert set(one.losses) <= set(module_of(one.kind).losses_of(options)), pair
        if "degradation" in options:
            assert options["compares"] not in ("code", "rebuilt"), pair
            assert options.get("encoder") != "mode", pair
        assert options.get("tells_class") or not options.get("codes"), pair
    assert len(seen) > 200


@pytest.mark.parametrize(
    ("base", "relative"),
    [("UNIT", "AAE"), ("MUNIT", "ALAE"), ("SEAN", "ALAE"), ("BGAN", "INFOGAN"), ("UNIT", "MRGAN")],
)
def test_an_objective_of_another_start_is_trained(base: str, relative: str) -> None:
    taken = replica(relative)
    one = replace(replica(base), objective=taken.objective, losses=taken.losses)
    spec = specification_of(one)
    source = [patterns(24, 16, grey=False)] if spec.source else []
    trained = module_of(one.kind).train(
        small(spec), patterns(24, 16, one.content == "digits"), *source
    )
    assert trained.losses == one.losses


def test_a_told_class_comes_in_beside_what_an_encoder_makes() -> None:
    """Of a GM with a class that was drawn with the objective of one from noise."""
    losses = replica("MRGAN").losses
    one = replace(replica("ACGAN"), objective="mode_regularized", losses=losses)
    trained = module_of("GAN").train(small(specification_of(one)), patterns(24, 16, grey=False))
    assert trained.losses == losses


def test_vaes_with_a_game_are_trained_as_gans() -> None:
    spec = specification_of(replica("YLG"))
    assert vae.losses_of(dict(spec.options)) == ("loss_wgan",)
    assert "reconstruction" not in spec.options
