"""How large the board's page is with many methods, and how fast it opens, sorts and filters.

    python benchmarks/leaderboard_page.py                     # 300 methods
    python benchmarks/leaderboard_page.py --methods 30 --out site

What the page shows is made up: the committed results of mini116, shifted at random, with pairs told
apart where their figures are far apart. Thus no prediction has to be made, scored or compared,
which `leaderboard_speed.py` measures. Prints, with limits, the size of the page and, for opening,
sorting and filtering it, the seconds by the browser's clock and those that its main thread
computed: on a machine that does other work too, only the latter are meaningful.
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gmbench.board.board import find_board
from gmbench.board.columns import COLUMNS
from gmbench.board.pairs import Pairs
from gmbench.board.rows import BoardRows, Cell, Row, ranked, submitted_rows
from gmbench.board.serving import serving
from gmbench.board.site.building import render_site
from gmbench.evaluation.comparison import COMPARED, Difference
from gmbench.evaluation.over_floor import OverFloor
from gmbench.schema import PARAMETERS

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

SIZE, OPEN, SORT = 60_000, 0.2, 0.1
"""Limits: bytes of the page as compressed by a server, and seconds."""


def made_up(n: int, seed: int = 0) -> BoardRows:
    """Returns a board of made-up methods, along with what a paper reports."""
    boards = {one.name: one for one in submitted_rows(find_board())}
    real, paper = boards["mini116"], boards["red116"]
    generator = np.random.default_rng(seed)
    measured = [_method(real.measured, number, generator) for number in range(1, n + 1)]
    measured.sort(key=lambda row: -float(row.cells["skill"].value or 0))
    pairs = _pairs(measured, generator)
    reported = paper.reported
    board = replace(real, measured=ranked(measured, pairs), reported=reported, pairs=pairs)
    return BoardRows((board,))


def _method(like: Sequence[Row], number: int, generator: np.random.Generator) -> Row:
    row = like[int(generator.integers(len(like)))]
    assert row.card is not None
    assert row.result is not None
    day = datetime.date(2024, 1, 1) + datetime.timedelta(days=int(generator.integers(900)))
    params = 0 if number % 10 == 0 else int(10 ** generator.uniform(4, 9))
    title = f"{row.title} {number}"
    facts = {
        "name": f"method-{number}",
        "title": title,
        "authors": [f"Author {number}", "B. Author"],
        "date": day,
        "training_data": ("benchmark", "extra", "labels")[number % 3],
        "params": params,
        "training_hours": round(10 ** generator.uniform(-1, 3), 1),
    }
    card = row.card.model_copy(update=facts)
    shift = generator.normal(0, 0.03)
    cells: dict[str, Cell] = {}
    for column in COLUMNS:
        cell = row.cells[column.key]
        if isinstance(cell.value, float) and cell.ci is not None:
            by = shift + generator.normal(0, 0.01)
            ends = (cell.ci[0] + by, cell.ci[1] + by)
            cells[column.key] = Cell(cell.value + by, ends, cell.std)
        else:
            cells[column.key] = cell
    texts: dict[str, Any] = {**facts, "date": day.isoformat(), "authors": ", ".join(card.authors)}
    for key in ("training_data", "date", "authors"):
        cells[key] = Cell(texts[key])
    for key in ("params", "training_hours"):
        cells[key] = Cell(float(texts[key]))
    over_floor = {one.name: OverFloor(0.1, 0.01, (-0.01, 0.03)) for one in PARAMETERS}
    return Row(
        card.name, title, "measured", cells, card=card, result=row.result, over_floor=over_floor
    )


def _pairs(rows: Sequence[Row], generator: np.random.Generator) -> Pairs:
    found = {}
    for first, second in combinations(rows, 2):
        made = []
        for metric in COMPARED:
            values = [float(one.cells[metric.name].value or 0) for one in (first, second)]
            difference = values[0] - values[1]
            winner = first if (difference > 0) == (metric.better == "higher") else second
            apart = abs(difference) > 0.08
            p = float(generator.uniform(0, 0.05) if apart else generator.uniform(0.05, 1))
            ci = (difference - 0.05, difference + 0.05)
            better = winner.name if apart else ""
            made.append(
                Difference(first.name, second.name, metric.name, difference, ci, p, p, better)
            )
        found[(first.name, second.name)] = tuple(made)
    return found


class Clock:
    """The seconds that the page's main thread computed."""

    def __init__(self, page: Page) -> None:
        self.session: CDPSession = page.context.new_cdp_session(page)
        self.session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def computed(self) -> float:
        """Returns the seconds that the main thread has computed so far."""
        metrics = self.session.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "ThreadTime"))


