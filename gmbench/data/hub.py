"""Pushes a built dataset folder to a dataset repository of the Hugging Face Hub.

Every byte is checked against `checksums.sha256` before anything leaves the machine, only what
differs from the Hub's copy is sent, and the Hub's copy is compared with the folder afterwards.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gmbench.data.hub_errors import explained
from gmbench.data.pushable import Advance, CheckedFolder, LocalFile, benchmark_of, check_folder
from gmbench.errors import HubError

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import DatasetInfo, RepoFile

RESTRICTED = ("red116", "red140")
"""Beginnings of the names of benchmarks whose images are the paper authors'."""

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?")
_FEW = 100
"""So many files are named to huggingface_hub one by one."""

_FIRST = 10
"""So many offenders are named; the others are counted."""


@dataclass(frozen=True, slots=True)
class PushResult:
    """What a push did, or (`dry_run`) would do.

    Attributes:
        repository: Such as `org/name`.
        url: Its page on the Hub.
        commit: Name of the commit that holds the dataset; empty in a dry run that changes things.
        private: Whether only its owners can see it.
        created: Whether the repository is new.
        dry_run: Whether nothing was sent.
        files: Number of files of the dataset.
        bytes: Their size together.
        uploaded: Paths of the files that were sent.
        uploaded_bytes: Their size together.
        unchanged: Number of files that the Hub already had.
        removed: Paths under `data/` that are no longer in the dataset and were removed.
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
    uploaded: tuple[str, ...]
    uploaded_bytes: int
    unchanged: int
    removed: tuple[str, ...]
    left_out: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Returns the same as plain data, for JSON."""
        return asdict(self)


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
    advance: Advance | None = None,
) -> PushResult:
    """Checks a dataset folder and makes a dataset repository of the Hub equal to it.

    Args:
        repository: `namespace/name`; made if it does not exist.
        folder: A folder that `gmbench data build` made.
        private: Whether a new repository is private; an existing one must then be private already.
        has_permission: Whether the authors of a restricted benchmark's images allow publishing.
        message: Title of the commit; by default benchmark and version.
        dry_run: Asks the Hub what it has, changes nothing, and says what would be sent.
        endpoint: Address of the Hub; by default `HF_ENDPOINT` or `https://huggingface.co`.
        token: By default the one that `hf auth login` stored, or `HF_TOKEN`.
        timeout: Seconds to wait for the Hub's first answer.
        show_bars: Whether huggingface_hub shows its own bars while it uploads.
        advance: Called while the folder is checked.

    Raises:
        DatasetError: The folder is not a whole dataset.
        HubError: The name is no repository's, the push is not allowed, or the Hub refused.
    """
    import huggingface_hub

    check_repository_name(repository)
    if not (private or has_permission):
        _refuse_restricted(folder)
    token = token or huggingface_hub.get_token()
    if not token:
        raise HubError(
            "There is no Hugging Face token on this computer. Make one with write access at "
            "https://huggingface.co/settings/tokens, then log in with `hf auth login` or set "
            "HF_TOKEN."
        )
    # The checks above take no time, this one may take minutes; nothing is sent before it is done.
    checked = check_folder(folder, advance)
    api = huggingface_hub.HfApi(endpoint=endpoint, token=token, library_name="gmbench")
    with explained(api.endpoint, repository):
        found = _look_up(api, repository, timeout)
        if found is not None and private:
            _require_private(found, repository, api.endpoint)
        theirs = _files_of(api, repository, found.sha) if found is not None else {}
        changed = [file for file in checked.files if not _is_same(file, theirs)]
        paths = {file.path for file in checked.files}
        stale = [path for path in theirs if path.startswith("data/") and path not in paths]
        commit = (found.sha or "") if found is not None and not (changed or stale) else ""
        if not dry_run:
            if found is None:
                api.create_repo(repository, repo_type="dataset", private=private)
                if private:
                    made = _look_up(api, repository, timeout)
                    _require_private(made, repository, api.endpoint)
            if changed or stale:
                title = message or f"{checked.benchmark} {checked.version}"
                commit = _upload(api, repository, checked, changed, stale, title, show_bars)
    return PushResult(
        repository=repository,
        url=f"{api.endpoint}/datasets/{repository}",
        commit=commit,
        private=bool(found.private) if found is not None else private,
        created=found is None,
        dry_run=dry_run,
        files=len(checked.files),
        bytes=sum(file.bytes for file in checked.files),
        uploaded=tuple(file.path for file in changed),
        uploaded_bytes=sum(file.bytes for file in changed),
        unchanged=len(checked.files) - len(changed),
        removed=tuple(stale),
        left_out=checked.left_out,
    )


