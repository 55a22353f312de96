"""Scores proposed to a model's page, on a small Hub with an unmodified huggingface_hub."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import EvalResultEntry, HfApi
from huggingface_hub._eval_results import parse_eval_result_entries

from gmbench.board.board import Board
from gmbench.board.pull_request import eval_results_text, open_pull_request
from gmbench.board.submission_card import read_card
from gmbench.data.dataset_card import HUB_TASKS, eval_text
from gmbench.errors import HubError
from gmbench.predictions.writing import write_predictions
from tests.board.boards import benchmark_folder, digest, tiny_benchmark
from tests.commands import Done, gmbench
from tests.data.hub_server import HubServer
from tests.evaluation.populations import random_predictions

DATASET = "org/gm-parsing"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    with HubServer() as server:
        HfApi(endpoint=server.url, token=server.token).create_repo("tester/model")
        yield server


def made(board: Board) -> tuple[Any, dict[str, Any]]:
    folder = board.submission("alpha")
    return read_card(folder / "card.yaml"), json.loads((folder / "results.json").read_text())


def test_the_text_is_the_hubs(pristine_board: Board) -> None:
    card, result = made(pristine_board)
    data = yaml.safe_load(eval_results_text(card, result, DATASET))
    entries = parse_eval_result_entries(data)
    assert all(isinstance(entry, EvalResultEntry) for entry in entries)
    assert [entry.task_id for entry in entries] == list(HUB_TASKS)
    for entry in entries:
        assert entry.dataset_id == DATASET
        assert entry.value == pytest.approx(result["summary"][entry.task_id]["mean"], abs=1e-6)
        assert entry.source_url == card.url
        assert "protocol 2, 95% interval" in (entry.notes or "")
    # The tasks are those that the dataset's own `eval.yaml` declares.
    declared = yaml.safe_load(eval_text(tiny_benchmark()))["tasks"]
    assert [task["id"] for task in declared] == [entry.task_id for entry in entries]


def test_a_baseline_needs_no_address_here_either(pristine_board: Board) -> None:
    card, result = made(pristine_board)
    card = card.model_copy(update={"url": None, "recipe": "full"})
    entries = parse_eval_result_entries(yaml.safe_load(eval_results_text(card, result, DATASET)))
    assert [entry.task_id for entry in entries] == list(HUB_TASKS)
    assert {entry.source_url for entry in entries} == {None}


def test_pull_request(hub: HubServer, pristine_board: Board) -> None:
    card, result = made(pristine_board)
    opened = open_pull_request(
        "tester/model", DATASET, card, result, endpoint=hub.url, token=hub.token
    )
    repository = hub.repositories["model", "tester/model"]
    (request,) = repository.pull_requests
    assert (opened.number, opened.url) == (1, f"{hub.url}/tester/model/discussions/1")
    assert opened.path not in repository.files
    text = request.files[".eval_results/gmbench-tiny.yaml"].decode()
    assert text == eval_results_text(card, result, DATASET)
    assert result["manifest"]["predictions_sha256"] in request.description


@pytest.mark.parametrize(
    ("repository", "dataset", "said"),
    [
        ("model", DATASET, "not the name of a repository"),
        ("tester/model", "gm-parsing", "not the name of a repository"),
        ("others/model", DATASET, "others/model"),
        ("tester/nothing", DATASET, "tester/nothing"),
    ],
)
def test_refused(
    hub: HubServer, pristine_board: Board, repository: str, dataset: str, said: str
) -> None:
    with pytest.raises(HubError, match=said):
        open_pull_request(
            repository, dataset, *made(pristine_board), endpoint=hub.url, token=hub.token
        )


@pytest.fixture
def command(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
    monkeypatch.setenv("HF_TOKEN", hub.token)
    card = (
        "--name", "mine", "--authors", "A. Author, B. Author", "--url", "https://example.org",
        "--training-data", "benchmark", "--date", "2026-01-02",
    )  # fmt: skip

    def run(*more: str) -> Done:
        submit = ("submit", "mine.parquet", "--benchmark", "tiny", *card, *more)
        return gmbench(*submit, cwd=tmp_path, check=False, offline=False)

    return run


def test_command(command: Callable[..., Done], tmp_path: Path) -> None:
    write_predictions(random_predictions(tiny_benchmark(), 1), tmp_path / "mine.parquet")
    benchmark_folder(tmp_path / "tiny")
    before = digest(tmp_path)
    lacking = command("--hub", "tester/model")
    assert (lacking.returncode, lacking.stdout) == (2, "")
    assert "--hub needs --hub-dataset" in lacking.stderr
    lacking = command("--hub-dataset", DATASET)
    assert (lacking.returncode, lacking.stdout) == (2, "")
    assert "without --hub USER/MODEL" in lacking.stderr
    # The Hub refuses when all files are written: they go away again.
    refused = command("--hub", "others/model", "--hub-dataset", DATASET)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    after = {path: value for path, value in digest(tmp_path).items() if path[:4] != "home"}
    assert after == before
    done = command("--hub", "tester/model", "--hub-dataset", DATASET, "--json")
    assert done.stderr == ""
    said = json.loads(done.stdout)
    assert said["pull_request"]["number"] == 1
    assert said["pull_request"]["url"] in said["next"][-1]
    assert (tmp_path / "leaderboard" / "submissions" / "mine" / "card.yaml").is_file()
