"""Plans of zoos like a table of labels: which GMs there are, how they are made, what is refused."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from gmbench.benchmark.catalog import GM, UNKNOWN, red116, row_from_gm
from gmbench.errors import BenchmarkError, DatasetError, UnknownNameError
from gmbench.schema import LOSSES, NAMES
from gmbench.zoo import engines, like_plan
from gmbench.zoo.content import Content
from gmbench.zoo.kinds import gan
from gmbench.zoo.like_plan import plan_like, replica_like
from gmbench.zoo.plan import ZooPlan
from gmbench.zoo.replica_specifications import specification_of
from gmbench.zoo.replica_table import OBJECTIVES
from gmbench.zoo.replicas import intended_gms, replica, replica_sets
from gmbench.zoo.specification import Specification, TrainedGM
from tests.processes import one_after_the_other
from tests.zoo.kind_contract import module_of
from tests.zoo.test_replica_specifications import small

GREY = ("digits", "faces")


def noise(name: str, size: int, seed: int = 0) -> Content:
    """A content of noise in place of real images, where pixels do not matter."""
    generator = np.random.default_rng([seed, size, *name.encode()])
    channels = 1 if name in GREY else 3
    pixels = generator.integers(0, 256, (80, channels, size, size), np.uint8)
    images = np.repeat(pixels, 3 // channels, axis=1)
    shown = tuple(f"image_{number}" for number in range(16))
    return Content(name, images[:64], images[64:], (), shown)


@pytest.fixture(autouse=True)
def no_real_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(like_plan, "load_content", noise)


def changed(name: str, new_name: str = "", content: str = "", **values: float) -> GM:
    """The row of a replica with other values; `layers` follows from the counts."""
    gm = next(gm for gm in intended_gms() if gm.name == name)
    row = dict(zip(NAMES, gm.values, strict=True)) | values
    row["layers"] = sum(row[f"{part}_layers"] for part in ("conv", "fc", "pool", "norm"))
    return replace(
        gm, name=new_name or name, content=content or gm.content, values=tuple(row.values())
    )


def with_losses(name: str, *losses: str) -> GM:
    return changed(name, "", "", **{loss.name: float(loss.name in losses) for loss in LOSSES})


def written(path: Path, *gms: GM) -> str:
    """Writes a table of labels and returns its path."""
    rows = [row_from_gm(gm) for gm in gms]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


# Published tables.


@pytest.mark.parametrize(("table", "number"), [("red116", 116), ("red116-dm", 123)])
def test_a_published_table_becomes_its_replicas(table: str, number: int) -> None:
    plan = plan_like(table, 4, name="mine", seed=3)
    assert [gm.name for gm in plan.population] == [
        f"MINI_{gm.name}" for gm in intended_gms("red116-dm")[:number]
    ]
    assert plan.sets == replica_sets()
    assert {name for test in plan.sets.values() for name in test} <= {
        gm.name for gm in plan.population
    }
    assert (plan.name, plan.seed, plan.images_per_gm, plan.real_per_content) == ("mine", 3, 4, 4)
    assert set(plan.by_key) == {need for gm in plan.population for need in gm.needs}
    for gm in plan.population:
        one = replica(gm.name)
        assert gm == replace(specification_of(one, gm.seed), name=one.name)
    assert len({gm.seed for gm in plan.population}) == number
    assert plan.population != plan_like(table, 4, name="mine", seed=4).population


def test_new_gms_are_no_twins_and_have_what_they_are_trained_on() -> None:
    plan = plan_like("red116", 2, n_gms=20, name="mine")
    assert [gm.name for gm in plan.population] == [f"MINE_{n:04d}" for n in range(1, 21)]
    assert plan_like("red116", 2, n_gms=1).population[0].name == "LIKE_0001"
    assert plan.sets is None
    assert set(plan.by_key) == {need for gm in plan.population for need in gm.needs}
    rows = [specification_of(replica(gm.name)).options["row"] for gm in red116()]
    assert not [gm.name for gm in plan.population if gm.options["row"] in rows]


def test_new_gms_take_no_class_that_their_network_cannot_have() -> None:
    # A replica's network with another row that says nothing to it would be its twin.
    plan = plan_like("red116", 2, n_gms=116)
    flat = [gm for gm in plan.population if gm.family in ("fvbn", "nade", "made", "vae_mlp")]
    assert len(flat) > 2
    assert {gm.options["row"]["downsampling"] for gm in flat} == {"no"}


def test_all_sizes_can_be_one() -> None:
    own = plan_like("red116", 2)
    assert own.sizes == [32, 64]
    large = plan_like("red116", 2, size=64)
    assert (large.sizes, {content.size for content in large.contents}) == ([64], {64})
    assert [gm.seed for gm in large.population] == [gm.seed for gm in own.population]


def test_the_seven_diffusion_models_are_too_alike_for_new_ones() -> None:
    with pytest.raises(DatasetError, match="differ in nothing that could be exchanged"):
        plan_like("red116-dm", 2, n_gms=100)


# Tables of the user's.


def test_a_published_row_in_a_file_is_made_as_its_replica(tmp_path: Path) -> None:
    plan = plan_like(written(tmp_path / "mine.csv", *red116()), 2)
    for made, own in zip(plan.population, plan_like("red116", 2).population, strict=True):
        assert f"MINI_{made.name}" == own.name
        assert (made.kind, made.family, made.needs) == (own.kind, own.family, own.needs)
        assert made.options == own.options


def test_a_published_row_under_another_name_is_made_as_its_replica(tmp_path: Path) -> None:
    names = ("CRGAN_C", "CRGAN_P", "ICRGAN_C", "ICRGAN_P", "DISCOGAN", "DUALGAN", "MUNIT", "DCGAN")
    rows = [gm for gm in red116() if gm.name in names]
    renamed = [replace(gm, name=f"MY_{gm.name}") for gm in rows]
    plan = plan_like(written(tmp_path / "mine.csv", *renamed), 2)
    assert len(plan.population) == len(names)
    for made, gm in zip(plan.population, rows, strict=True):
        # ICRGAN's rows are those of CRGAN: only their names tell them apart.
        published = replica(gm.name.removeprefix("I"))
        assert made.options == specification_of(published).options


def test_a_row_is_made_as_the_nearest_published_gm_with_its_own_layers(tmp_path: Path) -> None:
    table = written(
        tmp_path / "mine.csv",
        changed("DCGAN", "DEEPER", conv_layers=6, norm_layers=6, blocks=6, content="letters"),
        changed("MADE", fc_layers=4),
        changed("STANDARD_VAE", "VAE_1", conv_layers=4, content="elsewhere"),
    )
    plan = plan_like(table, 2, name="mine")
    deeper, made, vae = plan.population
    assert [gm.name for gm in plan.population] == ["DEEPER", "MADE", "VAE_1"]
    assert plan.sets is None
    assert [gm.family for gm in plan.population] == ["dcgan", "made", "vae_conv"]
    assert [gm.content for gm in plan.population] == ["letters", "digits", "faces"]
    assert (deeper.size, made.size) == (64, 32)
    row = deeper.options["row"]
    assert (row["conv_layers"], row["norm_layers"], row["normalization"]) == (6, 6, "batch")
    assert made.options["row"]["fc_layers"] == 4
    assert vae.losses == replica("STANDARD_VAE").losses
    # What comes of a row depends neither on the other rows nor on their order.
    alone = written(tmp_path / "one.csv", changed("MADE", fc_layers=4))
    assert plan_like(alone, 2).population == (made,)


def test_new_gms_like_a_table_of_the_users(tmp_path: Path) -> None:
    rows = [gm for gm in intended_gms() if (gm.kind, gm.content) == ("GAN", "mnist")]
    plan = plan_like(written(tmp_path / "mine.csv", *rows), 2, n_gms=6, seed=1)
    assert [gm.name for gm in plan.population] == [f"LIKE_{n:04d}" for n in range(1, 7)]
    taken = [specification_of(replica(gm.name)).options["row"] for gm in rows]
    for gm in plan.population:
        assert gm.options["row"] not in taken
        assert gan.losses_of(dict(gm.options)) == gm.losses


@pytest.mark.parametrize(
    ("name", "losses", "terms"),
    [
        ("STANDARD_VAE", ("loss_mse", "loss_kl"), {"loss_mse"}),
        ("STANDARD_VAE", ("loss_l2", "loss_kl", "loss_ce"), {"loss_ce"}),
        ("AAE", ("loss_l1", "loss_kl"), {"loss_l1"}),
        ("DCGAN", ("loss_l2", "loss_hinge"), {"loss_l2"}),
        ("PIX2PIX", ("loss_l2", "loss_ls"), {"loss_l2"}),
    ],
)
def test_losses_are_those_of_the_row(name: str, losses: tuple[str, ...], terms: set[str]) -> None:
    gm = with_losses(name, *losses)
    made = replica_like(gm)
    assert set(OBJECTIVES[made.objective]) | terms == set(losses)
    spec = specification_of(made, values=dict(zip(NAMES, gm.values, strict=True)))
    assert spec.losses == module_of(gm.kind).losses_of(dict(spec.options)) == losses
    assert set(spec.options.get("reconstruction") or spec.options["terms"]) == terms


def test_another_base_where_the_nearest_cannot_be_trained_so() -> None:
    attack = replica_like(with_losses("FGSM", *replica("SEMANTIC").losses))
    assert (attack.family, attack.objective) == ("resnet_translator", "attack_gan")
    # A bound of latents is nothing for a translator of images.
    assert replica("MUNIT").start == "edges"
    bound = replica_like(with_losses("MUNIT", "loss_kl", "loss_ce"))
    assert (bound.start, bound.family) == ("noise", "vae_conv")


@pytest.mark.parametrize(
    ("name", "losses"),
    [
        ("DCGAN", ("loss_l2", "loss_ce")),
        ("DCGAN", ("loss_ce",)),
        ("STANDARD_VAE", ("loss_kl",)),
        ("MADE", ("loss_l1",)),
        ("FGSM", ()),
    ],
)
def test_losses_that_no_family_is_trained_with(name: str, losses: tuple[str, ...]) -> None:
    gm = with_losses(name, *losses)
    said = " and ".join(losses) or "no loss"
    with pytest.raises(BenchmarkError) as caught:
        replica_like(gm)
    message, nearest = str(caught.value).split(" The nearest that can be built is the row of ")
    assert message == f"{name}: no family of kind {gm.kind} is trained with {said}."
    other, with_what = nearest.removesuffix(".").split(", with ")
    assert replica(other).kind == gm.kind
    assert tuple(with_what.split(" and ")) == replica(other).losses


@pytest.mark.parametrize("name", ["filters", "upsampling", "loss_kl"])
def test_a_label_that_is_not_known_is_named(name: str, tmp_path: Path) -> None:
    table = written(tmp_path / "mine.csv", changed("DCGAN", "OPEN", "", **{name: UNKNOWN}))
    with pytest.raises(BenchmarkError, match=rf"OPEN: a network needs every label; fill in {name}"):
        plan_like(table, 2)


def test_all_rows_that_cannot_be_trained_are_named(tmp_path: Path) -> None:
    rows = [replace(with_losses("FGSM"), name=f"NO_{n}") for n in range(12)]
    with pytest.raises(BenchmarkError) as caught:
        plan_like(written(tmp_path / "mine.csv", *rows), 2)
    lines = str(caught.value).splitlines()
    assert (len(lines), lines[-1]) == (12, "... and 2 more")
    assert lines[10].startswith("NO_9: no family of kind AA is trained with no loss.")


def test_a_row_that_no_network_can_have_is_named_with_one_that_can(tmp_path: Path) -> None:
    table = written(
        tmp_path / "mine.csv",
        changed("DCGAN", "HOLLOW", conv_layers=0, fc_layers=0),
        changed("MADE"),
        changed("FGSM", "BLUNT", fc_layers=0),
    )
    with pytest.raises(BenchmarkError) as caught:
        plan_like(table, 2)
    first, hollow, blunt = str(caught.value).splitlines()
    assert first == "Rows that cannot be built:"
    assert hollow == (
        "HOLLOW (mlp): 0 convolutions and 0 fully connected layers make no network from noise to "
        "an image: give it a layer with weights at least. The nearest row that can be is that of "
        "SOFT_GAN."
    )
    said, nearest = blunt.split(" The nearest row that can be is that of ")
    assert said == (
        "BLUNT (residual_classifier): A classifier has a pooling and a fully connected layer at "
        "least."
    )
    assert replica(nearest.removesuffix(".")).family == "residual_classifier"


def test_counts_that_no_network_has_are_refused_in_plain_words(tmp_path: Path) -> None:
    hollow = written(tmp_path / "hollow.csv", changed("PIXELCNN", "HOLLOW", conv_layers=0))
    with pytest.raises(BenchmarkError) as caught:
        plan_like(hollow, 2)
    said = "HOLLOW (pixelcnn): no such network has these counts. The nearest row that can be is"
    assert said in str(caught.value)
    # The number of weights in the column of another count.
    endless = written(tmp_path / "endless.csv", changed("DCGAN", "ENDLESS", blocks=94_669_184))
    with pytest.raises(BenchmarkError, match="ENDLESS: blocks is 94,669,184; there can be 1,000"):
        plan_like(endless, 2)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("conv_layers", "conv_layer", "column 'conv_layer' is not known. Did you mean conv_layers"),
        (",GAN,", ",GNA,", r"line 2 \(DCGAN\), column kind: 'GNA' is no kind"),
        (",9,4,", ",9,-4,", r"line 2 \(DCGAN\), column conv_layers: '-4' is no count"),
        ("81284,0,1,", "81284,0,9,", "column last_nonlinearity: '9' is no class. There are: 0 "),
        ("DCGAN,", "../DCGAN,", "line 2, column gm: '../DCGAN' can be no file's"),
    ],
)
def test_a_damaged_table_names_line_and_column(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "mine.csv"
    text = Path(written(path, changed("DCGAN"))).read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(BenchmarkError, match=message):
        plan_like(str(path), 2)


def test_an_unknown_table_and_numbers_out_of_range(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError) as caught:
        plan_like("red-116", 2)
    assert str(caught.value) == (
        "Table 'red-116' is not known. Did you mean red116 or red116-dm? Give red116, red116-dm "
        "or a CSV file of labels."
    )
    with pytest.raises(UnknownNameError, match="or a CSV file of labels"):
        plan_like(str(tmp_path), 2)
    for n_gms, images in ((0, 2), (-1, 2), (None, 0)):
        with pytest.raises(DatasetError, match="Give --gms and --images-per-gm of 1 or more"):
            plan_like("red116", images, n_gms=n_gms)
    with pytest.raises(DatasetError, match="48 pixels cannot be made: give --size 32 or 64"):
        plan_like("red116", 2, size=48)


# Images that start from those of another content.


def unpaired_plan(*contents: Content) -> ZooPlan:
    spec = replace(small(specification_of(replica("CYCLEGAN"))), size=32)
    spec = replace(spec, options={**spec.options, "input_size": 32})
    return ZooPlan((spec,), {"GAN": gan.__name__}, contents, images_per_gm=2, attempts=1)


def test_an_unpaired_replica_is_trained_with_the_images_that_it_starts_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[torch.Tensor, ...]] = []
    train = gan.train

    def watched(specification: Specification, *real: torch.Tensor) -> TrainedGM:
        seen.append(real)
        return train(specification, *real)

    monkeypatch.setattr(gan, "train", watched)
    one = replica("CYCLEGAN")
    own, source, other = (noise(name, 32) for name in (one.content, one.source, "digits"))
    plan = unpaired_plan(other, source, own)
    (spec,) = plan.population
    contents = {key: plan.by_key[key].train for key in spec.needs}
    with one_after_the_other(engines):
        (outcome,) = engines.train_all("local", [plan.task(spec)], contents, 1, tmp_path)
    (attempt,) = outcome.attempts
    assert attempt.quality is not None, attempt.fault
    # Once as it is, once without a step for the gate to compare with.
    assert len(seen) == 2
    for real in seen:
        for images, content in zip(real, (own, source), strict=True):
            assert np.array_equal(images.numpy(), content.train)


def test_a_finished_gm_depends_on_the_images_that_it_starts_from() -> None:
    one = replica("CYCLEGAN")
    own, source, other = (noise(name, 32) for name in (one.content, one.source, "digits"))
    plan = unpaired_plan(own, source, other)
    (spec,) = plan.population
    keys = [
        unpaired_plan(*contents).key(spec)
        for contents in (
            (own, source, other),
            (own, source, noise("digits", 32, seed=1)),
            (own, noise(one.source, 32, seed=1), other),
            (noise(one.content, 32, seed=1), source, other),
        )
    ]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
