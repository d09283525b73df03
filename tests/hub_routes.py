"""What the Hub on loopback knows and answers: repositories in memory, behind the routes and headers of the real one."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from hub_card_rules import check_card

OWNER = "org"
"""The one namespace in which repositories can be made."""
WRITER, READER, STRANGER = "hf_writer", "hf_reader", "hf_stranger"
"""Tokens: of the owner; of the owner, to read alone; of somebody else. The Hub refuses every other."""

Files = dict[str, str]
"""Path -> SHA-256 of the content, which is in `Hub.blobs`."""


@dataclass
class Repository:
    name: str
    kind: str
    private: bool = False
    gated: bool = False
    commits: dict[str, Files] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    """Branches, tags and refs/pr/N -> commit."""

    def commit(self, ref: str, files: Files) -> str:
        """Let `ref` point to a new commit that holds `files`."""
        history = json.dumps([ref, self.refs.get(ref), len(self.commits), files])
        commit = hashlib.sha1(history.encode()).hexdigest()
        self.commits[commit] = files
        self.refs[ref] = commit
        return commit


class RefusalError(Exception):
    """An answer other than 200, with the headers by which the client tells one refusal from another."""

    def __init__(self, status: int, message: str, code: str = "", **headers: str):
        self.status = status
        self.body: dict[str, Any] = {"error": message}
        self.text = ""
        """Sent instead of the body as JSON, if there is one."""
        self.headers = {"X-Error-Code": code, "X-Error-Message": message.partition("\n")[0]}
        self.headers |= {name.replace("_", "-"): value for name, value in headers.items()}


class Store:
    """Repositories and the content of their files."""

    url: str
    port: int

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        """By kind ("models", "datasets" or "spaces") and name."""
        self.blobs: dict[str, bytes] = {}

    def create(self, name: str, kind: str = "models", **options: bool) -> Repository:
        """A new repository (`private`, `gated`), which holds .gitattributes alone."""
        repository = self.repositories[kind, name] = Repository(name, kind, **options)
        repository.commit("main", {".gitattributes": self.store(b"*.safetensors filter=lfs\n")})
        return repository

    def store(self, content: bytes) -> str:
        oid = hashlib.sha256(content).hexdigest()
        self.blobs[oid] = content
        return oid

    def files(self, name: str, ref: str = "main", kind: str = "models") -> dict[str, bytes]:
        """Path -> content in a branch, tag or commit."""
        repository = self.repositories[kind, name]
        stored = repository.commits[repository.refs.get(ref, ref)]
        return {path: self.blobs[oid] for path, oid in stored.items()}

    def edit(self, name: str, changes: dict[str, bytes], kind: str = "models") -> str:
        """Commit `changes` to main, as the owner would on the Hub's pages."""
        repository = self.repositories[kind, name]
        stored = {path: self.store(content) for path, content in changes.items()}
        return repository.commit("main", repository.commits[repository.refs["main"]] | stored)


REPOSITORY = "/api/(models|datasets|spaces)/([^/]+/[^/]+)"
FILES = "/(?:(datasets|spaces)/)?([^/]+/[^/]+)"
ROUTES = [
    ("GET", f"{REPOSITORY}(?:/revision/([^/]+))?", "info"),
    ("GET", f"{REPOSITORY}/tree/([^/]+)(?:/(.+))?", "tree"),
    ("POST", f"{REPOSITORY}/paths-info/([^/]+)", "paths_info"),
    ("POST", f"{REPOSITORY}/preupload/([^/]+)", "preupload"),
    ("POST", f"{REPOSITORY}/commit/([^/]+)", "commit"),
    ("POST", f"{REPOSITORY}/branch/([^/]+)", "branch"),
    ("GET|HEAD", f"{FILES}/resolve/([^/]+)/(.+)", "resolve"),
    ("POST", rf"{FILES}\.git/info/lfs/objects/batch", "lfs_batch"),
    ("PUT", "/cdn/([0-9a-f]{64})", "cdn_put"),
    ("GET|HEAD", "/cdn/([0-9a-f]{64})", "cdn_get"),
    ("POST", "/lfs/verify", "lfs_verify"),
    ("POST", "/api/repos/create", "create"),
    ("POST", "/api/validate-yaml", "validate_yaml"),
]


