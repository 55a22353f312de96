"""What a Hub keeps: repositories, their commits and pull requests, and LFS objects; in memory.

`hub_server.py` puts HTTP in front of it. Nothing here knows about requests.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

LFS_SUFFIXES = (".parquet", ".arrow", ".zip", ".tar", ".gz", ".npz", ".safetensors", ".png", ".jpg")
LFS_SIZE = 10 * 1024 * 1024
"""Files that a new repository's .gitattributes, or their size in bytes, make LFS files."""

_GITATTRIBUTES = "".join(
    f"*{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LFS_SUFFIXES
)


@dataclass(frozen=True)
class Blob:
    """One file: its bytes, and whether git holds them (or a pointer to an LFS object)."""

    content: bytes
    lfs: bool = False

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def pointer(self) -> bytes:
        """What git stores for an LFS file."""
        lines = ("version https://git-lfs.github.com/spec/v1", f"oid sha256:{self.sha256}")
        return "\n".join((*lines, f"size {len(self.content)}", "")).encode()

    @property
    def git_oid(self) -> str:
        """The blob's name in git: SHA-1 of the bytes, or of an LFS file's pointer."""
        stored = self.pointer if self.lfs else self.content
        return hashlib.sha1(b"blob %d\0" % len(stored) + stored).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.git_oid


Tree = dict[str, Blob]


@dataclass(frozen=True)
class Commit:
    """A whole tree, who came before it, and why."""

    tree: Tree
    parent: str | None
    title: str
    description: str = ""
    date: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"))

    @property
    def oid(self) -> str:
        facts = [self.parent, self.title, self.date, {p: b.git_oid for p, b in self.tree.items()}]
        return hashlib.sha1(json.dumps(facts).encode()).hexdigest()


@dataclass
class Discussion:
    """A discussion or, with `is_pull_request`, a pull request, whose ref is `refs/pr/N`."""

    number: int
    title: str
    description: str
    author: str
    status: str
    is_pull_request: bool = True
    merge_commit: str | None = None
    comments: list[str] = field(default_factory=list)
    date: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"))

    @property
    def ref(self) -> str:
        return f"refs/pr/{self.number}"


class Repository:
    """A model, dataset or space repository.

    Attributes:
        kind: `model`, `dataset` or `space`.
        name: `namespace/name`.
        commits: All commits by their names.
        refs: Commit name of `main` and of each pull request's `refs/pr/N`.
    """

    def __init__(self, kind: str, name: str, *, private: bool = False) -> None:
        self.kind, self.name, self.private = kind, name, private
        self.namespace = name.split("/")[0]
        self.commits: dict[str, Commit] = {}
        self.refs: dict[str, str] = {}
        self.discussions: list[Discussion] = []
        self._append(
            "main", Commit({".gitattributes": Blob(_GITATTRIBUTES.encode())}, None, "first")
        )

    def _append(self, ref: str, commit: Commit) -> Commit:
        self.commits[commit.oid] = commit
        self.refs[ref] = commit.oid
        return commit

    def commit_at(self, revision: str) -> Commit | None:
        """Returns the commit of a branch, a pull request or a commit name."""
        return self.commits.get(self.refs.get(revision, revision))

    @property
    def files(self) -> dict[str, bytes]:
        """Bytes of every file on `main`, by path, without `.gitattributes`."""
        tree = self.commits[self.refs["main"]].tree
        return {path: blob.content for path, blob in tree.items() if path != ".gitattributes"}

    def write(self, ref: str, lines: list[dict[str, Any]], objects: dict[str, bytes]) -> Commit:
        """Makes a commit on a ref from the lines of a commit request.

        Raises:
            KeyError: An LFS object that the commit names was not uploaded.
        """
        before = self.commits[self.refs[ref]]
        tree, header = dict(before.tree), {"summary": "", "description": ""}
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                header = value
            elif line["key"] == "file":
                tree[value["path"]] = Blob(b64decode(value["content"]))
            elif line["key"] == "lfsFile":
                tree[value["path"]] = Blob(objects[value["oid"]], lfs=True)
            elif line["key"] == "deletedFile":
                del tree[value["path"]]
            elif line["key"] == "deletedFolder":
                folder = value["path"].rstrip("/") + "/"
                tree = {path: blob for path, blob in tree.items() if not path.startswith(folder)}
        made = Commit(tree, before.oid, header["summary"], header.get("description", ""))
        return self._append(ref, made)

    def open_discussion(
        self, title: str, description: str, author: str, *, status: str, changes: bool = True
    ) -> Discussion:
        """Opens a pull request at the present `main`, or, without `changes`, a discussion."""
        number = len(self.discussions) + 1
        opened = Discussion(number, title, description, author, status, changes)
        self.discussions.append(opened)
        if changes:
            self.refs[opened.ref] = self.refs["main"]
        return opened

    def merge(self, request: Discussion) -> None:
        """Puts a pull request's tree on `main`."""
        tree = self.commits[self.refs[request.ref]].tree
        made = self._append("main", Commit(tree, self.refs["main"], request.title))
        request.status, request.merge_commit = "merged", made.oid

    def log(self, revision: str) -> list[tuple[str, Commit]]:
        """Returns the commits of a revision with their names, newest first."""
        found: list[tuple[str, Commit]] = []
        commit = self.commit_at(revision)
        while commit is not None:
            found.append((commit.oid, commit))
            commit = self.commits.get(commit.parent or "")
        return found


def upload_mode(path: str, size: int) -> str:
    """Returns `lfs` or `regular`, as the Hub decides by a file's name and size."""
    return "lfs" if path.endswith(LFS_SUFFIXES) or size > LFS_SIZE else "regular"
