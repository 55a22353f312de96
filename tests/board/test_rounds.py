"""A live round from beginning to end, on images that are made up."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from syrupy.assertion import SnapshotAssertion
from typer.testing import CliRunner

from gmbench.benchmark.benchmark import read_benchmark
from gmbench.board import revealing, rounds
from gmbench.board.board import Board, BoardError
from gmbench.board.entries import check_entry
from gmbench.board.keeping import check_kept
from gmbench.board.revealing import check_revealed, reveal_round
from gmbench.board.rounds import Builder, new_round, zoo_builder
from gmbench.board.rows import read_rows, submitted_rows
from gmbench.board.sealing import close_round, open_entry, seal_entry
from gmbench.board.site import build_site
from gmbench.board.site.json_data import board_data
from gmbench.board.submission import submit
from gmbench.board.submission_card import read_card
from gmbench.board.verification import verify
from gmbench.cli.app import app
from gmbench.errors import BenchmarkError
from gmbench.evaluation.evaluate import evaluate
from gmbench.predictions.predictions import Predictions
from gmbench.schema import NAMES, PARAMETERS
from tests.board.boards import benchmark_folder, digest, facts
from tests.board.live_rounds import SECRET, begin, entry, opened, secret_order
from tests.data.fake_images import small_benchmark
from tests.evaluation.populations import random_predictions


def test_what_is_published_tells_nothing(tmp_path: Path, build: Builder) -> None:
    board = begin(tmp_path, build)
    folder = board.folder / "rounds" / "round-1"
    assert set(digest(board.folder)) == {
        "rounds", "rounds/round-1", "rounds/round-1/round.json", "rounds/round-1/images.parquet",
        "rounds/round-1/template.csv",
    }  # fmt: skip
    everything = b"".join(path.read_bytes() for path in folder.iterdir())
    for name in (*small_benchmark().index, SECRET):
        assert name.encode() not in everything
    table = pq.read_table(folder / "images.parquet").to_pylist()
    ids = [row["image_id"] for row in table]
    assert ids == [f"round-1/{number:06d}" for number in range(18)]
    # The images are those of the dataset, byte for byte, in another order.
    true = secret_order(tmp_path)
    assert sorted(true) != true
    kept = {}
    for shard in (tmp_path / "hidden" / "data").rglob("*.parquet"):
        for row in pq.read_table(shard, columns=["image_id", "image"]).to_pylist():
            kept[row["image_id"]] = row["image"]["bytes"]
    assert [row["image"]["bytes"] for row in table] == [kept[one] for one in true]
    described = json.loads((folder / "round.json").read_text())
    assert described["images"] == 18
    assert len(described["commitment"]) == 64


def test_reveal(tmp_path: Path, build: Builder) -> None:
    board = begin(tmp_path, build)
    made = {
        "ann": entry(board, tmp_path, "ann", 1),
        "bob": entry(board, tmp_path, "bob", 2, "csv"),
    }
    entries = board.folder / "rounds" / "round-1" / "entries"
    (entries / "carl").mkdir()
    (entries / "carl" / "card.yaml").write_text("name: !!python/name:os.system\n")
    (entries / "carl" / "predictions.csv").write_text("image_id\n")
    (entries / "dora").mkdir()
    (entries / "eve").symlink_to(entries / "ann")
    opened(board, tmp_path, "ann", "bob")
    revealed = reveal_round(board, "round-1", tmp_path / "secret", tmp_path / "hidden")
    assert revealed.scored == ("ann", "bob")
    assert set(revealed.refused) == {"carl", "dora", "eve"}
    assert check_revealed(board, "round-1")
    assert verify(board, jobs=1).ok
    for who, predictions in made.items():
        result = json.loads((board.submission(who) / "results.json").read_text())
        benchmark = predictions.benchmark
        n_rows = sum(len(test) * 6 for test in benchmark.sets.values())
        assert (result["benchmark"], result["n_images"]) == ("round-1", n_rows)
        per_gm = {(gm["gm"], gm["set"]): gm["l1"] for gm in result["gms"].values()}
        rows = predictions.gms == benchmark.index["STYLEGAN_2"]
        truth = benchmark.normalise(benchmark.labels[benchmark.index["STYLEGAN_2"], :9])
        error = np.abs(benchmark.normalise(predictions.values.continuous[rows]) - truth).mean()
        assert per_gm["STYLEGAN_2", "set_2"] == pytest.approx(error)
    submit(random_predictions(made["ann"].benchmark, 9), facts("late"), board=board)
    (shown,) = board_data(read_rows(board, jobs=1))["benchmarks"].values()
    assert shown["open_labels"] is False
    sealed = {row["name"]: row["sealed"] for row in shown["rows"]}
    assert sealed == {"ann": True, "bob": True, "late": False}
    again = reveal_round(board, "round-1", tmp_path / "secret", tmp_path / "hidden")
    assert again.scored == ()
    assert {row.name for one in submitted_rows(board) for row in one.rows if row.sealed} == {
        "ann",
        "bob",
    }
    assert set(again.refused) == {"carl", "dora", "eve"}


def test_names_of_entries_steer_no_terminal(tmp_path: Path, build: Builder) -> None:
    board = begin(tmp_path, build)
    (board.folder / "rounds" / "round-1" / "entries" / "a\x1b[2J").mkdir(parents=True)
    opened(board, tmp_path)
    revealed = reveal_round(board, "round-1", tmp_path / "secret", tmp_path / "hidden")
    (why,) = revealed.refused.values()
    assert why.startswith(r"'a\x1b[2J' cannot be the name of an entry")


def test_labels_are_published_without_any_sound_entry(tmp_path: Path, build: Builder) -> None:
    board = begin(tmp_path, build)
    opened(board, tmp_path)
    revealed = reveal_round(board, "round-1", tmp_path / "secret", tmp_path / "hidden")
    assert (revealed.scored, revealed.refused) == ((), {})
    assert check_revealed(board, "round-1")


def test_commands(
    tmp_path: Path,
    build: Builder,
    monkeypatch: pytest.MonkeyPatch,
    snapshot: SnapshotAssertion,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rounds, "zoo_builder", lambda *_: build)
    Path("secret").write_text(SECRET)
    secret = ("--seed-file", "secret", "--data", "hidden")

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["leaderboard", "round", *arguments])
        return done.exit_code, done.output

    made = [run("new", "round-1", *secret)]
    board = Board(Path("leaderboard"))
    entry(board, tmp_path, "ann", 1)
    entry(board, tmp_path, "bob", 2, "csv")
    shutil.copy("ann.parquet", "mine.parquet")
    (board.folder / "rounds" / "round-1" / "entries" / "dora").mkdir()
    sealing = ("--name", "mine", "--nonce-file", "mine.nonce")
    made += [
        run("seal", "round-1", "mine.parquet", *sealing),
        run("validate", "round-1"),
        run("validate", "round-1", "ann"),
        run("open", "round-1", "bob.csv", "--name", "bob", "--nonce-file", "bob.nonce"),
        run("close", "round-1"),
        run("open", "round-1", "bob.csv", "--name", "bob", "--nonce-file", "bob.nonce"),
        run("open", "round-1", "ann.parquet", "--name", "bob", "--nonce-file", "bob.nonce"),
        run("validate", "round-1", "bob"),
        run("reveal", "round-1", *secret),
        run("check", "round-1"),
    ]
    assert [code for code, _ in made] == [0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0]
    text = "\n".join(text for _, text in made)
    assert re.sub(r"\b[0-9a-f]{16}([0-9a-f]{48})?\b", "HASH", text) == snapshot


@pytest.mark.slow
def test_the_zoo_makes_a_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the build of a real zoo, whose GMs learn nothing."""
    pytest.importorskip("torch")
    from tests.zoo.fake_kind import fake_plan

    asked: dict[str, object] = {}

    def plan(n_gms: int, images_per_gm: int, **more: object) -> object:
        asked.update(more)
        return replace(fake_plan(n_gms, images_per_gm), name="spring")

    monkeypatch.setattr("gmbench.zoo.plan.plan_zoo", plan)
    done: list[tuple[int, int | None]] = []
    board = Board(tmp_path / "leaderboard")
    build = zoo_builder("spring", 12, 4, 32, 1, progress=lambda what, n, m: done.append((n, m)))
    made = new_round(board, "spring", tmp_path / "secret", tmp_path / "data", build)
    assert (asked["size"], asked["name"], done[-1]) == (32, "spring", (12, 12))
    assert asked["seed"] != asked["content_seed"]
    assert made.n_images == 4 * made.n_gms
    template = pd.read_csv(made.folder / "template.csv")
    assert len(template) == made.n_images
    answer = dict(zip(NAMES, read_benchmark(tmp_path / "data").labels.mean(axis=0), strict=True))
    for parameter in PARAMETERS:
        known = answer[parameter.name]
        template[parameter.name] = known if parameter.type == "continuous" else round(known)
    file, nonce = tmp_path / "mine.csv", tmp_path / "nonce"
    template.to_csv(file, index=False)
    mine = seal_entry(board, "spring", "mine", file, nonce).parent
    card = {key: value for key, value in facts("mine").items() if key != "name"}
    (mine / "card.yaml").write_text(yaml.safe_dump(card))
    assert check_entry(board, "spring", "mine").ok
    close_round(board, "spring")
    open_entry(board, "spring", "mine", file, nonce)
    assert check_entry(board, "spring", "mine").ok
    revealed = reveal_round(board, "spring", tmp_path / "secret", tmp_path / "data")
    assert revealed.scored == ("mine",), revealed.refused
    assert check_revealed(board, "spring")
    assert verify(board, jobs=1).ok
    assert build_site(board, jobs=1).benchmarks == {"spring": (1, 0)}


