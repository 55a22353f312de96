"""Scores on a model's page on the Hugging Face Hub, by a pull request to its repository.

The Hub reads `.eval_results/*.yaml` of a model's repository and shows each entry on the model's
page and on the leaderboard of the dataset that it names. The tasks are those of the dataset's
`eval.yaml`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import yaml

from gmbench.board.submission_card import Card
from gmbench.data.dataset_card import HUB_TASKS
from gmbench.data.hub import check_repository_name
from gmbench.data.hub_errors import explained, stored_token
from gmbench.errors import HubError


@dataclass(frozen=True, slots=True)
class PullRequest:
    """An opened pull request.

    Attributes:
        repository: The model's repository.
        path: The file that it adds or replaces.
        number: Its number.
        url: Its page.
    """

    repository: str
    path: str
    number: int
    url: str

    def to_dict(self) -> dict[str, Any]:
        """Returns the pull request as plain data."""
        return asdict(self)


def eval_results_text(card: Card, result: dict[str, Any], dataset: str) -> str:
    """Returns the text of `.eval_results/*.yaml`: one entry for each task that has a value.

    Args:
        card: The submission's card.
        result: The result, as `gmbench evaluate --json` prints it.
        dataset: The benchmark's dataset on the Hub, `ORG/NAME`.
    """
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    entries = []
    for task in HUB_TASKS:
        summary = result["summary"][task]
        if summary["mean"] is None:
            continue
        notes = f"{result['benchmark']} {result['version']}, protocol {result['protocol']}"
        if summary["ci"] is not None:
            low, high = summary["ci"]
            notes += f", 95% interval {low:.4f} to {high:.4f}"
        entries.append(
            EvalResultEntry(
                dataset_id=dataset,
                task_id=task,
                value=round(summary["mean"], 6),
                date=card.date.isoformat(),
                source_url=card.url,
                source_name="gmbench" if card.url else None,  # The Hub takes no name without a URL.
                notes=notes,
            )
        )
    text: str = yaml.safe_dump(
        eval_result_entries_to_yaml(entries), sort_keys=False, allow_unicode=True, width=90
    )
    return text


def open_pull_request(
    repository: str,
    dataset: str,
    card: Card,
    result: dict[str, Any],
    *,
    endpoint: str | None = None,
    token: str | None = None,
) -> PullRequest:
    """Proposes a submission's scores to a model's repository.

    Args:
        repository: The model's repository, `USER/MODEL`.
        dataset: The benchmark's dataset on the Hub, `ORG/NAME`.
        card: The submission's card.
        result: Its result.
        endpoint: URL of the Hub; by default `HF_ENDPOINT` or `https://huggingface.co`.
        token: Access token; by default the one that `hf auth login` stored, or `HF_TOKEN`.

    Raises:
        HubError: A name is not a valid repository name, there is no token, the Hub refused, or the
            predicted sets are not those of the dataset, whose scores the Hub compares.
    """
    import huggingface_hub

    if card.sets is not None:
        raise HubError(
            f"The Hub's leaderboard of {dataset} compares scores over its own sets; these are over "
            f"{card.sets}. Leave --hub or --sets out."
        )
    check_repository_name(repository)
    check_repository_name(dataset)
    token = token or stored_token()
    path = f".eval_results/gmbench-{card.benchmark}.yaml"
    text = eval_results_text(card, result, dataset)
    api = huggingface_hub.HfApi(endpoint=endpoint, token=token, library_name="gmbench")
    with explained(api.endpoint, repository, "Submit again"):
        made = api.create_commit(
            repository,
            [huggingface_hub.CommitOperationAdd(path, text.encode())],
            commit_message=f"Add gmbench results on {card.benchmark}",
            commit_description=(
                f"Scores of {card.title} on {result['benchmark']} {result['version']} under "
                f"protocol {result['protocol']} of gmbench, from predictions with SHA-256 "
                f"{result['manifest']['predictions_sha256']}."
            ),
            repo_type="model",
            create_pr=True,
        )
    if made.pr_num is None or made.pr_url is None:
        raise HubError(f"{api.endpoint} took the files but opened no pull request.")
    return PullRequest(repository, path, made.pr_num, made.pr_url)
