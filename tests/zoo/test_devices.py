"""GMs on a GPU: every kind trains, samples and is measured there, and several share one."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("torch")

import torch

from gmbench.data.parallel import in_processes, worker_number
from gmbench.data.verification import verify_dataset
from gmbench.errors import DatasetError
from gmbench.zoo import devices, engines, reproducible, training
from gmbench.zoo.build import build_zoo
from gmbench.zoo.kinds import gan_batches, optimisers, row_flow
from gmbench.zoo.pixels import to_values
from gmbench.zoo.plan import plan_zoo
from gmbench.zoo.population import KIND_MODULES
from gmbench.zoo.replica_specifications import specification_of
from gmbench.zoo.replica_table import Replica
from gmbench.zoo.replicas import replica, replicas
from gmbench.zoo.specification import Specification
from gmbench.zoo.training import Attempt, Outcome, TrainingTask, train_gm
from tests.zoo.fake_kind import fake_plan
from tests.zoo.kind_contract import module_of, patterns, specification
from tests.zoo.pretend_gpu import pretended_gpu

LONG = ("pixelcnn", "gated_pixelcnn", "ddim")
"""Families that take more than a few seconds; others of their kind do not."""

FAMILIES = [
    pytest.param(kind, family, marks=[pytest.mark.slow] if family in LONG else [])
    for kind in KIND_MODULES
    for family in module_of(kind).FAMILIES
]

SMALL = {"width": 8, "critic_width": 8, "encoder_width": 8, "batch": 8, "attack_steps": 2}
"""Options that make a replica small and quick."""


def different_replicas() -> list[Replica]:
    """Replicas that differ in what is trained: in family, objective or start."""
    found: dict[tuple[str, ...], Replica] = {}
    for one in replicas():
        found.setdefault((one.kind, one.family, one.objective, one.start), one)
    return list(found.values())


def small_replica(one: Replica) -> Specification:
    made = specification_of(one)
    changed = {name: value for name, value in SMALL.items() if name in made.options}
    few = {"sampling_steps": 3} if "sampling_steps" in made.options else {}
    return replace(made, options={**made.options, **changed, **few}, steps=2)


def on_the_gpu(spec: Specification) -> Outcome:
    """Trains a GM on a GPU that is pretended to be there, samples and measures it."""
    real = [patterns(24, spec.size, False).numpy() for _ in spec.needs]
    task = TrainingTask(spec, KIND_MODULES[spec.kind], n_images=2, attempts=1, device="cuda")
    with pretended_gpu():
        return train_gm(task, *real)


def check(outcome: Outcome) -> None:
    """The gate may refuse what two steps made; an error, it cannot."""
    (attempt,) = outcome.attempts
    assert attempt.quality is not None, attempt.fault


@pytest.mark.parametrize(("kind", "family"), FAMILIES)
def test_a_gm_is_trained_sampled_and_measured_there(kind: str, family: str) -> None:
    check(on_the_gpu(specification(kind, family)))


@pytest.mark.slow
@pytest.mark.parametrize("one", different_replicas(), ids=lambda one: one.gm)
def test_a_replica_of_each_family_objective_and_start_is(one: Replica) -> None:
    check(on_the_gpu(small_replica(one)))


def on_the_cpu(made: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a tensor where it should not be."""
    return lambda *args, **kwargs: made(*args, **kwargs).cpu()


MISTAKES: dict[str, tuple[Specification, ModuleType, str, Callable[..., Any]]] = {
    "real images": (
        specification("GAN", "dcgan"),
        gan_batches,
        "to_values",
        on_the_cpu(to_values),
    ),
    "the steps of a schedule": (
        specification("DM", "ddpm"),
        torch,
        "linspace",
        on_the_cpu(torch.linspace),
    ),
    "a generator for all": (
        specification("VAE", "plain"),
        reproducible,
        "seeded",
        lambda seed: torch.Generator().manual_seed(seed),
    ),
    "a generator for one example": (
        small_replica(replica("SRFLOW")),
        row_flow,
        "seeded",
        lambda seed: torch.Generator().manual_seed(seed),
    ),
    "what came from NumPy": (specification("AA", "fgsm"), torch, "as_tensor", torch.from_numpy),
}
"""Lines that forget the device: what they make, in which GM, and the function that is to blame."""


