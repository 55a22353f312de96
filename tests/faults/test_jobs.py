"""Commands that are killed, interrupted and refused a write at steps drawn with a fixed seed.

Few of each; `benchmarks/faults.py` has more, and docs/reliability.md what came of them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from tests.faults.campaign import Bench, chosen_steps

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="needs fork and Linux's signals"),
]

BenchOf = Callable[[str], Bench]


@pytest.mark.parametrize("fault", ["SIGKILL", "SIGTERM", "SIGINT", "ENOSPC", "EROFS"])
@pytest.mark.parametrize("job", ["predict", "data build", "submit"])
def test_old_or_new_and_a_second_run_ends_right(job: str, fault: str, bench_of: BenchOf) -> None:
    bench = bench_of(job)
    seed = ["SIGKILL", "SIGTERM", "SIGINT", "ENOSPC", "EROFS"].index(fault)
    for step in chosen_steps(bench, 2 if fault == "SIGKILL" else 1, seed):
        assert not bench.try_at(step, fault)


@pytest.mark.parametrize("job", ["train", "board"])
def test_the_longer_ones_killed_once(job: str, bench_of: BenchOf) -> None:
    bench = bench_of(job)
    # The last steps put what is made in place.
    assert not bench.try_at(bench.steps - 1, "SIGKILL")


@pytest.mark.parametrize("job", ["predict", "data build", "submit"])
def test_two_at_once_on_one_output(job: str, bench_of: BenchOf) -> None:
    """Both end, well or with one line that says why; what is left is whole."""
    bench = bench_of(job)
    with bench.place() as place:
        files = [place / ".one", place / ".two"]
        running = [bench.zygote.begin(place, bench.job.command, said=str(file)) for file in files]
        ends = [
            bench.zygote.end(place, process, file)
            for process, file in zip(running, files, strict=True)
        ]
        assert bench.job.state(place) == bench.new
    assert 0 in [end.code for end in ends]
    for end in ends:
        assert end.code == 0 or end.stderr.startswith("error: "), end.stderr
        assert "Traceback" not in end.stderr


@pytest.mark.parametrize("job", ["predict", "data build", "submit"])
def test_a_clock_that_jumps(job: str, bench_of: BenchOf) -> None:
    bench = bench_of(job)
    with bench.place() as place:
        end = bench.zygote.run(place, bench.job.command, clock=True)
        assert end.code == 0, end.stderr
        assert bench.job.state(place) == bench.new


@pytest.mark.parametrize("home", ["/proc/nowhere", "/dev/null"])
def test_a_home_that_cannot_be_written_to(home: str, bench_of: BenchOf) -> None:
    bench = bench_of("predict")
    with bench.place() as place:
        for environment in ({"GMBENCH_HOME": home}, {"HOME": home, "GMBENCH_HOME": ""}):
            end = bench.zygote.run(place, bench.job.command, environment=environment)
            assert end.code == 2
            assert end.stderr.startswith("error: ")
            assert "GMBENCH_HOME" in end.stderr
            assert end.stderr.count("\n") == 1
            assert bench.job.state(place) == bench.old
    bench = bench_of("submit")
    with bench.place() as place:
        end = bench.zygote.run(place, bench.job.command, environment={"GMBENCH_HOME": home})
        assert end.code == 0, "nothing is cached: no home is needed"
        assert bench.job.state(place) == bench.new
