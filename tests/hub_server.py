"""A Hub on loopback: models, datasets and spaces in memory, behind the routes and headers of the real one.

    with Hub() as hub:
        hub.create("org/private", private=True)
        subprocess.run(["fasrgan", "push", "run", "org/model"], env={**os.environ, **hub.environment(home)})
        assert "model.safetensors" in hub.files("org/model")

Binary files live, as on the real Hub, on another host (`localhost` beside `127.0.0.1`), where no token may turn up.
A commit is taken whole or not at all. Xet is not spoken: `environment` turns it off in the client.
"""

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

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


@dataclass
class Fault:
    """What befalls the next `times` requests of `method` whose path contains `path`.

    An answer of `status`; or, if `after` is given, a connection cut after so many bytes of the body (of the request
    where it has one, of the answer otherwise), with which the whole Hub goes away if it `kills`.
    """

    method: str
    path: str
    status: int = 0
    after: int | None = None
    times: int = 1
    kills: bool = False


class RefusalError(Exception):
    """An answer other than 200, with the headers by which the client tells one refusal from another."""

    def __init__(self, status: int, message: str, code: str = "", **headers: str):
        self.status = status
        self.body = {"error": message}
        self.headers = {"X-Error-Code": code, "X-Error-Message": message}
        self.headers |= {name.replace("_", "-"): value for name, value in headers.items()}


class Hub:
    """The server, its store and its faults. As a context manager it runs; entered again, it comes back as it was."""

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.blobs: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        """Method, path and headers of every request so far."""
        self.lock = threading.RLock()
        self.port = 0

    def __enter__(self) -> "Hub":
        handler = type("BoundHandler", (Handler,), {"hub": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Go away: from now on every connection is refused."""
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self, home: Path, token: str = WRITER) -> dict[str, str]:
        """What makes huggingface_hub speak to this Hub and keep its files in `home`; token "" is nobody's."""
        settings = {"HF_ENDPOINT": self.url, "HF_HOME": str(home), "HF_TOKEN": token}
        return settings | {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "NO_PROXY": "*"}

    def create(self, name: str, kind: str = "models", **options: bool) -> Repository:
        """A new repository (`private`, `gated`), which holds .gitattributes alone."""
        repository = self.repositories[kind, name] = Repository(name, kind, **options)
        repository.commit("main", {".gitattributes": self.store(b"*.safetensors filter=lfs\n")})
        return repository

    def next_fault(self, method: str, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.method == method and fault.path in path and fault.times > 0:
                fault.times -= 1
                return fault
        return None

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


class Handler(BaseHTTPRequestHandler):
    """One connection: finds the route, which is a method below, and sends what it returns."""

    protocol_version = "HTTP/1.1"
    hub: Hub
    fault: Fault | None

    def handle_request(self) -> None:
        url = urlsplit(self.path)
        self.query = parse_qs(url.query)
        self.token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self.denied = 403 if self.token else 401
        with self.hub.lock:
            self.hub.requests.append((self.command, self.path, dict(self.headers)))
            self.fault = self.hub.next_fault(self.command, self.path)
        try:
            self.body = self.receive()
            try:
                reply = self.route(url.path)
            except RefusalError as no:
                self.send(no.status, json.dumps(no.body).encode(), no.headers)
            else:
                self.send(200, *(reply if isinstance(reply, tuple) else (json.dumps(reply).encode(), {})))
        except ConnectionError:
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = handle_request  # noqa: N815

    def route(self, path: str) -> Any:
        if self.fault and self.fault.status:
            raise RefusalError(self.fault.status, "this is a fault that a test asked for")
        if self.token not in ("", WRITER, READER, STRANGER):
            raise RefusalError(401, "Invalid credentials in Authorization header")
        for method, pattern, name in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and self.command in method.split("|"):
                with self.hub.lock:
                    return getattr(self, name)(*(part and unquote(part) for part in match.groups()))
        raise RefusalError(404, f"no route for {self.command} {path}")

    def receive(self) -> bytes:
        length = int(self.headers.get("Content-Length", 0))
        if length and self.fault and self.fault.after is not None:
            self.rfile.read(min(self.fault.after, length))
            self.cut(self.fault)
        return self.rfile.read(length)

    def send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if status == 200 and asked:
            total, start = len(body), int(asked[1])
            body = body[start : int(asked[2]) + 1 if asked[2] else total]
            status = 206 if body else 416
            headers = headers | {"Content-Range": f"bytes {start}-{start + len(body) - 1}/{total}"}
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD" and self.fault and self.fault.after is not None:
            self.wfile.write(body[: self.fault.after])
            self.cut(self.fault)
        elif self.command != "HEAD":
            self.wfile.write(body)

    def cut(self, fault: Fault) -> None:
        if fault.kills:
            self.hub.__exit__()
        raise ConnectionAbortedError

    def log_message(self, *_: object) -> None:
        pass

    # Who may see and do what

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

    # Routes: each returns what is sent as JSON, or bytes and headers

    def validate_yaml(self) -> Any:
        return {"errors": [], "warnings": []}

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
