"""Files dropped on the page: the same checklist, word for word, as `gmbench validate` makes."""

from __future__ import annotations

import base64
import gzip
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gmbench.board.rows import BoardRows
from gmbench.board.serving import serving
from gmbench.errors import nearest_names
from gmbench.predictions.predictions import Predictions, validate_predictions, write_predictions
from tests.board.boards import tiny_benchmark
from tests.browser import ChromiumPage, chromium_page
from tests.evaluation.populations import random_predictions

pytestmark = pytest.mark.slow

RUN = """
async ([name, content, benchmark]) => {
  const { validate } = await import("/modules/check/validate.js");
  const all = await Promise.all(["tiny", "tiny-dm"].map(async (one) =>
    (await (await fetch(`/data/${one}.json`)).json()).check));
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  return validate(new File([bytes], name), all.find((one) => one.name === benchmark), all);
}
"""


@pytest.fixture(scope="module")
def browser(site: Path) -> Iterator[ChromiumPage]:
    with serving(site) as address, chromium_page() as opened:
        opened.page.goto(address)
        yield opened


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("good") / "good.csv"
    write_predictions(random_predictions(tiny_benchmark(), 1), path)
    return path.read_text().replace('"', "")


def cell(row: int, column: str, value: str) -> Callable[[str], str]:
    """Puts a value into one cell."""

    def change(text: str) -> str:
        lines = text.splitlines()
        at = lines[0].split(",").index(column)
        cells = lines[row].split(",")
        cells[at] = value
        lines[row] = ",".join(cells)
        return "\n".join(lines) + "\n"

    return change


def column(name: str, value: Callable[[str], str]) -> Callable[[str], str]:
    """Changes a whole column."""

    def change(text: str) -> str:
        lines = [line.split(",") for line in text.splitlines()]
        at = lines[0].index(name)
        for cells in lines[1:]:
            cells[at] = value(cells[at])
        return "\n".join(",".join(cells) for cells in lines) + "\n"

    return change


def drop_line(text: str) -> str:
    lines = text.splitlines()
    return "\n".join([*lines[:5], *lines[9:]]) + "\n"


def repeat(text: str) -> str:
    lines = text.splitlines()
    return "\n".join([*lines, *lines[3:17], *[lines[8]] * 4]) + "\n"