@pytest.mark.parametrize("what", MISTAKES)
def test_one_tensor_left_behind_is_an_error(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, module, name, mistaken = MISTAKES[what]
    monkeypatch.setattr(module, name, mistaken)
    (attempt,) = on_the_gpu(spec).attempts
    assert attempt.quality is None
    assert "device" in attempt.fault


def test_the_pretended_gpu_is_as_a_gpu_is() -> None:
    with pretended_gpu() as place, devices.working_on("cuda"):
        layer = torch.nn.Linear(3, 2)
        made = layer(torch.randn(4, 3, generator=reproducible.seeded(0)))
        made.sum().backward()
        gradient = layer.weight.grad
        assert gradient is not None
        for tensor in (layer.weight, gradient, made, made[0], made.detach() + 1):
            assert place(tensor) == "cuda"
            assert tensor.device == torch.device("cuda", 0)
        assert place(made.cpu()) == "cpu"
        assert place(torch.zeros(3, device="cpu")) == "cpu"
        assert made.detach().cpu().numpy().shape == (4, 2)
        with pytest.raises(TypeError, match="numpy"):
            made.detach().numpy()
        with pytest.raises(RuntimeError, match="same device"):
            made + made.cpu()
        with pytest.raises(RuntimeError, match="same device"):
            made @ torch.ones(2, 2, device="cpu")
        # One kernel a step.
        assert optimisers.adam(layer.parameters(), 1e-3, (0.9, 0.99)).defaults["fused"]
    assert torch.empty(0).device.type == "cpu"
    assert optimisers.adam([torch.zeros(1)], 1e-3, (0.9, 0.99)).defaults["fused"] is None


@pytest.mark.parametrize(("kind", "family"), [("GAN", "residual"), ("AR", "made"), ("NF", "glow")])
def test_on_a_cpu_nothing_is_different(kind: str, family: str) -> None:
    """The same bytes as of the kind's own function, which knows of no device."""
    spec, real = specification(kind, family), patterns(24, 32, False)
    module = module_of(kind)
    with devices.working_on("cpu"):
        _, _, images = training._train_once(module.train, spec, (real.numpy(),), 64)
    gm = module.train(spec, real)
    with reproducible.reproducible(spec.seed) as generator:
        assert images.tobytes() == gm.sample(64, generator).numpy().tobytes()


def test_gms_of_a_cpu_are_known_by_the_keys_that_they_had_before_there_was_a_choice() -> None:
    one = fake_plan()
    task = asdict(one.task(one.population[0]))
    assert task.pop("device") == "cpu"
    facts = [task, [one.by_key["digits", 32].sha256], one.versions]
    known = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    assert one.key(one.population[0]) == known
    assert replace(one, device="cuda").key(one.population[0]) != known


@pytest.mark.parametrize(
    ("gpus", "jobs", "per_gpu", "at_once"),
    [
        (1, None, None, 4),
        (2, None, None, 8),
        (8, None, None, 16),
        (2, 3, None, 3),
        (1, 9, None, 9),
        (2, 9, 3, 6),
        (2, None, 3, 6),
    ],
)
def test_how_many_side_by_side(
    gpus: int, jobs: int | None, per_gpu: int | None, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "all_cores", lambda: 16)
    assert devices.at_once_on([str(n) for n in range(gpus)], jobs, per_gpu) == at_once


@pytest.mark.parametrize(
    ("visible", "names"), [(None, ("0", "1")), ("3,5", ("3", "5")), ("3, 5, 7", ("3", "5"))]
)
def test_gpus_are_called_as_the_environment_calls_them(
    visible: str | None, names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert devices.visible_gpus() == names
    assert devices.device_for("auto") == devices.device_for("cuda") == "cuda"


def _gpu_of_this_process(gpus: tuple[str, ...]) -> tuple[int, str]:
    devices.take_gpu(gpus, worker_number())
    time.sleep(0.5)  # Long enough that the other processes begin too.
    return worker_number(), os.environ["CUDA_VISIBLE_DEVICES"]


def test_processes_take_gpus_in_turn() -> None:
    tasks = [("a", "b")] * 8
    found = {seen for _, seen in in_processes(_gpu_of_this_process, tasks, 4, str)}
    assert found == {(0, "a"), (1, "b"), (2, "a"), (3, "b")}
    assert worker_number() == 0


def _meets_others(task: TrainingTask, *_: object) -> Outcome:
    """Waits until as many are at work as there should be; says which GPU it was given, and when."""
    options, began = task.specification.options, time.time()
    Path(options["place"], task.name).touch()
    while len(list(Path(options["place"]).iterdir())) < options["most"]:
        time.sleep(0.05)
        if time.time() > began + 120:
            raise TimeoutError
    seen = json.dumps([os.environ.get("CUDA_VISIBLE_DEVICES"), began, time.time()])
    return Outcome(task.specification, (Attempt(0, 0, None, seen),), None, ())


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed")
@pytest.mark.parametrize(("per_gpu", "most"), [(2, 4), (None, 5)])
def test_gms_share_gpus_over_ray(
    per_gpu: int | None, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray is told of two GPUs that are not there, and of five cores."""
    import ray

    monkeypatch.setattr(engines, "train_gm", _meets_others)
    one = replace(fake_plan(n_gms=6, place=str(tmp_path), most=most), device="cuda")
    contents = {key: content.train for key, content in one.by_key.items()}
    tasks = [one.task(gm) for gm in one.population]
    ray.init(address="local", num_cpus=5, num_gpus=2, include_dashboard=False)
    try:
        outcomes = list(engines.train_all("ray", tasks, contents, None, tmp_path, per_gpu))
    finally:
        ray.shutdown()
    assert {outcome.specification.name for outcome in outcomes} == {task.name for task in tasks}
    seen = [json.loads(outcome.attempts[0].fault) for outcome in outcomes]
    at_once = [
        {gpu: sum(gpu == own and began <= at < end for own, began, end in seen) for gpu in "01"}
        for _, at, _ in seen
    ]
    assert max(sum(shared.values()) for shared in at_once) == most
    assert max(max(shared.values()) for shared in at_once) <= (per_gpu or devices.PER_GPU)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed")
@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_cluster_without_gpus_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"The Ray cluster has no GPU\. Give --device cpu, or"):
        build_zoo(replace(fake_plan(), device="cuda"), tmp_path / "zoo", jobs=1, engine="ray")


def _has_no_memory_left(task: TrainingTask, *_: object) -> Outcome:
    raise DatasetError(f"The GPU has no memory left for {task.name}")


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed")
def test_what_a_gpu_lacks_over_ray_is_said_as_it_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "train_gm", _has_no_memory_left)
    with pytest.raises(DatasetError, match=r"^The GPU has no memory left for GAN_000$"):
        build_zoo(fake_plan(n_gms=1), tmp_path / "zoo", jobs=1, engine="ray")


@pytest.fixture
def one_gpu(monkeypatch: pytest.MonkeyPatch, in_this_process: None) -> None:
    """Lets this machine have a GPU, which trains as a CPU does."""
    monkeypatch.setattr(devices, "visible_gpus", lambda: ("0",))
    monkeypatch.setattr(engines, "visible_gpus", lambda: ("0",))
    monkeypatch.setattr(training, "working_on", lambda _: devices.working_on("cpu"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")


@pytest.mark.usefixtures("one_gpu")
def test_a_zoo_is_trained_on_one_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, on_gpu = tmp_path / "zoo", replace(fake_plan(), device="cuda")

    def stop(name: str, n: int, total: int | None) -> None:
        if n == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_zoo(on_gpu, out, jobs=1, progress=stop)
    with pytest.raises(
        DatasetError,
        match=r"zoo\.partial holds GMs that were trained on the cuda: 3 of 6\..*--device cuda",
    ):
        build_zoo(fake_plan(), out, jobs=1)
    result = build_zoo(on_gpu, out, jobs=1)
    assert result.n_resumed == 3
    assert json.loads((out / "zoo.json").read_text())["device"] == "cuda"
    with pytest.raises(DatasetError, match=r"was trained on the cuda, not on the cpu\. Give --dev"):
        build_zoo(fake_plan(), out, jobs=1)
    assert build_zoo(on_gpu, out, jobs=1).already_built
    build_zoo(fake_plan(), out, jobs=1, overwrite=True)
    assert json.loads((out / "zoo.json").read_text())["device"] == "cpu"


@pytest.mark.usefixtures("one_gpu")
@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (
            "OutOfMemoryError",
            r"The GPU has no memory left for GAN_000 \(CUDA out of memory\).*smaller --per-gpu",
        ),
        ("RuntimeError", r"The GPU failed while it trained GAN_000 \(CUDA error: unspecified"),
    ],
)
def test_what_a_gpu_cannot_do_is_no_fault_of_a_gm(
    raised: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = {
        "OutOfMemoryError": torch.OutOfMemoryError("CUDA out of memory\nTried to allocate"),
        "RuntimeError": RuntimeError("CUDA error: unspecified launch failure\nmore"),
    }

    def fail(*_: object) -> None:
        raise errors[raised]

    monkeypatch.setattr(training, "_train_once", fail)
    with pytest.raises(DatasetError, match=said):
        build_zoo(replace(fake_plan(), device="cuda"), tmp_path / "zoo", jobs=1)
    assert not list((tmp_path / "zoo.partial" / "gms").iterdir())


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("behaviour", ["needs_memory", "needs_memory_of_torch"])
def test_a_lack_of_memory_on_a_cpu_is_no_fault_of_a_gm(behaviour: str, tmp_path: Path) -> None:
    trigger, out = tmp_path / "trigger", tmp_path / "zoo"
    trigger.touch()
    plan = fake_plan(n_gms=2)
    short = replace(plan.population[1], options={"behaviour": behaviour, "trigger": str(trigger)})
    plan = replace(plan, population=(plan.population[0], short))
    said = r"No memory is left for GAN_001 \(.*\)\. Give fewer --jobs; what is finished is kept\."
    with pytest.raises(DatasetError, match=said):
        build_zoo(plan, out, jobs=1)
    trigger.unlink()
    result = build_zoo(plan, out, jobs=1)
    assert result.n_resumed == 1
    assert (tmp_path / "zoo" / "zoo.json").exists()


@pytest.mark.slow
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU, and there is none")
def test_two_gms_are_built_on_a_gpu(tmp_path: Path) -> None:
    """Two real ones that share it, in processes of their own."""
    one = plan_zoo(2, 8, contents=["digits"], seed=0)
    result = build_zoo(replace(one, device="cuda"), tmp_path / "zoo", jobs=2)
    assert result.report.n_gms == 2
    described = json.loads((tmp_path / "zoo" / "zoo.json").read_text())
    assert described["device"] == "cuda"
    assert verify_dataset(tmp_path / "zoo", jobs=1).ok
