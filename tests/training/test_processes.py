"""Training over several processes: the same as one, as far as sums in another order let it be."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

from gmbench.training.launched import LaunchError, is_first, n_processes, require_one_process
from gmbench.training.loop import LOG
from gmbench.training.processes import Processes
from gmbench.training.state import STATE
from tests.commands import gmbench
from tests.training.distributed import CONFIGS, run
from tests.training.families import CHANGES

ROOT = Path(__file__).parents[2]
TORCHRUN = ("-m", "torch.distributed.run", "--nnodes", "1", "--rdzv-backend", "c10d",
            "--rdzv-endpoint", "localhost:0")  # fmt: skip


IDLE = ("trace.layers.5.bias", "trunk.0.running_mean")
"""Of a graph: a bias that the normalisation behind it cancels. Its gradient is rounding alone, and
Adam makes steps of it all the same."""


def torchrun(number: int) -> list[str]:
    """What starts so many processes, as `torchrun` does."""
    return [*TORCHRUN, "--nproc-per-node", str(number)]


def accelerate_launch(number: int) -> list[str]:
    """As `accelerate launch --multi_gpu` does, which takes CPUs where there is no GPU."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    return ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", str(number),
            "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no",
            "--main_process_port", port]  # fmt: skip


def launched(
    number: int,
    *arguments: str,
    cwd: Path,
    launcher: Callable[[int], list[str]] = torchrun,
) -> subprocess.CompletedProcess[str]:
    """Starts Python in several processes, as a user would."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "NO_COLOR": "1",
                   "GMBENCH_HOME": str(cwd / "home"), "GLOO_SOCKET_IFNAME": "lo"}  # fmt: skip
    return subprocess.run(
        [sys.executable, *launcher(number), *arguments],
        cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=540,
    )  # fmt: skip


@pytest.mark.parametrize("number", [1, 2, 3, 7])
@pytest.mark.parametrize("n_images", [1, 2, 5, 32])
def test_every_image_is_one_process_s(number: int, n_images: int) -> None:
    shares = [Processes(rank, number).share(n_images) for rank in range(number)]
    images = list(range(n_images))
    assert [one for share in shares for one in images[share]] == images
    lengths = [share.stop - share.start for share in shares]
    assert max(lengths) - min(lengths) <= 1


def test_who_speaks_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (n_processes(), is_first()) == (1, True)
    monkeypatch.setenv("RANK", "1")
    assert (n_processes(), is_first()) == (1, True)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert (n_processes(), is_first()) == (2, False)
    with pytest.raises(LaunchError, match="gmbench x works in one process, and was started in 2"):
        require_one_process("gmbench x")


def test_other_commands_are_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    for command in (("info",), ("train", "known_gms")):
        done = gmbench(*command, cwd=tmp_path, check=False)
        assert done.returncode == 2
        assert "alone is for `accelerate launch` and `torchrun`" in done.stderr


@pytest.fixture(scope="module")
def by_two(
    family_folder: Path, family_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Every configuration, trained by two processes; `plain` was begun by one."""
    out = tmp_path_factory.mktemp("two")
    run(CONFIGS["plain"].changed({"epochs": 3}), family_folder, family_cache, out / "whole")
    begun = out / "plain"
    stopped_after_one(begun, family_folder, family_cache)
    done = launched(
        2, "-m", "tests.training.distributed", str(family_folder), str(family_cache), str(out),
        *CONFIGS, cwd=out,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return out


def stopped_after_one(folder: Path, dataset: Path, cache: Path) -> None:
    """Leaves the state that one process had after its first epoch."""
    import gmbench.training.loop as loop

    class StoppedError(Exception):
        """Ends the training."""

    real = loop._keep

    def keep(*arguments: Any) -> None:
        real(*arguments)
        raise StoppedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "_keep", keep)
        with pytest.raises(StoppedError):
            run(CONFIGS["plain"], dataset, cache, folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_two_processes_end_as_one(
    name: str, by_two: Path, family_folder: Path, family_cache: Path, tmp_path: Path
) -> None:
    check_ends_as_one(name, by_two, run(CONFIGS[name], family_folder, family_cache, tmp_path))
    compare_weights(name, by_two, tmp_path)
    first = json.loads((by_two / f"{name}-0.json").read_text())
    assert first["resumed_at"] == (1 if name == "plain" else 0)


@pytest.mark.slow
def test_accelerate_launch_ends_as_one_process_too(
    family_folder: Path, family_cache: Path, tmp_path: Path
) -> None:
    done = launched(
        2, "-m", "tests.training.distributed", str(family_folder), str(family_cache),
        str(tmp_path), "plain", cwd=tmp_path, launcher=accelerate_launch,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    one = run(CONFIGS["plain"], family_folder, family_cache, tmp_path / "one")
    check_ends_as_one("plain", tmp_path, one)
    compare_weights("plain", tmp_path, tmp_path / "one")


def check_ends_as_one(name: str, by_two: Path, one: dict[str, Any]) -> None:
    """Asserts that two processes logged alike, and what one did."""
    first, second = (json.loads((by_two / f"{name}-{rank}.json").read_text()) for rank in (0, 1))
    for entry, other, plain in zip(first["log"], second["log"], one["log"], strict=True):
        terms = [term for term in plain if term != "seconds"]
        assert [other[term] for term in terms] == [entry[term] for term in terms]
        for term in terms:
            # Running means follow an idle bias late, so that it counts a little in validation.
            close = 2e-2 if (name, term) == ("graph", "validation") else 2e-3
            np.testing.assert_allclose(entry[term], plain[term], rtol=close, err_msg=term)
    assert first["resumed_at"] == second["resumed_at"]


def compare_weights(name: str, by_two: Path, by_one: Path) -> None:
    """Asserts that two processes have the weights of one."""
    weights = load_file(by_one / "weights.safetensors")
    others = load_file(by_two / name / "weights.safetensors")
    assert weights.keys() == others.keys()
    for key, tensor in weights.items():
        if name == "graph" and key in IDLE:
            continue
        np.testing.assert_allclose(others[key], tensor, rtol=1e-2, atol=2e-3, err_msg=key)


@pytest.mark.slow
def test_one_process_goes_on_where_two_were(
    by_two: Path, family_folder: Path, family_cache: Path
) -> None:
    """Their state is a finished one to it: nothing is trained again."""
    found = run(CONFIGS["plain"], family_folder, family_cache, by_two / "plain")
    assert found["resumed_at"] == 3


@pytest.mark.slow
@pytest.mark.parametrize("launcher", [torchrun, accelerate_launch])
def test_the_command_writes_and_says_all_once(
    launcher: Callable[[int], list[str]], family_folder: Path, tmp_path: Path
) -> None:
    changes = [f"--change={name}={json.dumps(value)}" for name, value in CHANGES.items()]
    done = launched(2, "-m", "gmbench", "train", "full", "--data", str(family_folder),
                    "--device", "cpu", "--json", *changes, cwd=tmp_path,
                    launcher=launcher)  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert len(said["log"]) == CHANGES["epochs"]
    left = {path.name for path in (tmp_path / said["folder"]).iterdir()}
    assert left == {LOG, STATE, "model"}
    assert "process group has NOT been destroyed" not in done.stderr
