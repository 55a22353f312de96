"""The JSON in which the Hub describes repositories, files, refs and discussions."""

from __future__ import annotations

import hashlib
from typing import Any

import yaml

from tests.data.hub_store import Blob, Commit, Discussion, Repository, Tree

Json = dict[str, Any]


def prefix(kind: str) -> str:
    """Returns what stands before a repository's id in the address of its page."""
    return "" if kind == "model" else f"{kind}s/"


def entries(tree: Tree) -> list[Json]:
    """Returns all folders and files of a tree, as `tree` and `paths-info` list them."""
    folders = {path[:at] for path in tree for at, letter in enumerate(path) if letter == "/"}
    found: list[Json] = []
    for path in sorted(folders):
        oid = hashlib.sha1(path.encode()).hexdigest()
        found.append({"type": "directory", "path": path, "size": 0, "oid": oid})
    for path, blob in sorted(tree.items()):
        entry: Json = {"type": "file", "path": path, "size": len(blob.content)}
        entry["oid"] = blob.git_oid
        if blob.lfs:
            sizes = {"size": len(blob.content), "pointerSize": len(blob.pointer)}
            entry["lfs"] = {"oid": blob.sha256, **sizes}
        found.append(entry)
    return found


def repository_info(repository: Repository, commit: Commit, *, blobs: bool) -> Json:
    """Returns what `GET /api/{kind}s/ID` says; with `blobs` also sizes and hashes of the files."""
    siblings: list[Json] = []
    for entry in entries(commit.tree):
        if entry["type"] == "directory":
            continue
        sibling: Json = {"rfilename": entry["path"]}
        if blobs:
            sibling |= {"size": entry["size"], "blobId": entry["oid"]}
            if "lfs" in entry:
                sibling["lfs"] = {"sha256": entry["lfs"]["oid"], **entry["lfs"]}
        siblings.append(sibling)
    card = commit.tree.get("README.md", Blob(b"")).content.decode()
    front = card.split("---\n")[1] if card.startswith("---\n") else ""
    return {
        "_id": hashlib.sha1(repository.name.encode()).hexdigest()[:24],
        "id": repository.name,
        "author": repository.namespace,
        "sha": commit.oid,
        "lastModified": commit.date,
        "createdAt": commit.date,
        "private": repository.private,
        "gated": False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [],
        "cardData": yaml.safe_load(front) or {},
        "siblings": siblings,
    }


def refs(repository: Repository) -> Json:
    """Returns the branches and pull requests of a repository."""
    groups: Json = {"branches": [], "converts": [], "tags": [], "pullRequests": []}
    for ref, oid in repository.refs.items():
        group, full = ("branches", f"refs/heads/{ref}") if ref == "main" else ("pullRequests", ref)
        groups[group].append({"name": ref, "ref": full, "targetCommit": oid})
    return groups


def log_entry(oid: str, commit: Commit) -> Json:
    """Returns one line of a repository's history."""
    words = {"title": commit.title, "message": commit.description, "date": commit.date}
    return {"id": oid, "authors": [{"user": "tester"}], **words}


def comment(one: Discussion, number: int) -> Json:
    """Returns the description (number 0) or a comment of a discussion."""
    text = [one.description, *one.comments][number]
    data = {"edited": False, "hidden": False, "latest": {"raw": text}}
    event = {"id": f"{one.number}-{number}", "type": "comment", "createdAt": one.date}
    return event | {"author": {"name": one.author}, "data": data}


def discussion(repository: Repository, one: Discussion) -> Json:
    """Returns a discussion or pull request with its comments."""
    facts: Json = {
        "num": one.number,
        "title": one.title,
        "author": {"name": one.author},
        "status": one.status,
        "createdAt": one.date,
        "isPullRequest": one.is_pull_request,
        "repo": {"name": repository.name, "type": repository.kind},
        "events": [comment(one, number) for number in range(1 + len(one.comments))],
        "filesWithConflicts": [],
    }
    if one.is_pull_request:
        facts["changes"] = {"base": "refs/heads/main", "mergeCommitId": one.merge_commit}
    return facts
