"""Writes gmbench/tables/label_places.csv: Figure 3's t-SNE of the named benchmarks.

    python docs/label_places.py

Run it when the labels of such a benchmark change; a test says when. t-SNE carries the last bit of a
machine's arithmetic into the picture: stored places make it the same everywhere.
"""

from __future__ import annotations

from gmbench.benchmark.benchmark import NAMED, load_benchmark
from gmbench.figures.label_places import COLUMNS, PARTS, STORED, computed_places
from gmbench.files import write_whole


def main() -> None:
    """Writes the table: one row per benchmark and GM."""
    lines = [",".join(("benchmark", "labels_sha256", "gm", *COLUMNS))]
    for name in NAMED:
        benchmark = load_benchmark(name)
        places = computed_places(benchmark, 0)
        for row, gm in enumerate(benchmark.gms):
            numbers = [f"{value:.9g}" for part in PARTS for value in places[part][row]]
            lines.append(",".join((name, benchmark.labels_sha256, gm.name, *numbers)))
    write_whole(STORED, ("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main()
