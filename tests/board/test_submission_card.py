from __future__ import annotations

import datetime
import json
import time
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from gmbench.board.safe_yaml import CardError, parse_yaml, read_yaml
from gmbench.board.submission_card import Card, card_from, card_schema, card_text, read_card
from gmbench.board.title_form import title_form
from tests.board.boards import HOSTILE, facts

SCHEMA = Path(__file__).parents[2] / "leaderboard" / "card.schema.json"


def whole(**more: Any) -> dict[str, Any]:
    return {"benchmark": "red116", "version": "2023.1", **facts("my_method"), **more}


def test_committed_schema_is_the_models() -> None:
    assert json.loads(SCHEMA.read_text()) == card_schema()


def test_a_card_comes_back_from_its_text(tmp_path: Path) -> None:
    card = card_from(
        whole(
            title="FEN-PN ½ “quoted” <b>", notes="two\nlines: {a: b}", params=10**9,
            training_hours=3, seconds_per_image=0.25, license="MIT",
            paper="https://arxiv.org/abs/2106.07873",
        ),
        "card",
    )  # fmt: skip
    path = tmp_path / "card.yaml"
    path.write_text(card_text(card), encoding="utf-8")
    assert read_card(path) == card


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "../etc"), ("name", "a/b"), ("name", "a.b"), ("name", ".a"), ("name", ""),
        ("name", "a" * 65), ("name", "CON"), ("name", "lpt1"), ("name", "a\n"), ("name", None),
        ("name", "ä"), ("name", "reported-x"), ("name", "Reported_tiny-full"),
        ("title", "=SUM(A1)"), ("title", " a"), ("title", "a\u202eb"),
        ("title", "F\u0415N-PN"), ("title", "\u0391lpha"), ("title", "FE\u0336N"),
        ("title", "Method \u2460"), ("title", "Method \u2776"), ("title", "\uff21lpha"),
        ("title", "FEN-PN\u3164"), ("title", "FEN\u2800PN"), ("title", "FEN\u2028PN"),
        ("title", "a\x00"), ("title", "a\ud800"), ("authors", []), ("authors", "A"),
        ("authors", ["@a"]), ("authors", ["a"] * 101), ("url", "javascript:alert(1)"),
        ("url", "https://"), ("url", "https://a\"onload=x"), ("url", "https://u:p@example.org"),
        ("url", "https://[a"), ("url", "https://example.org/<b>"), ("url", "data:text/html,x"),
        ("date", "2026-01-02"), ("date", datetime.date.today() + datetime.timedelta(days=3)),
        ("date", datetime.date(1999, 1, 1)), ("training_data", "all"),
        ("params", -1), ("params", 1.5), ("params", True), ("training_hours", float("nan")),
        ("training_hours", float("inf")), ("training_hours", "3"), ("notes", "x" * 2001),
        ("hardware", "a\nb"), ("benchmark", "a/../b"), ("nmae", "x"), (7, "x"), (None, None),
    ],
)  # fmt: skip
def test_what_a_card_may_not_hold(key: str, value: Any) -> None:
    with pytest.raises(CardError) as raised:
        card_from(whole(**{"name": "x"}) | {key: value}, "card.yaml")
    assert str(key) in str(raised.value)
    assert len(str(raised.value)) < 600


def test_messages(snapshot: SnapshotAssertion) -> None:
    data = whole(
        nmae="x", trainign_hours=3, whatever=1, name="../a", title="=1", url="javascript:1",
        date="x", training_data="lables", params=-1, authors=["A", "-b"], paper=7,
    )  # fmt: skip
    del data["version"]
    with pytest.raises(CardError) as raised:
        card_from(data, "card.yaml")
    assert str(raised.value) == snapshot


def test_markup_is_text_to_a_card() -> None:
    card = card_from(whole(notes=HOSTILE, title="A" + HOSTILE[:70]), "card")
    assert card.notes == HOSTILE


@pytest.mark.parametrize(
    "title", ["β-VAE", "Модель 2", "Ärger", "Émile", "m²", "FEN-PN ½", "深層 GAN", "StyleGAN 2"]
)
def test_titles_of_any_language(title: str) -> None:
    assert card_from(whole(title=title), "card").title == title
    assert title_form(title)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("FEN-PN", "fen pn"), ("FEN-PN", "F\u0415N-PN"), ("Emile", "Émile"),
        ("Method 1", "Method l"), ("Method 1", "Method \u2460"), ("Method 10", "Method lO"),
        ("COPE", "\u0421\u041e\u0420\u0415"), ("Beta", "\uff22eta"),
        ("Method l", "Method \u01c0"), ("Null", "Nu\u01c1"), ("GAN!", "GAN\u01c3"),
        ("GAN\u2021", "GAN\u01c2"),
    ],
)  # fmt: skip
def test_titles_that_look_alike(one: str, other: str) -> None:
    assert title_form(one) == title_form(other)


def test_titles_that_do_not_look_alike() -> None:
    titles = ("Method 1", "Method 2", "FEN-PN", "FEN", "β-VAE", "VAE", "Модель 2", "Модель 3")
    assert len({title_form(title) for title in titles}) == len(titles)


BOMB = "a: &a [x, x]\n" + "\n".join(f"k{i}: &k{i} [*a, *a]" for i in range(9))


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "name: &x a",
        "name: *x",
        "name: !!python/object/apply:os.system ['true']",
        "name: !!str a",
        "name: !custom a",
        "<<: {a: b}\nname: [",
        "name: a\nname: b",
        "a: {b: 1, b: 2}",
        "name: a\n---\nname: b",
        "a: [[[[[[]]]]]]",
        "a: " + "[" * 30_000,
        "- a",
        "just words",
        "",
        "a: b: c",
        "a: \t- b\n\t- c",
        "date: 2026-02-31",
        "a: '\x01'",
        "%TAG ! tag:example.org,2000:\n--- !x\na: b",
        "{? {a: b} : c}",
        'title: "\\UFFFFFFFF"',
        "params: 1" + ":0" * 200 + ".",
    ],
)
def test_yaml_tricks_are_refused_quickly(text: str, snapshot: SnapshotAssertion) -> None:
    start = time.process_time()
    with pytest.raises(CardError) as raised:
        card_from(parse_yaml(text, "card.yaml"), "card.yaml")
    assert time.process_time() - start < 5
    assert str(raised.value).split("\n")[0] == snapshot


def test_large_unreadable_and_foreign_files(tmp_path: Path) -> None:
    path = tmp_path / "card.yaml"
    for content, said in ((b"a" * 65_000, "65,000 bytes"), (b"\xff\xfe", "not UTF-8")):
        path.write_bytes(content)
        with pytest.raises(CardError, match=said):
            read_yaml(path)
    with pytest.raises(CardError, match="cannot be read"):
        read_yaml(tmp_path)


def test_every_key_is_described() -> None:
    assert all(one.description for one in Card.model_fields.values())
