"""How often commands were made to fail, and what came of it: the table of docs/reliability.md.

Each command is killed, interrupted and refused a write, at steps drawn with a fixed seed and at
random moments; each time, what it leaves must be the old state or the new one, and a second run
must succeed. A fault costs two runs: `--each 20` takes an hour on one core.

    python benchmarks/faults.py --each 20 --keep faults.json
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.faults.campaign import Bench, Zygote, chosen_steps
from tests.faults.jobs import JOBS

KINDS = ("SIGKILL", "SIGTERM", "SIGINT", "ENOSPC", "EROFS", "at random")


def tries(bench: Bench, kind: str, number: int, seed: int) -> Iterator[str]:
    """Yields what was wrong after each fault of a kind; empty if nothing was."""
    if kind != "at random":
        for step in chosen_steps(bench, number, seed):
            yield bench.try_at(step, kind)
        return
    chance = random.Random(f"{bench.name} {seed}")
    for turn in range(number):
        ends = (signal.SIGKILL, signal.SIGTERM)[turn % 2]
        yield bench.try_after(chance.uniform(0, bench.seconds), ends)


def main() -> None:
    """Runs the campaign and prints its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jobs", nargs="*", default=list(JOBS), help="which commands")
    parser.add_argument("--each", type=int, default=20, help="faults of each kind")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="what was found so far, as JSON; added to")
    options = parser.parse_args()
    found: dict[str, dict[str, list[int]]] = {}
    if options.keep is not None and options.keep.exists():
        found = json.loads(options.keep.read_text())
    zygote = Zygote()
    with tempfile.TemporaryDirectory() as folder:
        for name in options.jobs:
            bench = Bench.of(name, Path(folder) / name, zygote)
            for kind in options.kinds:
                if kind in found.get(name, {}):
                    continue
                wrong = list(tries(bench, kind, options.each, options.seed))
                for line in filter(None, wrong):
                    print(line, file=sys.stderr, flush=True)
                found.setdefault(name, {})[kind] = [len(wrong), sum(map(bool, wrong))]
                if options.keep is not None:
                    options.keep.write_text(json.dumps(found, indent=1) + "\n")
    zygote.close()
    print("| command |", " | ".join(KINDS), "|")
    print("|---" * (len(KINDS) + 1) + "|")
    for name, kinds in found.items():
        cells = [kinds.get(kind) for kind in KINDS]
        print("|", name, "|", " | ".join(
            "-" if cell is None else f"{cell[0] - cell[1]} of {cell[0]}" for cell in cells
        ), "|")  # fmt: skip


if __name__ == "__main__":
    main()
