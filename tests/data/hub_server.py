"""A small Hugging Face Hub on 127.0.0.1, for tests: real HTTP, in memory, nothing mocked.

An unmodified `huggingface_hub` or `datasets` works against it with `HF_ENDPOINT` set to its
address and `HF_HUB_DISABLE_XET=1` (it speaks git LFS, not Xet's storage protocol):

    with HubServer() as hub:
        api = HfApi(endpoint=hub.url, token=hub.token)

What it speaks:

- accounts: `GET /api/whoami-v2`; a read token, a write token, one namespace a user may not write;
- repositories: `POST /api/repos/create`, `GET /api/{kind}s/ID[/revision/REV]`, `refs`, `commits`;
- reading: `tree/REV[/PATH]`, `paths-info/REV`, `GET|HEAD .../resolve/REV/PATH` with `Range`, ETags;
- writing: `validate-yaml`, `preupload/REV`, LFS batch, upload and verify, `commit/REV` (files, LFS
  files, deletions, `parentCommit`), both of them with `?create_pr=1`;
- pull requests and discussions: open, list, read, comment, change status, merge (`refs/pr/N`).

Error answers carry the Hub's own `X-Error-Code` and `X-Error-Message`. `fail`, `delay` and `cut`
make chosen requests go wrong (`local_server.py`); `requests` lists what came, `uploads` the sizes
of the LFS objects that were uploaded.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote

from tests.data import hub_answers as answers
from tests.data.hub_store import Commit, Repository, upload_mode
from tests.data.local_server import Handler, LocalServer, Refusal

_API = re.compile(r"/api/(model|dataset|space)s/([^/]+/[^/]+)(?:/([^/]+))?(?:/(.*))?$")
_RESOLVE = re.compile(r"/(?:(dataset|space)s/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)$")
_BATCH = re.compile(r"/(?:(dataset|space)s/)?([^/]+/[^/]+)\.git/info/lfs/objects/batch$")


@dataclass(frozen=True)
class User:
    """Whose token it is and where it may write."""

    name: str
    namespaces: tuple[str, ...]
    may_write: bool = True


class _HubHandler(Handler):
    host: HubServer

    def route(self, method: str, path: str) -> Any:
        with self.host.lock:
            return self._route(method, path)

    # -- who asks for what ----------------------------------------------------------------------

    def _route(self, method: str, path: str) -> Any:
        if path == "/api/whoami-v2":
            return self._whoami()
        if path == "/api/repos/create":
            return self._create()
        if path == "/api/validate-yaml":
            return {"errors": [], "warnings": []}
        if path.startswith("/lfs/"):
            return self._store(path.removeprefix("/lfs/"))
        if match := _BATCH.match(path):
            return self._batch(self._repository(match[1] or "model", match[2], writing=True))
        if match := _RESOLVE.match(path):
            repository = self._repository(match[1] or "model", match[2])
            return self._resolve(repository, unquote(match[3]), unquote(match[4]))
        if match := _API.match(path):
            kind, name, what, rest = match.groups()
            return self._repository_request(method, kind, name, what or "", rest or "")
        raise Refusal(404, f"This small Hub does not speak {method} {path}")

    def _repository_request(self, method: str, kind: str, name: str, what: str, rest: str) -> Any:
        writing = what in ("preupload", "commit") or (what == "discussions" and method == "POST")
        repository = self._repository(kind, name, writing=writing)
        if what == "discussions":
            return self._discussion(method, repository, rest)
        if what == "refs":
            return answers.refs(repository)
        if what not in ("", "revision", "preupload", "commit", "tree", "paths-info", "commits"):
            raise Refusal(404, f"This small Hub does not speak {what}")
        revision, _, path = rest.partition("/")
        revision, path = unquote(revision) or "main", unquote(path)
        commit = repository.commit_at(revision)
        if commit is None:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        if what == "preupload":
            return self._preupload(commit)
        if what == "commit":
            return self._commit(repository, revision)
        if what == "tree":
            return self._tree(commit, path)
        if what == "paths-info":
            wanted = parse_qs(self.body.decode()).get("paths", [])
            if self.headers.get("Content-Type", "").startswith("application/json"):
                wanted = json.loads(self.body)["paths"]
            return [entry for entry in answers.entries(commit.tree) if entry["path"] in wanted]
        if what == "commits":
            return [answers.log_entry(oid, one) for oid, one in repository.log(revision)]
        return answers.repository_info(repository, commit, blobs="blobs" in self.query)

    def _user(self) -> User | None:
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not given:
            return None
        if given not in self.host.users:
            raise Refusal(401, "Invalid credentials in Authorization header")
        return self.host.users[given]

    def _may_write(self, namespace: str) -> User:
        user = self._user()
        if user is None:
            raise Refusal(401, "Invalid username or password.")
        if not user.may_write or namespace not in user.namespaces:
            raise Refusal(
                403, f'You don\'t have the rights to write under the namespace "{namespace}"'
            )
        return user

    def _repository(self, kind: str, name: str, *, writing: bool = False) -> Repository:
        user, found = self._user(), self.host.repositories.get((kind, name))
        namespace = name.split("/")[0]
        if found is None or (found.private and (user is None or namespace not in user.namespaces)):
            # The Hub tells a stranger neither that a repository is private nor that there is none.
            raise Refusal(401 if user is None else 404, "Repository not found", "RepoNotFound")
        if writing and "create_pr" not in self.query:
            self._may_write(namespace)
        return found

    def _whoami(self) -> Any:
        user = self._user()
        if user is None:
            raise Refusal(401, "Invalid username or password.")
        role = "write" if user.may_write else "read"
        orgs = [{"name": name} for name in user.namespaces if name != user.name]
        token = {"type": "access_token", "accessToken": {"displayName": "test", "role": role}}
        return {"type": "user", "name": user.name, "orgs": orgs, "auth": token}

    def _create(self) -> Any:
        asked = json.loads(self.body)
        namespace = asked.get("organization") or self._may_write("tester").name
        kind, name = asked.get("type", "model"), f"{namespace}/{asked['name']}"
        if namespace not in self.host.namespaces:
            raise Refusal(404, f"Organization {namespace} not found")
        self._may_write(namespace)
        page = f"{self.host.url}/{answers.prefix(kind)}{name}"
        if (kind, name) in self.host.repositories:
            raise Refusal(409, f"You already created this {kind} repo")
        private = asked.get("visibility") == "private" or bool(asked.get("private"))
        self.host.repositories[kind, name] = Repository(kind, name, private=private)
        return {"url": page, "name": name, "id": name}

    # -- writing --------------------------------------------------------------------------------

    def _preupload(self, commit: Commit) -> Any:
        answers = []
        for file in json.loads(self.body)["files"]:
            there = commit.tree.get(file["path"])
            mode = upload_mode(file["path"], file["size"])
            answer = {"path": file["path"], "uploadMode": mode, "shouldIgnore": False}
            answers.append(answer | ({"oid": there.etag} if there else {}))
        return {"files": answers}

    def _batch(self, repository: Repository) -> Any:
        objects = []
        for wanted in json.loads(self.body)["objects"]:
            answer: dict[str, Any] = {"oid": wanted["oid"], "size": wanted["size"]}
            if wanted["oid"] not in self.host.objects:
                href = f"{self.host.url}/lfs/{wanted['oid']}"
                verify = {"href": f"{self.host.url}/lfs/verify"}
                answer["actions"] = {"upload": {"href": href}, "verify": verify}
            objects.append(answer)
        return {"transfer": "basic", "objects": objects}

    def _store(self, oid: str) -> Any:
        if oid == "verify":
            asked = json.loads(self.body)
            if len(self.host.objects.get(asked["oid"], b"")) != asked["size"]:
                raise Refusal(404, "The object is not here")
        elif hashlib.sha256(self.body).hexdigest() != oid:
            raise Refusal(400, "The bytes do not have the SHA-256 they were announced with")
        else:
            self.host.objects[oid] = self.body
        return {}

    def _commit(self, repository: Repository, revision: str) -> Any:
        lines = [json.loads(line) for line in self.body.splitlines() if line.strip()]
        header = next(line["value"] for line in lines if line["key"] == "header")
        parent = header.get("parentCommit")
        if parent and not repository.refs.get(revision, "").startswith(parent):
            raise Refusal(412, "A commit has happened since. Please refresh and try again.")
        answer: dict[str, Any] = {"success": True}
        page = f"{self.host.url}/{answers.prefix(repository.kind)}{repository.name}"
        if "create_pr" in self.query:
            user = self._user()
            if user is None:
                raise Refusal(401, "Invalid username or password.")
            opened = repository.open_discussion(
                header["summary"], header.get("description", ""), user.name, status="open"
            )
            revision = opened.ref
            answer["pullRequestUrl"] = f"{page}/discussions/{opened.number}"
        if revision not in repository.refs:
            raise Refusal(400, f"{revision} is not a branch")
        try:
            made = repository.write(revision, lines, self.host.objects)
        except KeyError as error:
            raise Refusal(400, f"LFS object or file {error} is not here") from error
        return answer | {"commitOid": made.oid, "commitUrl": f"{page}/commit/{made.oid}"}

    def _discussion(self, method: str, repository: Repository, rest: str) -> Any:
        if not rest and method == "GET":
            found = [answers.discussion(repository, one) for one in repository.discussions]
            return {"discussions": found, "count": len(found), "start": 0}
        user = self._user()
        if not rest:
            asked = json.loads(self.body)
            changes = bool(asked.get("pullRequest"))
            opened = repository.open_discussion(
                asked["title"],
                asked.get("description", ""),
                user.name if user else "",
                status="draft" if changes else "open",
                changes=changes,
            )
            return {"num": opened.number, "pullRequest": changes}
        number, _, action = rest.partition("/")
        if not number.isdecimal() or not 1 <= int(number) <= len(repository.discussions):
            raise Refusal(404, f"There is no discussion {number}")
        one = repository.discussions[int(number) - 1]
        if method == "POST":
            asked = json.loads(self.body or b"null") or {}
            one.comments += [asked["comment"]] if asked.get("comment") else []
            if action == "merge":
                self._may_write(repository.namespace)
                repository.merge(one)
            elif action == "status":
                one.status = asked["status"]
            return {"newMessage": answers.comment(one, len(one.comments))} if one.comments else {}
        return answers.discussion(repository, one)

    # -- reading --------------------------------------------------------------------------------

    def _tree(self, commit: Commit, folder: str) -> Any:
        inside = folder.rstrip("/") + "/" if folder else ""
        entries = [
            entry for entry in answers.entries(commit.tree) if entry["path"].startswith(inside)
        ]
        if folder and not entries:
            raise Refusal(404, f"{folder} does not exist", "EntryNotFound")
        if self.query.get("recursive", "").lower() not in ("true", "1"):
            entries = [entry for entry in entries if "/" not in entry["path"][len(inside) :]]
        return entries

    def _resolve(self, repository: Repository, revision: str, path: str) -> None:
        commit = repository.commit_at(revision)
        if commit is None:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        blob = commit.tree.get(path)
        if blob is None:
            raise Refusal(404, "Entry not found", "EntryNotFound")
        headers = {
            "X-Repo-Commit": commit.oid,
            "ETag": f'"{blob.etag}"',
        }
        if blob.lfs:
            headers |= {"X-Linked-Etag": f'"{blob.etag}"', "X-Linked-Size": str(len(blob.content))}
        self.send_file(blob.content, headers)


class HubServer(LocalServer):
    """The Hub; a context manager that starts and stops it.

    Attributes:
        token: Token of user `tester`, who may write to `tester` and `org`.
        read_token: Token of the same user that may only read.
        namespaces: Users and organisations that there are; `others` is one nobody may write to.
        repositories: By (kind, id), such as `("dataset", "org/name")`.
        objects: Uploaded LFS objects by their SHA-256.
    """

    handler: ClassVar[type[Handler]] = _HubHandler
    token = "hf_write"
    read_token = "hf_read"

    def __init__(self) -> None:
        super().__init__()
        own = ("tester", "org")
        self.users = {
            self.token: User("tester", own),
            self.read_token: User("tester", own, may_write=False),
        }
        self.namespaces = {*own, "others"}
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.objects: dict[str, bytes] = {}

    def dataset(self, name: str) -> Repository:
        """Returns a dataset repository."""
        return self.repositories["dataset", name]

    @property
    def uploads(self) -> list[int]:
        """Sizes in bytes of the LFS uploads that arrived so far."""
        return [size for verb, path, size in self.requests if (verb, path[:5]) == ("PUT", "/lfs/")]