def test_the_maker_is_bound(tmp_path: Path, build: Builder) -> None:
    board = begin(tmp_path, build)
    before = digest(board.folder)
    (tmp_path / "other").write_text("f" * 64)
    with pytest.raises(BoardError, match="Nothing was revealed"):
        reveal_round(board, "round-1", tmp_path / "other", tmp_path / "hidden")
    table = tmp_path / "hidden" / "gms.csv"
    table.write_text(table.read_text().replace("faces", "cats", 1))
    with pytest.raises(BoardError, match="Nothing was revealed"):
        reveal_round(board, "round-1", tmp_path / "secret", tmp_path / "hidden")
    assert digest(board.folder) == before


def test_what_was_revealed_is_checked_without_the_secret(tmp_path: Path, build: Builder) -> None:
    board = begin(tmp_path, build)
    entry(board, tmp_path, "ann", 1)
    with pytest.raises(BoardError, match="Is the round's name right"):
        check_revealed(board, "round-1")
    opened(board, tmp_path, "ann")
    reveal_round(board, "round-1", tmp_path / "secret", tmp_path / "hidden")
    path = board.folder / "rounds" / "round-1" / "revealed.json"
    data = json.loads(path.read_text())
    data["order"][:2] = reversed(data["order"][:2])
    path.write_text(json.dumps(data))
    assert not check_revealed(board, "round-1")
    path.write_text(json.dumps({**data, "salt": "no hex"}))
    assert not check_revealed(board, "round-1")
    path.write_text(json.dumps({"order": data["order"]}))
    with pytest.raises(BoardError, match="is damaged: it needs salt and order"):
        check_revealed(board, "round-1")