def check_repository_name(repository: str) -> None:
    """Checks that a name is `namespace/name` as the Hub allows it.

    Raises:
        HubError: It is not; says what it should look like.
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


def _is_name(part: str) -> bool:
    return bool(_NAME.fullmatch(part)) and "--" not in part and ".." not in part


def _refuse_restricted(folder: Path) -> None:
    if not (folder / "benchmark.json").is_file():
        return  # It is no dataset, which `check_folder` says better.
    benchmark, _ = benchmark_of(folder)
    if benchmark.casefold().startswith(RESTRICTED):
        raise HubError(
            f"{folder} holds {benchmark}, whose images belong to the authors of "
            "the paper and must not be published without their permission. Push it with "
            "--private, or, if they have given it to you, with --i-have-permission."
        )


def _require_private(found: DatasetInfo | None, repository: str, endpoint: str) -> None:
    if found is None or found.private is not True:
        raise HubError(
            f"{repository} is public, but --private was asked for, so nothing was uploaded. Make "
            f"it private at {endpoint}/datasets/{repository}/settings, or push to another name."
        )


def _look_up(api: HfApi, repository: str, timeout: float) -> DatasetInfo | None:
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        return api.dataset_info(repository, timeout=timeout)
    except RepositoryNotFoundError as error:
        # With a token the Hub answers 404 where there is none; 401 is about the token itself.
        if error.response.status_code == 404:
            return None
        raise


def _files_of(api: HfApi, repository: str, revision: str | None) -> dict[str, RepoFile]:
    from huggingface_hub.hf_api import RepoFile

    entries = api.list_repo_tree(repository, recursive=True, revision=revision, repo_type="dataset")
    return {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}


def _is_same(file: LocalFile, theirs: dict[str, RepoFile]) -> bool:
    their = theirs.get(file.path)
    if their is None:
        return False
    if their.lfs is not None:
        return their.lfs.sha256 == file.sha256
    return their.blob_id == file.git_oid


def _upload(
    api: HfApi,
    repository: str,
    checked: CheckedFolder,
    changed: list[LocalFile],
    stale: list[str],
    title: str,
    show_bars: bool,
) -> str:
    sent, kept, removed = _patterns(checked, changed, stale)
    with _bars(show_bars):
        commit = api.upload_folder(
            repo_id=repository,
            repo_type="dataset",
            folder_path=checked.folder,
            allow_patterns=sent,
            ignore_patterns=kept,
            delete_patterns=removed,
            commit_message=title,
        )
    theirs = _files_of(api, repository, commit.oid)
    wrong = [file.path for file in checked.files if not _is_same(file, theirs)]
    if wrong:
        raise HubError(
            f"{repository} does not hold what was sent: {', '.join(wrong[:_FIRST])}. The folder "
            "changed during the push, or an upload went wrong. Push again."
        )
    return str(commit.oid)


def _patterns(
    checked: CheckedFolder, changed: list[LocalFile], stale: list[str]
) -> tuple[list[str], list[str], list[str]]:
    """Returns patterns of what to send, what to keep here and what to remove."""
    hidden = [".*", "*/.*"]
    if len(changed) + len(stale) <= _FEW:
        sent = [glob.escape(file.path) for file in changed]
        return sent, hidden, [glob.escape(path) for path in stale]
    # Every pattern is tried on every file, so many files go by folder; huggingface_hub leaves out
    # what has not changed, and removes only what is not sent.
    folders = {
        folder for folder, slash, _ in (f.path.rpartition("/") for f in checked.files) if slash
    }
    sent = [glob.escape(file.path) for file in checked.files if "/" not in file.path]
    sent += [f"{glob.escape(folder)}/*" for folder in sorted(folders)]
    return sent, [*hidden, *map(glob.escape, checked.left_out)], ["data/*"] if stale else []


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
