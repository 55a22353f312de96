"""Networks from rows of labels: what is measured of them is what was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from gmbench.errors import GmbenchError
from gmbench.measuring.measure import Measurement, measure
from gmbench.schema import NAMES, get_parameter
from gmbench.zoo.kinds import gan, vae
from gmbench.zoo.kinds.gan_networks import STYLED
from gmbench.zoo.kinds.row_generator import (
    MOST_PRODUCTS,
    affordable_width,
    build,
    products,
)
from gmbench.zoo.kinds.row_networks import ImageGenerator
from gmbench.zoo.kinds.row_plan import WIDTHS, Ends, Row, Unit, plan_row, width_like
from gmbench.zoo.kinds.row_trunk import connections
from gmbench.zoo.replica_table import DOUBTFUL, Replica, published_gms
from gmbench.zoo.replicas import AIMED, intended_row, replica, replicas
from tests.zoo.kind_contract import patterns, specification

NOISE, STYLE = 32, 4


LIMITS = {
    "conv_layers": (2, 30),
    "fc_layers": (0, 12),
    "pool_layers": (0, 4),
    "norm_layers": (1, 25),
    "layers_per_block": (1, 6),
    "blocks": (1, 8),
}
CLASSES = {
    "normalization": "other",
    "last_nonlinearity": "tanh",
    "block_nonlinearity": "relu",
    "upsampling": "interpolation",
    "downsampling": "yes",
}
"""A row that is made up: lowest and highest of each count, and its classes."""


def from_an_image(one: Replica) -> bool:
    return one.start not in ("noise", "class")


def made(row: Row, one: Replica, width: int = 8) -> tuple[nn.Module, torch.Tensor]:
    """A network of a row that starts from what a replica starts from, and an input of it."""
    if from_an_image(one):
        side = one.size // 4 if one.start == "thumbnail" else one.size
        inputs = 3 + STYLE * (one.start == "image_and_class")
        network = build(row, one.size, 3, inputs, width, side)
        return network, torch.rand(1, inputs, side, side)
    styled = one.family in STYLED
    return build(row, one.size, 3, NOISE, width, styled=styled), torch.randn(1, NOISE)


def generators() -> Iterator[Replica]:
    """The replicas whose networks are made by this builder."""
    for one in replicas():
        if one.kind in ("GAN", "VAE"):
            yield one


@pytest.fixture(scope="module")
def measured() -> dict[str, Measurement]:
    """What is measured of the network of each replica; equal rows are built once."""
    found: dict[tuple[object, ...], Measurement] = {}
    by_name = {}
    for one in generators():
        row = Row.of(intended_row(one.gm))
        key = (row, one.size, one.start if from_an_image(one) else "", one.family)
        if key not in found:
            found[key] = measure(*made(row, one))
        by_name[one.gm] = found[key]
    return by_name


def test_every_replica_has_the_row_that_it_aims_at(measured: dict[str, Measurement]) -> None:
    wrong: dict[str, object] = {}
    for name, found in measured.items():
        wanted = Row.of(intended_row(name)).values()
        cells = {p: (v, found.values[p]) for p, v in wanted.items() if found.values[p] != v}
        wrong |= {name: cells} if cells else {}
    assert len(measured) == 94
    assert wrong == {}


def test_it_agrees_with_the_published_rows(measured: dict[str, Measurement]) -> None:
    agree = [
        found.values[parameter] == published_gms()[name].values[NAMES.index(parameter)]
        for name, found in measured.items()
        for parameter in AIMED
    ]
    assert np.mean(agree) > 0.95


@pytest.mark.slow
def test_published_rows_without_a_change_agree_too() -> None:
    agree = []
    for one in generators():
        published = dict(zip(NAMES, published_gms()[one.gm].values, strict=True))
        doubtful = {name: getattr(one, name) for name in DOUBTFUL}
        found = measure(*made(Row.of({**published, **doubtful}), one)).values
        agree += [found[parameter] == published[parameter] for parameter in AIMED]
    assert np.mean(agree) > 0.95


@pytest.mark.parametrize("start", ["noise", "image"])
def test_any_row_has_its_numbers_of_layers(start: str) -> None:
    generator = np.random.default_rng(0)
    for _ in range(12):
        values = {name: generator.integers(*limits) for name, limits in LIMITS.items()}
        row = Row.of({**CLASSES, **values, "skip_connection": generator.integers(2)})
        inputs = torch.rand(1, 5, 32, 32) if start == "image" else torch.randn(1, 16)
        network = build(row, 32, 3, inputs.shape[1], 8, 32 if start == "image" else 0)
        found, wanted = measure(network, inputs).values, row.values()
        counts = ("conv_layers", "fc_layers", "pool_layers", "norm_layers", "skip_connection")
        assert {name: found[name] for name in counts} == {name: wanted[name] for name in counts}
        assert network.eval()(inputs).shape == (1, 3, 32, 32)


def test_a_plan_by_hand() -> None:
    dcgan = plan_row(Row.of(intended_row("DCGAN")), Ends(1, 1))
    assert dcgan.convs == (1, 1, 1, 0)
    assert dcgan.fcs == (1,)
    assert dcgan.found_blocks() == (2, 3)
    cyclegan = plan_row(Row.of(intended_row("CYCLEGAN")), Ends(2, 0))
    assert cyclegan.blocks == (Unit(convs=2, norms=2),) * 9
    assert cyclegan.convs == (1, 1, 1, 1, 1, 0)
    assert not cyclegan.partial
    # Couplings: as many blocks without a skip connection.
    flow = plan_row(Row.of(intended_row("VAE_FLOW")), Ends(0, 1))
    assert flow.partial
    assert flow.full_blocks == (Unit(fcs=2),) * 4


def test_connections_go_past_smaller_maps() -> None:
    changes = ["down", "", "down", "down", "", "up", "up", "", "up"]
    # From 64: stage 1 makes maps of 32, stage 2 of 16; stage 6 gets 16 again, stage 7 gets 32.
    assert connections(changes, 64) == {1: 7, 2: 6}
    assert connections(["down", "", "up"], 32) == {}


def test_the_width_is_what_can_be_afforded() -> None:
    for name in ("DCGAN", "CYCLEGAN"):
        row, one = Row.of(intended_row(name)), replica(name)
        inputs, side = (3, one.size) if from_an_image(one) else (NOISE, 0)
        width = affordable_width(row, one.size, 3, inputs, input_size=side)
        assert width in WIDTHS
        assert affordable_width(row, one.size, 3, inputs, 8, side) == 8
        cost = products(*made(row, one, width))
        assert cost <= MOST_PRODUCTS or width == WIDTHS[-1]


def test_wider_stays_wider() -> None:
    widths = [
        width_like(published_gms()[f"RSGAN_{name}"].values[NAMES.index("filters")], 4)
        for name in ("QUAR", "HALF", "REG")
    ]
    assert widths == [16, 24, 32]
    assert width_like(0, 0) == 24


def test_products_by_hand() -> None:
    network = nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2, padding=1),
        nn.ConvTranspose2d(4, 3, 4, stride=2, padding=1),
        nn.Flatten(),
        nn.Linear(3 * 64, 5),
    )
    conv, transposed, linear = 2 * 4 * 9 * 16, 4 * 3 * 16 * 16, 3 * 64 * 5
    assert products(network, torch.zeros(1, 2, 8, 8)) == conv + transposed + linear


def test_what_comes_in_beside_an_image_counts() -> None:
    row = replace(Row.of(intended_row("STARGAN_2")), last_nonlinearity="tanh")
    network = build(row, 32, 3, 3 + STYLE, 8, 32).eval()
    assert isinstance(network, ImageGenerator)
    images = torch.rand(1, 3, 32, 32).expand(2, -1, -1, -1)
    styles = torch.eye(2, STYLE)[..., None, None].expand(-1, -1, 32, 32)
    with torch.no_grad():
        first, second = network(torch.cat([images, styles], 1))
    assert not torch.equal(first, second)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ({"conv_layers": -1}, "conv_layers is -1: give a whole number"),
        ({"fc_layers": 1.5}, "fc_layers is 1.5"),
        ({"blocks": None}, "blocks is None"),
        ({"normalization": "spectral"}, "normalization is spectral: give one of batch"),
        ({"upsampling": 2}, "upsampling is 2"),
    ],
)
def test_a_row_that_is_none(cell: dict[str, object], message: str) -> None:
    with pytest.raises(GmbenchError, match=message):
        Row.of({**intended_row("DCGAN"), **cell})


def test_too_few_layers() -> None:
    row = replace(Row.of(intended_row("MADE")), fc_layers=0)
    with pytest.raises(GmbenchError, match="no network from noise to an image"):
        build(row, 32, 3, NOISE)
    with pytest.raises(GmbenchError, match="two convolutions at least"):
        build(row, 32, 3, 3, input_size=32)


def test_rows_survive_json() -> None:
    row = Row.of(intended_row("BIGGAN_128"))
    assert Row.of(row.to_dict()) == row
    assert row.values()["normalization"] == get_parameter("normalization").classes.index("batch")


@pytest.mark.parametrize("name", ["DCGAN", "RSGAN_RES_REG", "PIX2PIX", "SRRNET", "FGAN"])
def test_a_gan_of_a_row_is_trained(name: str) -> None:
    one, row = replica(name), Row.of(intended_row(name))
    options: dict[str, Any] = {"row": row.to_dict(), "classes": 0}
    options["last_nonlinearity"] = row.last_nonlinearity
    family = "dcgan"
    if from_an_image(one):
        family = "image_to_image"
        options |= {"degradation": one.start, "input_size": 8 if one.start == "thumbnail" else 32}
    spec = specification("GAN", family, game="hinge", **options)
    gm = gan.train(spec, patterns(24, 32, grey=False))
    assert np.isfinite(gm.history).all()
    assert gm.sample(2, torch.Generator().manual_seed(0)).shape == (2, 3, 32, 32)
    found = measure(gm.network, gm.example).values
    assert {p: found[p] for p in row.values()} == row.values()


@pytest.mark.parametrize("name", ["STANDARD_VAE", "DFCVAE"])
def test_a_vae_of_a_row_is_trained(name: str) -> None:
    row = Row.of(intended_row(name))
    spec = specification("VAE", "plain", row=row.to_dict(), last_nonlinearity=row.last_nonlinearity)
    gm = vae.train(spec, patterns(24, 32, grey=False))
    assert np.isfinite(gm.history).all()
    found = measure(gm.network, gm.example).values
    assert {p: found[p] for p in row.values()} == row.values()
