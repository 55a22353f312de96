"""How fast the leaderboard is with many submissions: verify, build, and the page in Chromium.

    python benchmarks/leaderboard_speed.py                     # 30 submissions to red116
    python benchmarks/leaderboard_speed.py --submissions 300 --keep DIR   # 44,850 pairs

With --keep, the submissions stay in a folder and are made once. Prints, in wall-clock and processor
seconds, with the limits that they must stay below: verifying all submissions from their predictions
(48,000 each, every interval recomputed), comparing them in pairs, building the site from cached
scores and pairs, opening the page (from the first byte until it has sorted and filtered itself and
is painted), and sorting it by a click (until the rows are painted). Making the submissions is not
counted.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from gmbench.benchmark.benchmark import Benchmark, load_benchmark
from gmbench.board.board import Board
from gmbench.board.scoring import score
from gmbench.board.serving import serving
from gmbench.board.site import build_site
from gmbench.board.submission_card import card_from, card_text
from gmbench.board.verification import verify
from gmbench.data.parallel import all_cores, in_processes
from gmbench.files import json_text
from gmbench.predictions.columns import Values
from gmbench.predictions.predictions import Predictions
from gmbench.predictions.reference import mean_mode
from gmbench.predictions.writing import write_predictions

VERIFY, PAIR, BUILD, PAGE = 180.0, 0.02, 20.0, 0.2
"""Limits in seconds, for 300 submissions on two cores, and for one pair."""


@dataclass
class Spent:
    """Wall-clock and processor seconds, including those of child processes that have ended."""

    wall: float = field(default_factory=time.perf_counter)
    processor: float = field(default_factory=lambda: sum(os.times()[:4]))

    def since(self) -> Spent:
        """Returns what was spent since this object was created."""
        now = Spent()
        return Spent(now.wall - self.wall, now.processor - self.processor)


def told(what: str, done: int, total: int | None) -> None:
    """Shows the progress of the work on one line."""
    print(f"\r{what} {done:,} of {total:,}", end="\n" if done == total else "", file=sys.stderr)


def predictions(benchmark: Benchmark, seed: int) -> Predictions:
    """Returns predictions between mean or mode and truth, per GM; no two submissions are alike."""
    generator = np.random.default_rng(seed)
    floor = mean_mode(benchmark)
    truth = benchmark.labels[floor.gms]
    skill = np.clip(seed / 500 + generator.normal(0, 0.3, len(benchmark.gms)), 0, 1)
    mix = skill[floor.gms][:, None] * generator.random((len(floor), 1))
    right = generator.random((len(floor), 16)) < mix
    counts = mix * truth[:, :9] + (1 - mix) * floor.values.continuous
    counts += generator.normal(0, 0.1, counts.shape) * benchmark.span
    return replace(
        floor,
        source=f"method-{seed}",
        values=Values(
            counts.clip(0),
            np.where(right[:, :6], truth[:, 9:15], floor.values.discrete).astype(np.int8),
            np.where(right[:, 6:], truth[:, 15:], floor.values.losses),
        ),
    )


def make(task: tuple[str, int]) -> None:
    """Writes one submission."""
    board, seed = Board(Path(task[0])), task[1]
    made = predictions(load_benchmark("red116"), seed)
    card = card_from(
        {
            "name": f"method-{seed}",
            "title": f"Method {seed}",
            "benchmark": "red116",
            "version": made.benchmark.version,
            "authors": ["A. Author"],
            "url": "https://example.org",
            "date": datetime.date(2026, 1, 1),
            "training_data": ("benchmark", "extra")[seed % 2],
            "params": 1000 + 7919 * seed,
        },
        "card",
    )
    folder = board.submission(card.name)
    if (folder / "results.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "card.yaml").write_text(card_text(card))
    write_predictions(made, folder / "predictions.parquet")
    (folder / "results.json").write_text(json_text(score(made).result))


def page_times(site: Path, rounds: int = 7) -> tuple[float, float, int]:
    """Returns the median seconds to open and to sort the page, and its number of rows."""
    from playwright.sync_api import sync_playwright

    executable = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    opened, sorted_in = [], []
    with serving(site) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        for number in range(rounds):
            page.goto(address + f"?sort=arch_f1&q=method&x={number}", wait_until="load")
            page.wait_for_selector("html.scripted")
            opened.append(
                page.evaluate(
                    """() => window.kept = new Promise((done) => {
                      requestAnimationFrame(() => setTimeout(() => {
                        const [entry] = performance.getEntriesByType("navigation");
                        const paint = performance.getEntriesByName("first-contentful-paint")[0];
                        done(Math.max(entry.loadEventEnd, paint.startTime) - entry.responseStart);
                      }));
                    })"""
                )
            )
            for column in ("l1", "loss_f1"):
                sorted_in.append(
                    page.evaluate(
                        """(column) => window.kept = new Promise((done) => {
                          const start = performance.now();
                          document.querySelector(`th[data-c=${column}] button`).click();
                          requestAnimationFrame(() => setTimeout(() => {
                            document.body.getBoundingClientRect();
                            done(performance.now() - start);
                          }));
                        })""",
                        column,
                    )
                )
        rows = page.locator("tbody.measured tr[data-n]").count()
        browser.close()
    return float(np.median(opened)) / 1000, float(np.median(sorted_in)) / 1000, rows


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--submissions", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=min(2, all_cores()))
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where submissions stay")
    arguments = parser.parse_args()
    n, jobs = arguments.submissions, arguments.jobs
    with tempfile.TemporaryDirectory() as place:
        board, cache = Board((arguments.keep or Path(place)) / f"board-{n}"), Path(place) / "cache"
        tasks = [(str(board.folder), seed) for seed in range(1, n + 1)]
        for number, _ in enumerate(in_processes(make, tasks, jobs, str), start=1):
            told("made", number, n)
        start = Spent()
        made = verify(board, jobs=jobs, cache=cache, progress=told)
        verified = start.since()
        assert made.ok, made.to_dict()
        start = Spent()
        build_site(board, Path(place) / "site", cache=cache, jobs=jobs, progress=told)
        first = start.since()
        start = Spent()
        site = build_site(board, Path(place) / "site", cache=cache, jobs=jobs)
        built = start.since()
        opened, sorted_in, rows = page_times(site.folder)
    pairs = n * (n - 1) // 2
    compared = Spent(first.wall - built.wall, first.processor - built.processor)
    measured = (
        ("verify all", verified, VERIFY),
        (f"compare {pairs:,} pairs", compared, PAIR * pairs),
        ("build, all remembered", built, BUILD),
        (f"open the page of {rows} rows", Spent(opened, 0.0), PAGE),
        ("sort it", Spent(sorted_in, 0.0), PAGE),
    )
    load = f"load {os.getloadavg()[0]:.1f}"
    print(f"{n} submissions of 48,000 predictions, {jobs} processes, {load}")
    for what, spent, limit in measured:
        processor = f"{spent.processor:8.1f} s of processor" if spent.processor else ""
        print(f"{what:<28} {spent.wall:8.2f} s   limit {limit:6.1f} s {processor}")
    print(f"site: {site.files} files, {site.bytes / 1e6:.1f} MB")
    if any(spent.wall > limit for _, spent, limit in measured):
        sys.exit(1)


if __name__ == "__main__":
    main()
