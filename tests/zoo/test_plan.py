"""Plans of zoos: what can be asked for, and what is refused before any work."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gmbench.errors import DatasetError, SourceError, UnknownNameError
from gmbench.zoo import plan as plan_module
from gmbench.zoo.build import build_zoo
from gmbench.zoo.content import Content
from gmbench.zoo.plan import plan_zoo
from gmbench.zoo.specification import Specification
from gmbench.zoo.training import TrainingTask, train_gm
from tests.zoo.fake_kind import MODULES, fake_plan

pytest.importorskip("torch")


def test_unknown_engine(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"Engine 'rey'.*Did you mean ray"):
        build_zoo(fake_plan(), tmp_path / "zoo", engine="rey")


@pytest.mark.parametrize(("engine", "module"), [("local", "torch"), ("ray", "ray")])
def test_missing_package(
    engine: str, module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == module else find(name)
    )
    with pytest.raises(DatasetError, match=rf"needs the package {module}.*pip install"):
        build_zoo(fake_plan(), tmp_path / "zoo", engine=engine)


def test_unknown_kind(tmp_path: Path) -> None:
    plan = fake_plan()
    strange = replace(plan.population[0], kind="GAM")
    with pytest.raises(UnknownNameError, match=r"Kind 'GAM'.*Did you mean GAN"):
        build_zoo(replace(plan, population=(strange,)), tmp_path / "zoo")


def test_unknown_content_of_a_gm(tmp_path: Path) -> None:
    plan = fake_plan()
    strange = replace(plan.population[0], content="dogs")
    with pytest.raises(UnknownNameError, match=r"Content 'dogs'.*GAN_000 has it"):
        build_zoo(replace(plan, population=(strange,)), tmp_path / "zoo")


@pytest.fixture
def fake_population(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws fake GMs where the real kinds would be drawn."""
    from gmbench.zoo import population

    def draw(
        n_gms: int,
        *,
        size: int,
        contents: tuple[str, ...],
        seed: int,
        n_diffusion: int,
        prefix: str,
    ) -> list[Specification]:
        return [
            Specification(
                f"{prefix}GAN_{n}", "GAN", "fake", contents[n % len(contents)], size, ("loss_l1",),
                {"width": n + 2}, 10, seed + n,
            )
            for n in range(n_gms + n_diffusion)
        ]  # fmt: skip

    monkeypatch.setattr(population, "draw_population", draw)
    monkeypatch.setattr(population, "KIND_MODULES", MODULES)


@pytest.mark.usefixtures("fake_population")
def test_plan_of_a_zoo() -> None:
    plan = plan_zoo(3, 2, contents=["digits", "faces"], seed=5, n_diffusion=1)
    assert [gm.content for gm in plan.population] == ["digits", "faces"] * 2
    assert plan.real_per_content == 6
    assert plan.sha256 == plan_zoo(3, 2, contents=["digits", "faces"], seed=5, n_diffusion=1).sha256
    assert plan.sha256 != plan_zoo(3, 2, contents=["digits"], seed=5, n_diffusion=1).sha256
    assert plan.sha256 != replace(plan, real_per_content=9).sha256


@pytest.mark.usefixtures("fake_population")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 48}, "Images of 48 pixels cannot be made: give --size 32 or 64"),
        ({"size": 128}, "Images of 128 pixels"),
        ({"n_gms": 0}, "0 GMs and 0 of diffusion"),
        ({"images_per_gm": 0}, "with 0 images each"),
        ({"diffusion_per_set": 1}, "--diffusion-per-set 1 needs diffusion GMs"),
        ({"contents": ["digits", "dogs"]}, "Content 'dogs' is not known"),
        ({"images_from": Path("absent")}, "absent is not a folder"),
    ],
)
def test_what_cannot_be_planned(arguments: dict[str, object], message: str) -> None:
    wanted = {"n_gms": 2, "images_per_gm": 2, "contents": ["faces"], **arguments}
    with pytest.raises((DatasetError, SourceError, UnknownNameError), match=message):
        plan_zoo(**wanted)  # type: ignore[arg-type]


@pytest.mark.usefixtures("fake_population")
def test_folder_of_the_user_becomes_a_content(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    images = tmp_path / "cats"
    images.mkdir()
    for number in range(60):
        values = generator.integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(values).save(images / f"{number}.png")
    plan = plan_zoo(2, 2, images_from=images)
    assert plan.content_names == ("cats",)
    both = plan_zoo(2, 2, images_from=images, contents=["faces", "cats"])
    assert [content.name for content in both.contents] == ["faces", "cats"]
    with pytest.raises(DatasetError, match="lie inside one another"):
        build_zoo(plan, images / "zoo", jobs=1)


def test_contents_must_have_the_size(tmp_path: Path) -> None:
    plan = fake_plan()
    small = np.zeros((60, 3, 16, 16), np.uint8)
    others = tuple(content for content in plan.contents if content.name != "digits")
    plan = replace(plan, contents=(*others, Content("digits", small, small, (), ("",) * 60)))
    with pytest.raises(DatasetError, match="32 pixels, and there are none of digits in that size"):
        plan_module.check_plan(plan)


def test_what_no_dataset_can_be() -> None:
    plan = fake_plan()
    sets = {"set_1": (plan.population[0].name,)}
    plan_module.check_plan(replace(plan, name="mini116", sets=sets))
    for name, its_sets in (("red116", None), ("red140", sets), ("mini116", None)):
        with pytest.raises(DatasetError, match=f"^{name} is the name of a benchmark"):
            plan_module.check_plan(replace(plan, name=name, sets=its_sets))
    plan_module.check_plan(replace(plan, images_per_gm=1_000_000))
    with pytest.raises(DatasetError, match=r"6,000,006 images.*Give fewer --images-per-gm"):
        plan_module.check_plan(replace(plan, images_per_gm=1_000_001))


def test_task_travels_to_a_process() -> None:
    import pickle

    task = fake_plan().task(fake_plan().population[0])
    assert pickle.loads(pickle.dumps(task)) == task
    assert isinstance(task, TrainingTask)


@pytest.mark.slow
def test_every_real_kind_comes_as_far_as_the_gate() -> None:
    """With a few steps a GM need not pass; its training, measuring and judging must work."""
    from gmbench.zoo.population import KIND_MODULES

    plan = plan_zoo(24, 4, n_diffusion=1, contents=["digits", "textures"])
    first = {gm.kind: gm for gm in reversed(plan.population)}
    assert first.keys() == KIND_MODULES.keys()
    for gm in first.values():
        task = replace(plan.task(replace(gm, steps=4, spares=())), attempts=1)
        (attempt,) = train_gm(task, plan.by_key[gm.needs[0]].train).attempts
        assert attempt.quality is not None, f"{gm.name}: {attempt.fault}"
