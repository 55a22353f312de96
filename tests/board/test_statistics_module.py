"""The paired test that the page makes, against `gmbench compare`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gmbench.board.board import Board
from gmbench.board.rows import BoardRows
from gmbench.board.serving import serving
from gmbench.evaluation.comparison import compare
from gmbench.evaluation.significance import holm
from gmbench.predictions.predictions import read_predictions
from tests.browser import chromium_page

pytestmark = pytest.mark.slow

RUN = """
async ([first, second, benchmark, permutations]) => {
  const m = await import("/modules/statistics.js");
  const facts = (await (await fetch(`/data/${benchmark}.json`)).json()).pairing;
  const load = async (name) =>
    m.readPairing(await (await fetch(`/data/${name}.bin`)).arrayBuffer(), facts);
  const [a, b] = [await load(first), await load(second)];
  const start = performance.now();
  const test = m.permutationTest(a, b, facts, permutations);
  return [test, m.holm(test.map((line) => line.p)), performance.now() - start,
          m.l1ByGm(a, facts), facts.sets.flatMap((set) => set.gms.map((gm) => gm.name))];
}
"""


@pytest.mark.parametrize(
    ("first", "second", "benchmark"),
    [
        ("method-1", "method-2", "tiny"),
        ("method-3", "constant", "tiny"),
        ("method-1", "method-1", "tiny"),
        ("dm-1", "dm-2", "tiny-dm"),
    ],
)
def test_same_as_the_command(
    site: Path, site_board: Board, rows: BoardRows, first: str, second: str, benchmark: str
) -> None:
    (known,) = [board.benchmark for board in rows.benchmarks if board.name == benchmark]
    read = [
        read_predictions(site_board.submission(name) / "predictions.parquet", known)
        for name in (first, second)
    ]
    expected = compare(*read, replicates=40, permutations=10_000)
    with serving(site) as address, chromium_page() as browser:
        browser.page.goto(address)
        found, corrected, milliseconds, l1, gms = browser.page.evaluate(
            RUN, [first, second, benchmark, 10_000]
        )
    for line, wanted in zip(found, expected.differences, strict=True):
        assert line["metric"] == wanted.metric
        near(line["difference"], wanted.difference, 1e-9)
        near(line["p"], wanted.p_value, 0.02)
        for end, wanted_end in zip(line["ci"] or [], wanted.ci or [], strict=True):
            assert end == pytest.approx(wanted_end, abs=2e-6)
    tested = [line["p"] for line in found if line["p"] is not None]
    assert [p for p in corrected if p is not None] == pytest.approx(holm(tested))
    assert milliseconds < 2000
    result = json.loads((site_board.submission(first) / "results.json").read_text())
    by_name = {gm["gm"] + gm["set"]: gm["l1"] for gm in result["gms"].values()}
    sets = [name for name, test in known.sets.items() for _ in test]
    for gm, set_name, value in zip(gms, sets, l1, strict=True):
        assert value == pytest.approx(by_name[gm + set_name], abs=1e-12)


def near(found: Any, wanted: float | None, tolerance: float) -> None:
    if wanted is None:
        assert found is None
    else:
        assert found == pytest.approx(wanted, abs=tolerance)