def test_refusals(tmp_path: Path, build: Builder) -> None:
    board = begin(tmp_path, build)
    inside = board.folder / "hidden"
    benchmark_folder(board.benchmarks / "tiny")
    for name, seed_file, data, said in (
        ("round-1", tmp_path / "secret", tmp_path / "h", "is there already"),
        ("../x", tmp_path / "secret", tmp_path / "h", "cannot be the name"),
        ("aux", tmp_path / "secret", tmp_path / "h", "no name that Windows reserves"),
        ("mini116-cv10", tmp_path / "secret", tmp_path / "h", "gmbench knows mini116-cv10"),
        ("tiny", tmp_path / "secret", tmp_path / "h", "is a benchmark already"),
        ("round-2", tmp_path / "secret", inside, "which is published"),
        ("round-2", board.folder / "secret", tmp_path / "h", "which is published"),
        ("round-2", tmp_path / "secret", tmp_path / "h", "holds the benchmark round-1"),
    ):
        with pytest.raises(BoardError, match=said):
            new_round(board, name, seed_file, data, build)
    with pytest.raises((BoardError, BenchmarkError)):
        reveal_round(board, "round-9", tmp_path / "secret", tmp_path / "hidden")


def test_scores_equal_an_evaluation_of_the_true_names(tmp_path: Path, build: Builder) -> None:
    board = begin(tmp_path, build)
    once = entry(board, tmp_path, "ann", 1)
    opened(board, tmp_path, "ann")
    reveal_round(board, "round-1", tmp_path / "secret", tmp_path / "hidden")
    result = json.loads((board.submission("ann") / "results.json").read_text())
    frame = once.to_pandas().drop(columns="set")
    parts = []
    for name, test in once.benchmark.sets.items():
        rows = frame[frame["image_id"].str.rpartition("/")[0].isin(test)]
        parts.append(rows.assign(set=name))
    expected = evaluate(pd.concat(parts), once.benchmark, replicates=0)
    assert result["summary"]["l1"]["mean"] == pytest.approx(expected.summary["l1"].mean)


