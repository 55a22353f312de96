"""Replicas of kinds AR, NF, AA and DM: networks of their rows, and what they learn."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

pytest.importorskip("torch")

import numpy as np
import torch
from torch.func import jacrev

from gmbench.errors import GmbenchError, UnknownNameError
from gmbench.measuring.measure import measure
from gmbench.schema import DISCRETE, NAMES
from gmbench.zoo.kinds.attack import attack
from gmbench.zoo.kinds.attack_row_networks import fold, warp
from gmbench.zoo.kinds.autoregressive import build_prior
from gmbench.zoo.kinds.autoregressive_sampling import as_input, sample_cached, sample_plain
from gmbench.zoo.kinds.block_sizes import block_sizes, composition
from gmbench.zoo.kinds.diffusion_row_network import RowBlock
from gmbench.zoo.kinds.flow_row_networks import MaxPoolSurjection, RowFlow
from gmbench.zoo.kinds.likelihood import Dequantiser
from gmbench.zoo.kinds.row_vae_networks import FullDecoder
from gmbench.zoo.losses import LossSum, logistic_cross_entropy
from gmbench.zoo.replica_specifications import specification_of
from gmbench.zoo.replica_table import DOUBTFUL, FIXED, Replica
from gmbench.zoo.replicas import AIMED, intended_row, replica, replicas
from gmbench.zoo.specification import Specification, TrainedGM
from tests.zoo.kind_contract import module_of, patterns

KINDS = ("AR", "NF", "AA", "DM")
MADE: tuple[Replica, ...] = tuple(one for one in replicas() if one.kind in KINDS)
FAMILIES: tuple[Replica, ...] = tuple({(one.family, one.objective): one for one in MADE}.values())

QUICK: dict[str, Any] = {"symbols": 16, "sampling_steps": 2, "attack_steps": 2, "folded": 8}
"""Options that make a GM quick, whatever its row."""


def small(one: Replica, steps: int, size: int = 0) -> Specification:
    """The specification of a replica, with narrow layers and little to do."""
    spec = specification_of(one)
    quick = {name: value for name, value in QUICK.items() if name in spec.options}
    narrow = 8 if one.kind in ("NF", "AA", "DM") else 16
    quick |= {"width": narrow} if "width" in spec.options else {}
    size = size or spec.size
    if "grid" in spec.options:
        quick["grid"] = size // spec.options["patch"]
    return replace(spec, steps=steps, size=size, options={**spec.options, **quick})


@cache
def trained(gm: str, steps: int, size: int = 0) -> TrainedGM:
    one = replica(gm)
    real = patterns(32, size or one.size, grey=one.content == "digits")
    made: TrainedGM = module_of(one.kind).train(small(one, steps, size), real)
    return made


def test_all_are_there() -> None:
    numbers = {kind: sum(one.kind == kind for one in MADE) for kind in KINDS}
    assert numbers == {"AR": 11, "NF": 5, "AA": 6, "DM": 7}


@pytest.mark.parametrize("one", MADE, ids=lambda one: one.gm)
def test_a_network_measures_as_its_row(one: Replica) -> None:
    """In all 11 cells that replicas aim at, and in the two doubtful columns as well."""
    gm = trained(one.gm, 0)
    values, wanted = measure(gm.network, gm.example).values, intended_row(one.gm)
    cells = (*AIMED, *DOUBTFUL)
    assert {name: values[name] for name in cells} == {name: wanted[name] for name in cells}
    assert gm.history == []


@pytest.mark.parametrize("one", FAMILIES, ids=lambda one: one.gm)
def test_a_few_steps(one: Replica) -> None:
    gm = trained(one.gm, 2, 16 if one.kind in ("AR", "NF") else 32)
    assert gm.losses == one.losses
    assert len(gm.history) == 2
    assert np.isfinite(gm.history).all()
    images = gm.sample(3, torch.Generator().manual_seed(0))
    assert images.dtype == torch.uint8
    assert images.shape[:2] == (3, 3)
    assert torch.equal(images, gm.sample(3, torch.Generator().manual_seed(0)))
    assert not torch.equal(images, gm.sample(3, torch.Generator().manual_seed(1)))


@pytest.mark.parametrize("gm", [f"DM_{number}" for number in (1, 5, 6, 7)])
def test_diffusion_models_sum_up_the_losses_of_their_rows(gm: str) -> None:
    assert trained(gm, 1, 32).losses == replica(gm).losses


@pytest.mark.parametrize(
    "gm",
    ["NADE", "PIXELCNN", "GATED_PIXEL_CNN", "VAE_FLOW", "VDVAE", "SURVAE_FLOW_MAXPOOL", "FGSM"],
)
def test_training_lowers_the_objective(gm: str) -> None:
    history = trained(gm, 14, 16).history
    assert np.mean(history[-3:]) < 0.95 * history[0] or np.mean(history[-3:]) < history[0] - 0.1


def test_families_of_other_kinds_are_refused() -> None:
    for kind in KINDS:
        spec = replace(small(replica("FGSM"), 0), kind=kind, family="dcgan")
        with pytest.raises(UnknownNameError, match="dcgan"):
            module_of(kind).train(spec, patterns(24, 32, grey=False))


# Blocks.


@pytest.mark.parametrize(
    ("layers", "blocks", "size"), [(30, 10, 3), (103, 5, 15), (75, 20, 2), (42, 4, 5), (73, 11, 8)]
)
def test_the_wanted_size_is_the_most_common(layers: int, blocks: int, size: int) -> None:
    sizes = block_sizes(layers, blocks, size)
    assert (sum(sizes), len(sizes)) == (layers, blocks)
    numbers = {one: sizes.count(one) for one in sizes}
    assert min(one for one, n in numbers.items() if n == max(numbers.values())) == size


def test_blocks_that_cannot_be_are_named() -> None:
    with pytest.raises(GmbenchError, match="12 layers make no 5 blocks, most of which have 4"):
        block_sizes(12, 5, 4)
    with pytest.raises(GmbenchError, match="not 1"):
        composition({"conv": 2, "pool": 10}, 4, 3, ("conv", "pool"))


def test_layers_of_each_kind_are_shared_among_blocks() -> None:
    found = composition({"conv": 90, "pool": 5}, 20, 2, ("conv", "pool"), 2)
    assert sum(one["conv"] for one in found) == 90
    assert sum(one["pool"] for one in found) == 5
    assert all(one["conv"] >= 2 for one in found)


# Autoregressive networks.


@pytest.mark.parametrize(
    "gm",
    ["FVBN", "NADE", "PIXELCNN", "GATED_PIXEL_CNN", "LMCONV", "PIXELSNAIL", "IMAGE_GPT"],
)
def test_cached_sampling_gives_what_the_whole_network_does(gm: str) -> None:
    one, grid, patch, symbols = replica(gm), 5, 2, 6
    torch.manual_seed(0)
    options = {**small(one, 0).options, "grid": grid, "patch": patch, "width": 8}
    network = build_prior(one.family, 3, symbols, options).double().eval()
    palette = torch.randn(symbols, 3 * patch**2).double()
    if gm in ("FVBN", "NADE"):
        palette = palette[:, :3]
    for parameter in network.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    uniforms = torch.rand(3, grid, grid).double()
    plain = sample_plain(network, palette, uniforms)
    assert torch.equal(plain, sample_cached(network, palette, uniforms))
    assert len(set(plain.flatten().tolist())) > 2


def test_a_made_without_hidden_layers_is_sampled_too() -> None:
    torch.manual_seed(0)
    options = {**small(replica("MADE"), 0).options, "grid": 5, "blocks": 0}
    network = build_prior("made", 1, 4, options).double().eval()
    palette, uniforms = torch.randn(4, 1).double(), torch.rand(3, 5, 5).double()
    plain = sample_plain(network, palette, uniforms)
    assert torch.equal(plain, sample_cached(network, palette, uniforms))


@pytest.mark.parametrize("gm", ["FVBN", "NADE", "MADE"])
def test_a_network_has_no_choice_of_what_is_fixed(gm: str) -> None:
    one = replica(gm)
    values = intended_row(gm)
    other = {name: float(not values[name]) for name in FIXED[one.family]}
    found = []
    for row in (values, values | other):
        options = {**specification_of(one, values=row).options, "grid": 5}
        network = build_prior(one.family, 1, 4, options)
        found.append(measure(network, (torch.zeros(1, 1, 5, 5),)).labels)
    assert found[0] == found[1]


@pytest.mark.parametrize("norm", ["batch", "other"])
def test_norms_of_the_class_other_are_layers_too(norm: str) -> None:
    one = replica("IMAGE_GPT")
    values = intended_row(one.gm) | {"normalization": DISCRETE[0].classes.index(norm)}
    options = {**specification_of(one, values=values).options, "grid": 4, "width": 16}
    network = build_prior(one.family, 1, 6, options).eval()
    example = as_input(network, torch.zeros(1, options["patch"] ** 2, 4, 4))
    labels = dict(zip(NAMES, measure(network, (example,)).labels, strict=False))
    assert labels["norm_layers"] == values["norm_layers"]
    assert labels["normalization"] == values["normalization"]


# Diffusion models.


def test_a_block_of_one_convolution_has_all_of_its_norms() -> None:
    row = {"normalization": "other", "block_nonlinearity": "relu"}
    block = RowBlock(8, {"conv": 1, "norm": 3}, None, row)
    block.quieten()
    assert sum(isinstance(module, torch.nn.GroupNorm) for module in block.modules()) == 3


# Flows.


def _flow(gm: str, channels: int, size: int) -> tuple[RowFlow, torch.Tensor]:
    """A small flow in doubles whose couplings do something, and images."""
    torch.manual_seed(0)
    spec = specification_of(replica(gm))
    network = RowFlow(spec.family, channels, size, {**spec.options, "width": 4}).double()
    images = 0.05 + 0.9 * torch.rand(60, channels, size, size).double()
    network.invert(images)
    for parameter in network.parameters():
        parameter.data += 0.03 * torch.randn_like(parameter)
    return network.eval(), images[:2]


@pytest.mark.parametrize("gm", ["SURVAE_FLOW_NONPOOL", "SRFLOW"])
def test_inverse_is_exact(gm: str) -> None:
    network, images = _flow(gm, 3, 16)
    z, _ = network.invert(images)
    small = network.thumbnail(images) if network.conditional else None
    assert torch.allclose(network(z, small), images, atol=1e-8)


def test_log_determinant_is_that_of_the_jacobian() -> None:
    network, images = _flow("SURVAE_FLOW_NONPOOL", 1, 8)

    def noise(flat: torch.Tensor) -> torch.Tensor:
        return network.invert(flat.reshape(1, 1, 8, 8))[0][0]

    jacobian = jacrev(noise)(images[0].flatten())
    _, determinant = network.invert(images[:1])
    assert torch.allclose(determinant[0], torch.linalg.slogdet(jacobian)[1], atol=1e-8)


def test_max_pooling_surjection_keeps_the_values_of_each_square() -> None:
    surjection, x = MaxPoolSurjection(), torch.rand(2, 3, 8, 8).double()
    largest, logarithm, determinant = surjection.invert(x)
    assert torch.equal(largest, torch.nn.functional.max_pool2d(x, 2))
    assert determinant.shape == (2,)
    noise = torch.randn(largest.shape).double()
    back = surjection(largest, logarithm, noise)
    squares = [torch.nn.functional.pixel_unshuffle(part, 2) for part in (x, back)]
    first, second = (part.reshape(2, 3, 4, 4, 4).sort(2).values for part in squares)
    assert torch.allclose(first, second)


def test_learnt_noise_begins_nearly_even() -> None:
    torch.manual_seed(0)
    noise, divergence = Dequantiser(1, 4)(torch.rand(40, 1, 8, 8), torch.Generator().manual_seed(0))
    noise, divergence = noise.detach(), divergence.detach()
    assert float(noise.min()) > 0
    assert float(noise.max()) < 1
    assert 0 < float(divergence) < 0.1


def test_the_flow_of_a_prior_has_a_density() -> None:
    torch.manual_seed(0)
    options = {"row": specification_of(replica("VAE_FLOW")).options["row"], "latent": 2, "width": 8}
    decoder = FullDecoder(True, 1, 8, options)
    axis = torch.linspace(-9, 9, 181)
    points = torch.cartesian_prod(axis, axis)
    with torch.no_grad():
        total = decoder.log_prior(points).exp().sum() * 0.1**2
    assert float(total) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(("mean", "scale"), [(0.4, -3.0), (-0.3, -4.0), (1.5, 0.0)])
def test_probabilities_of_all_values_of_a_pixel_sum_up_to_one(mean: float, scale: float) -> None:
    values = torch.arange(256) / 255.0
    means, log_scale = torch.full((1,), mean), torch.tensor(scale)
    nats = torch.stack([logistic_cross_entropy(means, v[None], log_scale) for v in values])
    assert float((-nats).exp().sum()) == pytest.approx(1.0, abs=0.01)


# Attacks.


def test_folding_puts_squares_into_channels() -> None:
    x = torch.arange(64.0).reshape(1, 1, 8, 8)
    assert torch.equal(fold(x, 2), torch.nn.functional.pixel_unshuffle(x, 2))


def test_points_that_do_not_move_leave_an_image_as_it_is() -> None:
    x = torch.rand(2, 1, 16, 16)
    assert torch.allclose(warp(x, torch.zeros(2, 2, 4, 4)), x, atol=1e-5)
    right = torch.zeros(2, 2, 4, 4)
    right[:, 0] = 2 / 15
    assert torch.allclose(warp(x, right)[..., :-1], x[..., 1:], atol=1e-5)


def test_landmarks_move_pixels_and_lower_the_score_of_the_class() -> None:
    one = replica("GFLM")
    spec = small(one, 14, 16)
    spec = replace(spec, options={**spec.options, "attack_steps": 6})
    network = trained("FGSM", 14, 16).network
    images = patterns(32, 16, grey=False).float() / 255
    moved = attack(network, images, spec, LossSum(), torch.Generator())
    with torch.no_grad():
        before, after = network(images).log_softmax(1), network(moved).log_softmax(1)
    truth = before.argmax(1)[:, None]
    assert (moved != images).flatten(1).any(1).float().mean() > 0.9
    assert after.gather(1, truth).mean() < before.gather(1, truth).mean()
