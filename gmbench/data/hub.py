"""Pushes a built dataset folder to a dataset repository on the Hugging Face Hub.

Every byte is checked against `checksums.sha256` before anything leaves the machine. What to send,
how, and how to resume an interrupted push is left to `huggingface_hub`.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gmbench.benchmark.benchmark import Benchmark, read_benchmark
from gmbench.benchmark.catalog import is_published
from gmbench.data.checksums import CHECKSUMS, compare_files, read_checksums
from gmbench.data.hub_errors import explained, stored_token
from gmbench.errors import DatasetError, HubError
from gmbench.progress import Progress

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import DatasetInfo

REQUIRED = ("README.md", "gms.csv", "benchmark.json")
"""Files that a dataset folder has besides its checksums and `data/`."""

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?")
_FIRST = 10
"""Number of offenders that are named; the others are counted."""


@dataclass(frozen=True, slots=True)
class PushResult:
    """What a push did or, with `dry_run`, would do.

    Attributes:
        repository: Name of the repository, such as `org/name`.
        url: Its page on the Hub.
        commit: Id of the commit that holds the dataset; empty in a dry run.
        private: Whether only its owners can see it.
        created: Whether the repository is new.
        dry_run: Whether nothing was sent.
        files: Number of files of the dataset.
        bytes: Their total size.
        left_out: Paths of files in the folder that are not in its checksums; they are never sent.
    """

    repository: str
    url: str
    commit: str
    private: bool
    created: bool
    dry_run: bool
    files: int
    bytes: int
    left_out: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the result as plain data, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class CheckedFolder:
    """A dataset folder whose bytes match its checksums.

    Attributes:
        folder: Path of the folder.
        benchmark: The benchmark that it holds.
        files: Size, and time of the last change in nanoseconds, of each file of the dataset,
            including the checksums, by path.
        left_out: Paths of files in the folder that are not in its checksums, except hidden ones.
    """

    folder: Path
    benchmark: Benchmark
    files: dict[str, tuple[int, int]]
    left_out: tuple[str, ...]


def push_dataset(
    repository: str,
    folder: Path,
    *,
    private: bool = False,
    has_permission: bool = False,
    message: str = "",
    dry_run: bool = False,
    endpoint: str | None = None,
    token: str | None = None,
    timeout: float = 30.0,
    show_bars: bool = False,
    progress: Progress | None = None,
) -> PushResult:
    """Checks a dataset folder and pushes it to a dataset repository on the Hub.

    Args:
        repository: `namespace/name`; created if it does not exist.
        folder: A folder that `gmbench data build` made.
        private: Whether a new repository is private; an existing one must then be private already.
        has_permission: Whether the authors of the paper's images allow publishing them.
        message: Title of the commit; by default the benchmark and its version.
        dry_run: Check everything and ask the Hub whether the repository exists, but send nothing.
        endpoint: URL of the Hub; by default `HF_ENDPOINT` or `https://huggingface.co`.
        token: By default the one that `hf auth login` stored, or `HF_TOKEN`.
        timeout: Seconds to wait for the Hub's first answer.
        show_bars: Whether huggingface_hub shows its own progress bars during the upload.
        progress: Called while the folder is checked.

    Raises:
        DatasetError: The folder is not a complete dataset.
        BenchmarkError: Its label table is damaged.
        HubError: The name of the repository is invalid, the push is not allowed, or the Hub
            refused.
    """
    import huggingface_hub

    check_repository_name(repository)
    if (folder / "benchmark.json").is_file() and not (private or has_permission):
        _refuse_authors_images(folder)
    token = token or stored_token()
    # The checks above take no time; this one may take minutes. Nothing is sent before it is done.
    checked = check_folder(folder, progress)
    api = huggingface_hub.HfApi(endpoint=endpoint, token=token, library_name="gmbench")
    commit = ""
    with explained(api.endpoint, repository), _bars(show_bars):
        found = _look_up(api, repository, timeout)
        if found is not None and private and found.private is not True:
            raise HubError(
                f"{repository} is public, but --private was asked for, so nothing was uploaded. "
                f"Make it private at {api.endpoint}/datasets/{repository}/settings, or push to "
                "another name."
            )
        if not dry_run:
            if found is None:
                api.create_repo(repository, repo_type="dataset", private=private)
            commit = _upload(api, repository, checked, message)
    return PushResult(
        repository=repository,
        url=f"{api.endpoint}/datasets/{repository}",
        commit=commit,
        private=bool(found.private) if found is not None else private,
        created=found is None,
        dry_run=dry_run,
        files=len(checked.files),
        bytes=sum(size for size, _ in checked.files.values()),
        left_out=checked.left_out,
    )


def check_repository_name(repository: str) -> None:
    """Checks that a name has the form `namespace/name` and is allowed by the Hub.

    Raises:
        HubError: The name is not; the message says what it should look like.
    """
    namespace, slash, name = repository.partition("/")
    if slash and _is_name(namespace) and _is_name(name):
        return
    parts = [part for part in re.split(r"[:/\s]+", repository) if part]
    hint = ""
    if "datasets" in parts and len(parts) > parts.index("datasets") + 2:
        at = parts.index("datasets")
        hint = f" Write {parts[at + 1]}/{parts[at + 2]} instead."
    raise HubError(
        f"{repository!r} is not the name of a repository. It is ORG/NAME, such as "
        "my-lab/gm-parsing: your user name or organisation, one slash, and letters, digits, "
        f"`-`, `_` and `.`, 96 at most.{hint}"
    )


def check_folder(folder: Path, progress: Progress | None = None) -> CheckedFolder:
    """Reads a dataset folder and compares every file with its checksum.

    `gmbench data verify` is the deeper check, which also opens the images.

    Raises:
        DatasetError: The folder is not a dataset, or not the one its checksums describe; the
            message lists what is wrong.
        BenchmarkError: Its label table is damaged.
    """
    promised = read_checksums(folder)
    problems = [f"{name} is not in {CHECKSUMS}" for name in REQUIRED if name not in promised]
    if not any(path.startswith("data/") for path in promised):
        problems.append(f"{CHECKSUMS} names nothing in data/")
    compared = compare_files(folder, promised, progress)
    problems += [f"{path} is missing" for path in compared.missing]
    problems += [
        f"{path} is not the file that was built (its SHA-256 differs)" for path in compared.changed
    ]
    if problems:
        raise DatasetError(_listed(folder, problems))
    return CheckedFolder(
        folder=folder,
        benchmark=read_benchmark(folder),
        files=_state(folder, [*promised, CHECKSUMS]),
        left_out=compared.further,
    )


def _is_name(part: str) -> bool:
    return bool(_NAME.fullmatch(part)) and "--" not in part and ".." not in part


def _refuse_authors_images(folder: Path) -> None:
    """Refuses GMs of the paper, recognised by their labels, whatever the folder is called."""
    benchmark = read_benchmark(folder)
    published = [gm.name for gm in benchmark.gms if is_published(gm)]
    if published:
        raise HubError(
            f"{folder} holds GMs of the paper ({len(published)} of {len(benchmark.gms)}, such as "
            f"{published[0]}), whose images belong to their authors and must not be published "
            "without their permission. Push it with --private, or, if they have given it to you, "
            "with --i-have-permission."
        )


def _look_up(api: HfApi, repository: str, timeout: float) -> DatasetInfo | None:
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        return api.dataset_info(repository, timeout=timeout)
    except RepositoryNotFoundError as error:
        # With a token, the Hub answers 404 if there is none; 401 is about the token itself.
        if error.response.status_code == 404:
            return None
        raise


def _upload(api: HfApi, repository: str, checked: CheckedFolder, message: str) -> str:
    made = api.upload_folder(
        repo_id=repository,
        repo_type="dataset",
        folder_path=checked.folder,
        allow_patterns=[glob.escape(path) for path in checked.files],
        delete_patterns=["data/*"],  # Deletes those that are not sent.
        commit_message=message or f"{checked.benchmark.name} {checked.benchmark.version}",
    )
    now = _state(checked.folder, list(checked.files))
    changed = [path for path, state in checked.files.items() if now.get(path) != state]
    if changed:
        raise HubError(
            f"{repository} does not hold what was checked: {', '.join(changed[:_FIRST])} changed "
            "during the push. Push again."
        )
    return str(made.oid)


def _state(folder: Path, paths: list[str]) -> dict[str, tuple[int, int]]:
    found = {path: (folder / path).stat() for path in paths if (folder / path).is_file()}
    return {path: (status.st_size, status.st_mtime_ns) for path, status in found.items()}


def _listed(folder: Path, problems: list[str]) -> str:
    more = f"\n  and {len(problems) - _FIRST} more" if len(problems) > _FIRST else ""
    lines = "\n".join(f"  {problem}" for problem in problems[:_FIRST])
    return (
        f"{folder} is not the dataset that was built, so nothing was sent:\n{lines}{more}\n"
        f"Build it again with `gmbench data build`, or look closer with `gmbench data verify`."
    )


@contextmanager
def _bars(show: bool) -> Iterator[None]:
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    if show or are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()
