"""A small server for the calls that gmbench's use of the Hugging Face Hub leads to.

An unmodified `huggingface_hub` or `datasets` works against it with `HF_ENDPOINT` set to its
address and `HF_HUB_DISABLE_XET=1`. It takes every file as a small one, keeps what `main` holds and
one list of pull requests, and knows no history: how files travel is the library's own matter.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote

from tests.data.local_server import Handler, LocalServer, Refusal

_API = re.compile(r"/api/(model|dataset)s/([^/]+/[^/]+)(?:/([^/]+))?")
_RESOLVE = re.compile(r"/(?:(dataset)s/)?([^/]+/[^/]+)/resolve/[^/]+/(.+)$")


@dataclass
class PullRequest:
    """Files that somebody proposes, and why."""

    description: str
    files: dict[str, bytes]


@dataclass
class Repository:
    """What `main` holds, the titles of its commits, and the pull requests."""

    private: bool = False
    files: dict[str, bytes] = field(default_factory=dict)
    titles: list[str] = field(default_factory=list)
    pull_requests: list[PullRequest] = field(default_factory=list)

    @property
    def commit(self) -> str:
        facts = [self.titles, {path: _oid(data) for path, data in self.files.items()}]
        return hashlib.sha1(json.dumps(facts).encode()).hexdigest()


def _oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class _HubHandler(Handler):
    host: HubServer

    def route(self, method: str, path: str) -> Any:
        with self.host.lock:
            if path == "/api/repos/create":
                return self._create(json.loads(self.body))
            if path == "/api/validate-yaml":
                return {"errors": [], "warnings": []}
            if match := _RESOLVE.match(path):
                return self._send(self._repository(match[1] or "model", match[2]), match[3])
            if match := _API.match(path):
                repository = self._repository(match[1], match[2])
                answer = getattr(self, f"_{(match[3] or 'info').replace('-', '_')}", None)
                if answer is not None:
                    return answer(match[2], repository)
            raise Refusal(404, f"This small Hub does not speak {method} {path}")

    def _token(self) -> str:
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if given not in ("", self.host.token, self.host.read_token):
            raise Refusal(401, "Invalid credentials in Authorization header")
        return given

    def _may_write(self, namespace: str) -> None:
        if self._token() != self.host.token or namespace == "others":
            raise Refusal(
                403, f'You don\'t have the rights to write under the namespace "{namespace}"'
            )

    def _repository(self, kind: str, name: str) -> Repository:
        known, found = self._token(), self.host.repositories.get((kind, name))
        if found is None or (found.private and not known):
            # The Hub tells a stranger neither that a repository is private nor that there is none.
            raise Refusal(404 if known else 401, "Repository not found", "RepoNotFound")
        return found

    def _create(self, asked: dict[str, Any]) -> Any:
        namespace, kind = asked["organization"], asked.get("type", "model")
        if namespace not in self.host.namespaces:
            raise Refusal(404, f"Organization {namespace} not found")
        self._may_write(namespace)
        name = f"{namespace}/{asked['name']}"
        private = asked.get("visibility") == "private" or bool(asked.get("private"))
        self.host.repositories[kind, name] = Repository(private)
        return {"url": f"{self.host.url}/{name}", "name": name, "id": name}

    def _info(self, name: str, repository: Repository) -> Any:
        siblings = [{"rfilename": path} for path in repository.files]
        facts = {"id": name, "sha": repository.commit, "private": repository.private, "tags": []}
        return {**facts, "siblings": siblings, "downloads": 0, "likes": 0}

    def _revision(self, name: str, repository: Repository) -> Any:
        return self._info(name, repository)

    def _preupload(self, name: str, repository: Repository) -> Any:
        files = [
            {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
            | ({"oid": _oid(data)} if (data := repository.files.get(file["path"])) else {})
            for file in json.loads(self.body)["files"]
        ]
        return {"files": files}

    def _commit(self, name: str, repository: Repository) -> Any:
        lines = [json.loads(line) for line in self.body.splitlines()]
        header = next(line["value"] for line in lines if line["key"] == "header")
        put = {
            line["value"]["path"]: b64decode(line["value"]["content"])
            for line in lines
            if line["key"] == "file"
        }
        answer = {"commitUrl": f"{self.host.url}/{name}/commit/{repository.commit}"}
        if "create_pr" in self.query:
            repository.pull_requests.append(PullRequest(header.get("description", ""), put))
            number = len(repository.pull_requests)
            answer["pullRequestUrl"] = f"{self.host.url}/{name}/discussions/{number}"
        else:
            self._may_write(name.split("/")[0])
            repository.files |= put
            repository.titles.append(header["summary"])
            for line in lines:
                if line["key"] == "deletedFile":
                    del repository.files[line["value"]["path"]]
        return answer | {"commitOid": repository.commit}

    def _tree(self, name: str, repository: Repository) -> Any:
        folders = {path[:at] for path in repository.files for at, c in enumerate(path) if c == "/"}
        found = [{"type": "directory", "path": path, "size": 0, "oid": ""} for path in folders]
        found += [
            {"type": "file", "path": path, "size": len(data), "oid": _oid(data)}
            for path, data in repository.files.items()
        ]
        _, _, inside = unquote(self.path.split("?")[0]).partition("/tree/")[2].partition("/")
        found = [one for one in found if str(one["path"]).startswith(inside and inside + "/")]
        if self.query.get("recursive", "").lower() in ("true", "1"):
            return found
        return [one for one in found if "/" not in str(one["path"])[len(inside) + 1 :]]

    def _paths_info(self, name: str, repository: Repository) -> Any:
        wanted = parse_qs(self.body.decode()).get("paths", [])
        self.query["recursive"] = "true"
        return [one for one in self._tree(name, repository) if one["path"] in wanted]

    def _send(self, repository: Repository, path: str) -> None:
        data = repository.files.get(unquote(path))
        if data is None:
            raise Refusal(404, "Entry not found", "EntryNotFound")
        self.send_file(data, {"X-Repo-Commit": repository.commit, "ETag": f'"{_oid(data)}"'})


class HubServer(LocalServer):
    """The Hub; a context manager that starts and stops it.

    Attributes:
        token: Token that may write to `tester` and `org`.
        read_token: Token that may only read.
        namespaces: Users and organisations that there are; `others` is one nobody may write to.
        repositories: By (kind, id), such as `("dataset", "org/name")`.
    """

    handler: ClassVar[type[Handler]] = _HubHandler
    token = "hf_write"
    read_token = "hf_read"
    namespaces = ("tester", "org", "others")

    def __init__(self) -> None:
        super().__init__()
        self.repositories: dict[tuple[str, str], Repository] = {}

    def dataset(self, name: str) -> Repository:
        """Returns a dataset repository."""
        return self.repositories["dataset", name]
