"""The Hub on loopback itself, so that what the other tests conclude from it holds: asked by the real client."""

from hub_client import Client
from hub_routes import STRANGER
from hub_server import Hub

STORY = """
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, HfFileSystem

api = HfApi()
for kind, more in (("model", {}), ("dataset", {}), ("space", {"space_sdk": "gradio"})):
    api.create_repo("org/thing", repo_type=kind, **more)
    add = [CommitOperationAdd("large/a.bin", b"0123\\0" * 1000), CommitOperationAdd("small.txt", kind.encode())]
    old = api.create_commit("org/thing", add, commit_message="add", repo_type=kind)
    delete = [CommitOperationDelete("small.txt"), CommitOperationAdd("other.txt", b"other")]
    api.create_commit("org/thing", delete, commit_message="delete", repo_type=kind)
    files = HfFileSystem()
    root = {"model": "", "dataset": "datasets/", "space": "spaces/"}[kind] + "org/thing"
    with files.open(f"{root}/large/a.bin", block_size=100) as file:
        file.seek(4995)
        print(kind, files.ls(root, detail=False), file.read())
    print(files.cat(f"{root}@{old.oid}/small.txt"), api.repo_info("org/thing", repo_type=kind).sha != old.oid)
"""


def test_models_datasets_and_spaces_are_three_worlds(hub: Hub, client: Client) -> None:
    expected = ""
    for kind, root in (("model", ""), ("dataset", "datasets/"), ("space", "spaces/")):
        names = [f"{root}org/thing/{name}" for name in (".gitattributes", "large", "other.txt")]
        expected += f"{kind} {names} {b'0123' + bytes(1)!r}\n{kind.encode()!r} True\n"
    assert client.python(STORY).output == expected
    assert {kind for kind, name in hub.repositories if name == "org/thing"} == {
        "models",
        "datasets",
        "spaces",
    }
    assert any(headers.get("range") for _, path, headers in hub.requests if "/cdn/" in path)
    assert not any("authorization" in headers for _, path, headers in hub.requests if "/cdn/" in path)


def test_a_stranger_sees_and_changes_nothing_that_is_not_his(hub: Hub, client: Client) -> None:
    hub.create("org/private", private=True)
    hub.create("org/gated", gated=True)
    code = """
from huggingface_hub import HfApi
api = HfApi()
for attempt in (
    lambda: api.model_info("org/private"),
    lambda: api.upload_file(path_or_fileobj=b"x", path_in_repo="x", repo_id="org/gated"),
    lambda: api.create_repo("org/x"),
):
    try:
        attempt()
    except Exception as error:
        print(type(error).__name__)
"""
    outcome = client.python(code, token=STRANGER)
    assert outcome.output.split() == ["RepositoryNotFoundError", "HfHubHTTPError", "HfHubHTTPError"]
    assert ("models", "org/x") not in hub.repositories and set(hub.files("org/gated")) == {".gitattributes"}