def test_an_interrupted_revelation_loses_no_seal(
    tmp_path: Path, build: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = begin(tmp_path, build)
    entry(board, tmp_path, "ann", 1)
    entry(board, tmp_path, "bob", 2)
    opened(board, tmp_path, "ann", "bob")
    places = tmp_path / "secret", tmp_path / "hidden"
    real = revealing._score_entry

    def stopped(*given: Any) -> Predictions:
        if given[4] == "bob":
            raise KeyboardInterrupt
        return real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(revealing, "_score_entry", stopped)
        with pytest.raises(KeyboardInterrupt):
            reveal_round(board, "round-1", *places)
    made = reveal_round(board, "round-1", *places)
    assert (made.scored, made.refused) == (("bob",), {})
    made = reveal_round(board, "round-1", *places)
    assert (made.scored, made.refused) == ((), {})
    sealed = {row.name: row.sealed for one in submitted_rows(board) for row in one.rows}
    assert sealed == {"ann": True, "bob": True}


def test_a_row_is_sealed_if_all_its_seeds_are(tmp_path: Path, build: Builder) -> None:
    board = begin(tmp_path, build)
    made = entry(board, tmp_path, "ann", 1)
    opened(board, tmp_path, "ann")
    reveal_round(board, "round-1", tmp_path / "secret", tmp_path / "hidden")
    card = read_card(board.submission("ann") / "card.yaml")
    more = {"authors": card.authors, "training_data": card.training_data, "seed_of": "ann"}
    submit(random_predictions(made.benchmark, 9), facts("ann_2", **more), board=board)
    (row,) = (row for one in submitted_rows(board) for row in one.rows if row.name == "ann")
    assert len(row.seeds) == 2
    assert not row.sealed


def test_labels_of_a_running_round_are_its_makers(tmp_path: Path, build: Builder) -> None:
    """Somebody else's labels under its name would bar the round from being revealed."""
    board = begin(tmp_path, build)
    with pytest.raises(BoardError, match="round-1 is a round that is not revealed"):
        submit(
            random_predictions(read_benchmark(tmp_path / "hidden"), 1),
            facts("mine"),
            board=board,
            benchmark=tmp_path / "hidden",
        )
    assert not board.benchmarks.exists()
    proposed = Board(Path(shutil.copytree(board.folder, tmp_path / "proposed")))
    benchmark_folder(proposed.benchmarks / "round-1")
    assert "round-1 would be the labels" in check_kept(board, proposed).text()
