"""A site for tests: two benchmarks, methods with and without costs, hostile words."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from gmbench.benchmark.benchmark import benchmark_files
from gmbench.board.board import Board
from gmbench.board.rows import BenchmarkBoard, in_order
from gmbench.board.serving import serving
from gmbench.board.submission import submit
from gmbench.predictions.reference import mean_mode
from gmbench.predictions.writing import write_predictions
from tests.board.boards import HOSTILE, facts, submit_random, tiny_benchmark
from tests.browser import ChromiumPage, chromium_page
from tests.evaluation.populations import random_predictions, small_benchmark

REPORTED = """benchmark,method,title,about,source,metric,value,std_sets,date
tiny,random_gt,Random ground truth,shuffled labels,Table 4,l1,0.184,0.019,2023
tiny,random_gt,Random ground truth,shuffled labels,Table 5,loss_f1,0.636,0.017,2023
tiny,full,FEN-PN,both networks,Table 4,l1,0.149,0.019,2025-06-30
tiny,full,FEN-PN,both networks,Table 4,ransac_slope,-0.529,,2025-06-30
"""


def make_board(here: Path) -> Board:
    """Makes the board: ten methods on `tiny`, two on `tiny-dm`, whose sets share GMs."""
    board = Board(here / "leaderboard")
    for number in range(8):
        submit_random(
            board, here, f"method-{number}", number,
            title=("Zeta", "alpha", "Ärger", "beta 2", "beta 10", "Émile", "m²", "Zeta-b")[number],
            authors=["B. Author"] if number % 2 else ["a. author", "C. Author"],
            training_data=("benchmark", "extra", "labels")[number % 3],
            date=datetime.date(2026, 1, 1 + number // 2),
            params=(None, 1000, 10**9, 1000, 0, 25, 7_654_321, None)[number],
            training_hours=(None, 2.5, 100.0, 0.01, None, 0.0, 3.0, None)[number],
        )  # fmt: skip
    submit_random(
        board, here, "hostile", 50, title="H" + HOSTILE[:70], authors=["A" + HOSTILE[:70]],
        notes=HOSTILE, training_details=HOSTILE, hardware=HOSTILE, license="L" + HOSTILE[:60],
        url="https://example.org/?a=1&b=2",
    )  # fmt: skip
    constant = mean_mode(tiny_benchmark())
    submit_random(board, here, "constant", 0, predictions=constant, training_data="labels")
    other = replace(small_benchmark(2, "red116-dm"), name="tiny-dm", version="1")
    folder = here / "tiny-dm"
    folder.mkdir()
    for name, text in benchmark_files(other).items():
        (folder / name).write_text(text)
    for seed in (1, 2):
        file = here / f"dm-{seed}.parquet"
        write_predictions(random_predictions(other, seed), file)
        submit(file, facts(f"dm-{seed}"), board=board, benchmark=folder)
    board.reported.write_text(REPORTED, encoding="utf-8")
    return board


@contextmanager
def opened(site: Path, query: str = "", **options: Any) -> Iterator[tuple[ChromiumPage, str]]:
    """The page, from a server; whatever the test does, no error and no request elsewhere."""
    with serving(site) as address, chromium_page(**options) as browser:
        browser.page.goto(address + query, wait_until="load")
        yield browser, address
        assert browser.errors == [], browser.errors
        assert [url for url in browser.requests if not url.startswith((address, "blob:"))] == []


def names(browser: ChromiumPage, body: str, benchmark: str = "tiny") -> list[str]:
    """The rows that are shown in a body of a table, top to bottom."""
    rows = f"table[data-b='{benchmark}'] tbody.{body} tr[data-n]:not([hidden])"
    found: list[str] = browser.page.eval_on_selector_all(rows, "rows => rows.map(r => r.dataset.n)")
    return found


def expected(board: BenchmarkBoard, body: str, column: str, descending: bool) -> list[str]:
    """The rows of a body of a table, in the order that Python gives them."""
    rows = board.measured if body == "measured" else board.reported
    return [row.name for row in in_order(rows, column, descending=descending)]