class Routes:
    """One request: each method is a route and returns what is sent, as JSON or as bytes and headers."""

    hub: Store
    token: str
    headers: Any
    denied: int
    """The status that means no: 401 to nobody, 403 to somebody."""
    query: dict[str, list[str]]
    body: bytes

    def find(
        self,
        kind: str | None,
        name: str,
        revision: str | None = None,
        *,
        writes: bool = False,
        opens: bool = False,
    ) -> tuple[Repository, str, Files]:
        """The repository and the commit that `revision` stands for, if the token may write to it, or open its files."""
        repository = self.hub.repositories.get((kind or "models", name))
        member = self.token in (WRITER, READER)
        if repository is None or (repository.private and not member):
            raise RefusalError(404 if self.token else 401, "Repository not found", "RepoNotFound")
        if opens and repository.gated and not member:
            raise RefusalError(self.denied, f"Access to model {name} is restricted", "GatedRepo")
        if writes and self.token != WRITER:
            raise RefusalError(self.denied, "You don't have the rights to do this")
        commit = repository.refs.get(revision or "main", revision or "main")
        if commit not in repository.commits:
            raise RefusalError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return repository, commit, repository.commits[commit]

    def validate_yaml(self) -> Any:
        asked = json.loads(self.body)
        errors, warnings = check_card(asked["content"], asked["repoType"])
        answer = {
            "errors": [{"message": message} for message in errors],
            "warnings": [{"message": message} for message in warnings],
        }
        if not errors:
            return answer
        refusal = RefusalError(400, "\n".join(errors))
        refusal.body = answer
        if self.headers.get("Accept") == "text/plain":
            refusal.text = "\n".join(f"- Error: {message}" for message in errors)
        raise refusal

    def create(self) -> Any:
        asked = json.loads(self.body)
        kind, owner = asked.get("type", "model") + "s", asked["organization"]
        name = f"{owner}/{asked['name']}"
        if self.token != WRITER or owner != OWNER:
            raise RefusalError(self.denied, f'You don\'t have the rights to create a repository in "{owner}"')
        if (kind, name) in self.hub.repositories:
            conflict = RefusalError(409, "You already created this repo")
            conflict.body["url"] = self.page(kind, name)
            raise conflict
        self.hub.create(
            name, kind, private=asked.get("visibility") == "private" or bool(asked.get("private"))
        )
        return {"url": self.page(kind, name)}

    def page(self, kind: str, name: str) -> str:
        return f"{self.hub.url}/{'' if kind == 'models' else kind + '/'}{name}"

    def branch(self, kind: str, name: str, branch: str) -> Any:
        start = json.loads(self.body or b"{}").get("startingPoint")
        repository, commit, _ = self.find(kind, name, start, writes=True)
        if branch in repository.refs:
            raise RefusalError(409, "Reference already exists")
        repository.refs[branch] = commit
        return {}

    def info(self, kind: str, name: str, revision: str | None) -> Any:
        repository, commit, files = self.find(kind, name, revision)
        siblings = [{"rfilename": path} for path in files]
        flags = {"private": repository.private, "gated": repository.gated and "manual"}
        return {"id": name, "sha": commit, **flags, "siblings": siblings, "tags": []}

    def tree(self, kind: str, name: str, revision: str, folder: str | None) -> Any:
        _, _, files = self.find(kind, name, revision)
        start = f"{folder}/" if folder else ""
        inside = [path for path in files if path.startswith(start)]
        if folder and not inside:
            raise RefusalError(404, f"{folder} does not exist", "EntryNotFound")
        if self.query.get("recursive", [""])[0].lower() != "true":
            inside = list(dict.fromkeys(start + path[len(start) :].split("/")[0] for path in inside))
        return [self.entry(path, files.get(path)) for path in inside]

    def paths_info(self, kind: str, name: str, revision: str) -> Any:
        _, _, files = self.find(kind, name, revision)
        paths = parse_qs(self.body.decode()).get("paths", [])
        return [self.entry(path, files[path]) for path in paths if path in files]

    def entry(self, path: str, oid: str | None) -> dict[str, Any]:
        if oid is None:
            return {"type": "directory", "path": path, "oid": git_hash(path.encode())}
        content = self.hub.blobs[oid]
        told = {"type": "file", "path": path, "size": len(content), "oid": git_hash(content)}
        large = {"lfs": {"oid": oid, "size": len(content), "pointerSize": 134}}
        return told | (large if is_large(content) else {})

    def preupload(self, kind: str, name: str, revision: str) -> Any:
        _, _, files = self.find(kind, name, revision, writes=True)
        answers = []
        for asked in json.loads(self.body)["files"]:
            large = is_large(base64.b64decode(asked["sample"]))
            oid = files.get(asked["path"])
            oid = oid if large or oid is None else git_hash(self.hub.blobs[oid])
            mode = {"uploadMode": "lfs" if large else "regular", "shouldIgnore": False, "oid": oid}
            answers.append({"path": asked["path"], **mode})
        return {"files": answers}

    def lfs_batch(self, kind: str | None, name: str) -> Any:
        self.find(kind, name, writes=True)
        objects = json.loads(self.body)["objects"]
        for wanted in objects:
            if wanted["oid"] not in self.hub.blobs:
                upload = {"href": f"http://localhost:{self.hub.port}/cdn/{wanted['oid']}"}
                wanted["actions"] = {"upload": upload, "verify": {"href": f"{self.hub.url}/lfs/verify"}}
        return {"transfer": "basic", "objects": objects}

    def cdn_put(self, oid: str) -> Any:
        if hashlib.sha256(self.body).hexdigest() != oid:
            raise RefusalError(400, "the content is not what was announced")
        self.hub.store(self.body)
        return {}

    def lfs_verify(self) -> Any:
        asked = json.loads(self.body)
        if len(self.hub.blobs.get(asked["oid"], b"")) != asked["size"]:
            raise RefusalError(404, "there is no such object")
        return {}

    def commit(self, kind: str, name: str, revision: str) -> Any:
        repository, parent, files = self.find(kind, name, revision, writes=True)
        files = dict(files)
        for line in map(json.loads, self.body.splitlines()):
            value = line["value"]
            if line["key"] == "header" and value.get("parentCommit", parent) != parent:
                raise RefusalError(412, "A commit has happened since. Please refresh and try again.")
            if line["key"] == "file":
                files[value["path"]] = self.hub.store(base64.b64decode(value["content"]))
            elif line["key"] == "lfsFile":
                if value["oid"] not in self.hub.blobs:
                    raise RefusalError(400, f"the content of {value['path']} was never uploaded")
                files[value["path"]] = value["oid"]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        number = 1 + sum(ref.startswith("refs/pr/") for ref in repository.refs)
        request = "create_pr" in self.query
        commit = repository.commit(f"refs/pr/{number}" if request else revision, files)
        page = self.page(kind, name)
        discussion = {"pullRequestUrl": f"{page}/discussions/{number}"} if request else {}
        return {"commitUrl": f"{page}/commit/{commit}", "commitOid": commit, **discussion}

    def resolve(self, kind: str | None, name: str, revision: str, path: str) -> Any:
        _, commit, files = self.find(kind, name, revision, opens=True)
        if path not in files:
            raise RefusalError(404, f"{path} does not exist", "EntryNotFound", X_Repo_Commit=commit)
        oid = files[path]
        content = self.hub.blobs[oid]
        if not is_large(content):
            return content, {"X-Repo-Commit": commit, "ETag": f'"{git_hash(content)}"'}
        linked = {"X_Linked_Etag": f'"{oid}"', "X_Linked_Size": str(len(content))}
        location = f"http://localhost:{self.hub.port}/cdn/{oid}"
        raise RefusalError(302, "it is there", Location=location, X_Repo_Commit=commit, **linked)

    def cdn_get(self, oid: str) -> Any:
        if oid not in self.hub.blobs:
            raise RefusalError(404, "there is no such object")
        return self.hub.blobs[oid], {"ETag": f'"{oid}"'}


def is_large(content: bytes) -> bool:
    """Whether the Hub keeps such a file apart; its first 512 bytes decide."""
    return b"\0" in content[:512]


def git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