_PAINTED = """new Promise((done) => requestAnimationFrame(() => setTimeout(() => {
  document.body.getBoundingClientRect();
  done(performance.now() - start);
})))"""

_OPENED = """async () => {
  const paint = await new Promise((done) => new PerformanceObserver((seen) => {
    seen.getEntriesByName("first-contentful-paint").forEach(done);
  }).observe({ type: "paint", buffered: true }));
  const [entry] = performance.getEntriesByType("navigation");
  return Math.max(entry.loadEventEnd, paint.startTime) - entry.responseStart;
}"""

_ACTIONS = {
    "sort": "document.querySelector(`th[data-c=${column}] button`).click()",
    "filter": """{
      const search = document.querySelector("input[type=search]");
      search.value = column; search.dispatchEvent(new Event("input"));
    }""",
}


def page_times(site: Path, rounds: int = 7) -> dict[str, tuple[float, float]]:
    """Returns the median seconds to open, sort and filter the page: by the clock, and computed."""
    from playwright.sync_api import sync_playwright

    found: dict[str, list[tuple[float, float]]] = {"open": [], "sort": [], "filter": []}
    with serving(site) as address, sync_playwright() as playwright:
        executable = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        for _ in range(rounds):
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            clock = Clock(page)
            # Loaded means sorted, too: the script delays the first paint.
            page.goto(address + "?sort=arch_f1", wait_until="load")
            seconds = page.evaluate(_OPENED)
            found["open"].append((seconds / 1000, clock.computed()))
            for what, words in (("sort", ("l1", "loss_f1")), ("filter", ("trees", ""))):
                for column in words:
                    before = clock.computed()
                    seconds = page.evaluate(
                        f"(column) => {{ const start = performance.now(); {_ACTIONS[what]};"
                        f" return {_PAINTED} }}",
                        column,
                    )
                    found[what].append((seconds / 1000, clock.computed() - before))
            page.close()
        browser.close()
    return {
        what: (float(np.median([a for a, _ in all_])), float(np.median([b for _, b in all_])))
        for what, all_ in found.items()
    }


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--methods", type=int, default=300)
    parser.add_argument("--out", type=Path, help="keep the pages in this folder")
    arguments = parser.parse_args()
    files = render_site(made_up(arguments.methods))
    packed = len(gzip.compress(files["index.html"], 6))
    with tempfile.TemporaryDirectory() as place:
        site = arguments.out or Path(place)
        for name, content in files.items():
            (site / name).parent.mkdir(parents=True, exist_ok=True)
            (site / name).write_bytes(content)
        times = page_times(site)
    print(f"{arguments.methods} methods; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'page, packed':<14} {packed / 1000:6.1f} kB               limit {SIZE / 1000:.0f} kB")
    limits = {"open": OPEN, "sort": SORT, "filter": SORT}
    for what, (seconds, computed) in times.items():
        print(f"{what:<14} {computed:6.3f} s of {seconds:6.3f} s   limit {limits[what]} s")
    if packed > SIZE or any(times[what][1] > limit for what, limit in limits.items()):
        sys.exit(1)


if __name__ == "__main__":
    main()