CASES: dict[str, Callable[[str], str | bytes]] = {
    "good": lambda text: text,
    "empty": lambda text: "",
    "blank": lambda text: " \n\n\t",
    "header alone": lambda text: text.splitlines()[0] + "\n",
    "png": lambda text: b"\x89PNG\r\n\x1a\n123",
    "json": lambda text: '{"a": 1}',
    "html": lambda text: "<!DOCTYPE html>",
    "zip": lambda text: b"PK\x03\x04....",
    "utf-16": lambda text: text.encode("utf-16"),
    "zeros": lambda text: b"a,b\0c\n1,2",
    "bom": lambda text: "\ufeff" + text,
    "crlf": lambda text: text.replace("\n", "\r\n"),
    "cr": lambda text: text.replace("\n", "\r"),
    "semicolons": lambda text: text.replace(",", ";"),
    "tabs": lambda text: text.replace(",", "\t"),
    "words": lambda text: "no separator here\nat all\n",
    "latin-1": lambda text: text.replace("AAE/000001", "ÄAE/000001").encode("latin-1"),
    "cut utf-8": lambda text: text.encode() + b"\xe2\x82",
    "broken utf-8": lambda text: text.encode()[:900] + b"\xf0\x9f\x98z" + text.encode()[900:],
    "surrogate": lambda text: text.encode()[:900] + b"\xed\xa0\x80" + text.encode()[900:],
    "overlong": lambda text: text.encode()[:901] + b"\xc0\x80" + text.encode()[901:],
    "empty lines": lambda text: text.replace("\n", "\n\n"),
    "short rows": lambda text: text.replace(",", "", 30),
    "long rows": lambda text: text.replace("\n", ",1\n", 15).replace(",1\n", "\n", 1),
    "quoted": lambda text: text.replace("AAE/000000", '"AAE/000000"'),
    "quoted header": lambda text: text.replace("image_id", '"image_id"', 1),
    "missing column": lambda text: text.replace("filters,", "filtres,", 1),
    "missing columns": lambda text: "image_id,layers\nAAE/000000,1\n",
    "extra columns": lambda text: text.replace("\n", ",1,2\n").replace(
        ",1,2\n", ",Unnamed: 0,it's\n", 1
    ),
    "nameless column": lambda text: "\n".join("," + line for line in text.splitlines()) + "\n",
    "repeated column": lambda text: text.replace("blocks,", "layers,", 1),
    "repeated twice": lambda text: text.replace("\n", ",1,2\n").replace(
        ",1,2\n", ",layers,blocks\n", 1
    ),
    "set column": lambda text: text.replace("\n", ",set_1\n").replace(",set_1\n", ",set\n", 1),
    "unknown GM": cell(1, "image_id", "AEA/000000"),
    "far GM": cell(1, "image_id", "Qwxyz/000000"),
    "no GM": cell(1, "image_id", "000000"),
    "odd id": cell(1, "image_id", "it's \u202e\u00e9\u4e2d\\/000000"),
    "training GM": cell(1, "image_id", "WGAN_WC/000000"),
    "five digits": cell(1, "image_id", "AAE/00000"),
    "number too high": cell(1, "image_id", "AAE/000003"),
    "other GMs": column("image_id", lambda cell: "x" + cell),
    "lines dropped": drop_line,
    "repeated": repeat,
    "one set": lambda text: "\n".join(
        line for line in text.splitlines() if line.startswith(("image_id", "AAE", "ADV_FACES"))
    ),
    "missing values": column("layers", lambda cell: "NaN"),
    "blank value": cell(4, "filters", " "),
    "words for numbers": cell(4, "filters", "many"),
    "thousands": cell(4, "filters", '"1,000"'),
    "infinite": cell(4, "filters", "-inf"),
    "infinity": cell(4, "loss_l1", "Infinity"),
    "overflow": cell(4, "filters", "1e999"),
    "far": cell(4, "filters", "1e15"),
    "plus": cell(4, "filters", "+5"),
    "point": cell(4, "filters", ".5"),
    "trailing point": cell(4, "filters", "5."),
    "hexadecimal": cell(4, "filters", "0x10"),
    "blanks around": cell(4, "filters", " 7 "),
    "class misspelt": cell(4, "last_nonlinearity", "LeakyReLU"),
    "class index": cell(4, "last_nonlinearity", "2"),
    "class index as float": cell(4, "last_nonlinearity", "2.0"),
    "class index too high": cell(4, "last_nonlinearity", "9"),
    "class half": cell(4, "last_nonlinearity", "1.5"),
    "class missing": cell(4, "last_nonlinearity", "None"),
    "class called none": cell(4, "normalization", "none"),
    "class called None": cell(4, "normalization", "None"),
    "class true": cell(4, "skip_connection", "True"),
    "class yes": cell(4, "skip_connection", "YES"),
    "loss logit": column("loss_ce", lambda cell: "-3.2"),
    "loss true": cell(4, "loss_ce", "TRUE"),
    "loss word": cell(4, "loss_ce", "yes"),
    "normalised": column("parameters", lambda cell: "0.5"),
    "normalised and far": lambda text: cell(3, "parameters", "1e99")(
        column("parameters", lambda cell: "0.5")(text)
    ),
    "everything": lambda text: cell(9, "loss_l2", "7")(
        cell(5, "upsampling", "interp")(cell(4, "filters", "")(repeat(drop_line(text))))
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_same_checklist(
    case: str, browser: ChromiumPage, good: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = CASES[case](good)
    data = content.encode() if isinstance(content, str) else content
    monkeypatch.chdir(tmp_path)
    Path("file.csv").write_bytes(data)
    expected = validate_predictions("file.csv", tiny_benchmark()).checklist.to_dict()
    assert checklist(browser, data) == expected
    assert case == "good" or not expected["ok"] or case in OK_TOO


OK_TOO = {
    "empty lines", "quoted", "quoted header", "set column", "plus", "point", "trailing point",
    "blanks around", "class index", "class index as float", "class called none", "class true",
    "loss true", "class called None",
}  # fmt: skip


def checklist(browser: ChromiumPage, data: bytes, benchmark: str = "tiny") -> Any:
    encoded = base64.b64encode(data).decode()
    return browser.page.evaluate(RUN, ["file.csv", encoded, benchmark])


def test_overlapping_sets(
    browser: ChromiumPage, rows: BoardRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = rows.benchmarks[1].benchmark
    predictions: Predictions = random_predictions(known, 4)
    monkeypatch.chdir(tmp_path)
    write_predictions(predictions, Path("file.csv"))
    text = Path("file.csv").read_text()
    for content in (text, text.replace("set_2", "set_9"), text.replace(",set,", ",sett,", 1)):
        Path("file.csv").write_text(content)
        expected = validate_predictions("file.csv", known).checklist.to_dict()
        assert checklist(browser, content.encode(), "tiny-dm") == expected


def test_gzip(
    browser: ChromiumPage, good: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    packed = gzip.compress(good.encode())
    Path("file.csv").write_bytes(packed)
    expected = validate_predictions("file.csv", tiny_benchmark()).checklist.to_dict()
    assert checklist(browser, packed) == expected
    damaged = checklist(browser, packed[:-200])
    assert damaged["checks"][0]["status"] == "error"
    parquet = checklist(browser, b"PAR1....")
    assert "Parquet, which this page does not read" in parquet["checks"][0]["message"]


def test_nearest_names_are_pythons(browser: ChromiumPage) -> None:
    known = [gm.name for gm in tiny_benchmark().gms]
    generator = random.Random(0)
    words = []
    for name in known * 3:
        letters = list(name)
        for _ in range(generator.randrange(1, 5)):
            place = generator.randrange(len(letters) + 1)
            letters[place : place + generator.randrange(2)] = generator.choice("AEX_1")
        words.append("".join(letters))
    found = browser.page.evaluate(
        """async ([words, known]) => {
          const { nearestName } = await import("/modules/check/nearest.js");
          return words.map((word) => nearestName(word, known));
        }""",
        [words, known],
    )
    assert found == [next(iter(nearest_names(word, known, most=1)), "") for word in words]


def test_dropped_on_the_page(browser: ChromiumPage, good: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(good.replace("transposed_conv", "transpose_conv", 1))
    browser.page.set_input_files("#file", path)
    browser.page.locator(".checks .verdict").wait_for()
    text = browser.page.locator(".checks").inner_text()
    assert "mine.csv fails 1 check of" in text
    assert "is it transposed_conv?" in text
    assert not [url for url in browser.requests if "mine" in url]
