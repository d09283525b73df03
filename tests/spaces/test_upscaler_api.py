"""The demo through gradio_client and bare HTTP: right results, plain sentences, nothing that leaks."""

import json
import zlib
from importlib.util import find_spec
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import numpy as np
import pytest
from benchmarks.demo_server import Demo, noise, running
from PIL import Image

from fasrgan_hub import Upscaler
from fasrgan_hub.hub.model_files import DEFAULT_MODEL
from fasrgan_hub.upscaling.maps import KINDS

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not find_spec("gradio"), reason="needs the extra [space]")]

SENTENCE = r"^[^a-z].*[.!?]$"
PRIVATE = "not for visitors"
"""What is in private.txt, in the folder that the demo runs in."""
SECRETS = (PRIVATE, "root:", "GRADIO")
LEAKS = ("/tmp/", "/home/", str(Path.home()), "Traceback", "site-packages", ".py")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    (folder / "private.txt").write_text(PRIVATE)
    with running(folder, jobs_a_minute=600, megapixels=0.3) as demo:
        yield demo


@pytest.fixture(scope="module")
def client(demo: Demo, tmp_path_factory):
    from gradio_client import Client

    return Client(demo.url, download_files=tmp_path_factory.mktemp("got"), verbose=False)


def sent(path: Path) -> object:
    from gradio_client import handle_file

    return handle_file(path)


def post(demo: Demo, path: str, body: object) -> tuple[int, str]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = Request(demo.url + "gradio_api/" + path, data, {"Content-Type": "application/json"})
    return fetch(request)


def fetch(request: Request | str) -> tuple[int, str]:
    try:
        with urlopen(request, timeout=60) as reply:
            return reply.status, reply.read().decode(errors="replace")
    except HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def test_a_result_is_the_upscalers_own_bit_for_bit(client, tmp_path):
    path = noise(tmp_path / "some image.png", 40, 30)
    result, facts = client.predict(sent(path), model="bicubic", api_name="/upscale")
    assert Path(result).name == "some image_x4.png"
    assert np.array_equal(np.asarray(Image.open(result)), np.asarray(Upscaler("bicubic")(str(path))))
    assert facts["Input"].startswith("40x30 pixels") and facts["Result"].startswith("160x120 pixels")
    assert facts["Engine"] == "bicubic"


def test_the_image_alone_is_enough_and_the_model_is_the_bundled_one(client, tmp_path):
    path = noise(tmp_path / "small.jpg", 24, 24)
    result, facts = client.predict(sent(path), api_name="/upscale")
    assert Image.open(result).size == (96, 96) and facts["Model"] == DEFAULT_MODEL


def test_every_setting_is_obeyed(client, tmp_path):
    path = noise(tmp_path / "small.jpg", 24, 20)
    result, facts = client.predict(
        sent(path), model="fasrgan-lite-x4", fidelity=0.5, scale=2, match_color=True,
        format="same as the input", api_name="/upscale",
    )  # fmt: skip
    image = Image.open(result)
    assert image.size == (48, 40) and image.format == "JPEG"
    assert "fidelity 0.5" in facts["Model"] and "Corrected color shift" in facts


def test_a_texture_that_repeats_still_does(client, tmp_path):
    turned = [tmp_path / "texture.png", tmp_path / "rolled.png"]
    pixels = np.asarray(Image.open(noise(turned[0], 40, 32)))
    Image.fromarray(np.roll(pixels, (10, 20), (0, 1))).save(turned[1])
    settings = {"model": "fasrgan-lite-x4", "edges": "wrap", "api_name": "/upscale"}
    one, other = (
        np.asarray(Image.open(client.predict(sent(path), **settings)[0]), np.int16) for path in turned
    )
    assert abs(np.roll(one, (40, 80), (0, 1)) - other).max() <= 8  # mirrored: 204
    with pytest.raises(Exception, match="Edges must be one of mirror, wrap, zeros"):
        client.predict(sent(turned[0]), edges="round", api_name="/upscale")


def test_the_score_map_has_the_images_size(client, tmp_path):
    path = noise(tmp_path / "scored.png", 50, 40)
    overlay, facts = client.predict(sent(path), api_name="/score_map")
    assert Image.open(overlay).size == (50, 40) and 0 <= facts["score"] <= 1 and 0 <= facts["below_half"] <= 1
    assert client.predict(sent(path), model="auto", api_name="/score_map")[1] == facts


@pytest.mark.parametrize("kind", KINDS)
def test_a_map_of_every_kind_comes_with_a_sentence(client, tmp_path, kind):
    path = noise(tmp_path / "small.png", 24, 20)
    sheet, facts = client.predict(sent(path), kind=kind, api_name="/map")
    assert Image.open(sheet).height >= 80 and facts["kind"] == kind and facts["mean"] >= 0
    assert facts["sentence"].endswith(".")
    with pytest.raises(Exception, match="There is no map 'x'; there are error, generated, invented"):
        client.predict(sent(path), kind="x", api_name="/map")


def test_the_model_is_chosen_by_image(client, tmp_path):
    path = noise(tmp_path / "small.jpg", 24, 20)
    _, facts = client.predict(sent(path), model="auto", api_name="/upscale")
    assert facts["Model"] == DEFAULT_MODEL and facts["Chosen for"] == "JPEG quality about 75"


def test_what_agents_read(demo):
    with urlopen(f"{demo.url}agents.md") as reply:
        text, kind = reply.read().decode(), reply.headers["content-type"]
    assert kind.startswith("text/markdown") and all(
        f"`/{name}`" in text for name in ("upscale", "map", "score_map")
    )
    assert demo.url in text and "Kinds: error, generated, invented." in text


def test_the_endpoints_are_documented(client):
    named = client.view_api(return_format="dict")["named_endpoints"]
    assert set(named) == {"/upscale", "/map", "/score_map"}
    parameters = [parameter["parameter_name"] for parameter in named["/upscale"]["parameters"]]
    assert parameters == ["image", "model", "fidelity", "scale", "match_color", "format", "denoise", "edges"]
    assert "Enlarge an image" in named["/upscale"]["description"]


def bomb(path: Path) -> Path:
    """A PNG of some kilobytes that says it is 30000 pixels wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = (30_000).to_bytes(4, "big") * 2 + bytes((8, 2, 0, 0, 0))
    rows = zlib.compress(bytes(1_000_000))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )
    return path


def hostile(folder: Path) -> dict[str, tuple[Path, str]]:
    """Files that are no images to work on, and what is to be said of each."""
    rng = np.random.default_rng(0)
    whole = noise(folder / "whole.png", 32, 32).read_bytes()
    contents = {
        "cut.png": (whole[: len(whole) // 2], "damaged"),
        "empty.png": (b"", "not an image"),
        "text.png": (b"hello", "not an image"),
        "random.jpg": (rng.bytes(5000), "not an image"),
        "page.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "not an image"),
        "<img src=x onerror=alert(1)>.png": (b"hello", "not an image"),
    }
    files = {}
    for name, (content, message) in contents.items():
        (folder / name).write_bytes(content)
        files[name] = (folder / name, message)
    files["bomb"] = (bomb(folder / "bomb.png"), "megapixels")
    files["large"] = (noise(folder / "large.png", 700, 500), "megapixels")
    return files


def test_what_is_no_image_is_refused_with_a_sentence(client, demo, tmp_path):
    for name, (path, message) in hostile(tmp_path).items():
        with pytest.raises(Exception, match=SENTENCE) as caught:
            client.predict(sent(path), api_name="/upscale")
        answer = str(caught.value)
        assert message in answer, (name, answer)
        assert not any(leak in answer for leak in LEAKS) and "<img" not in answer, (name, answer)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "/etc"}, "neither a bundled model nor a Hub id"),
        ({"model": "../../etc"}, "neither a bundled model nor a Hub id"),
        ({"model": ""}, "neither a bundled model nor a Hub id"),
        ({"model": "some/model"}, "HF_HUB_OFFLINE"),
        ({"fidelity": 7}, "Fidelity must lie between 0 and 1"),
        ({"fidelity": "much"}, "must be numbers"),
        ({"scale": 1000}, "Scale must be one of"),
        ({"format": "gif"}, "There is no format"),
        ({"format": "/../../x.png"}, "There is no format"),
    ],
)
def test_wrong_settings_are_refused_with_a_sentence(client, tmp_path, options, message):
    path = noise(tmp_path / "small.png", 16, 16)
    with pytest.raises(Exception, match=SENTENCE) as caught:
        client.predict(sent(path), **options, api_name="/upscale")
    assert message in str(caught.value)
    assert not any(leak in str(caught.value) for leak in LEAKS)


def join(demo: Demo, path: str, session: str = "abc") -> tuple[int, str]:
    """Ask the API to work on a file that was not uploaded, and wait for the answer."""
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    status, reply = post(demo, "call/upscale", {"data": [file, "bicubic", 0, 4, False, "png", 1, "mirror"]})
    if status != 200:
        return status, reply
    return fetch(f"{demo.url}gradio_api/call/upscale/{json.loads(reply)['event_id']}")


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../../../etc/passwd", "private.txt", "{folder}/private.txt", "/proc/self/environ", "\0", "C:\\x"],
)  # fmt: skip
def test_files_of_the_machine_are_not_read(demo, path):
    path = path.format(folder=demo.folder)
    _, answer = join(demo, path)
    assert "event: error" in answer and not any(secret in answer for secret in SECRETS)
    for address in (f"gradio_api/file={path}", f"gradio_api/file/{path}", f"file={path}", f"static/{path}"):
        _, reply = fetch(demo.url + quote(address))
        assert not any(secret in reply for secret in SECRETS), address


def test_the_server_fetches_nothing_for_visitors(demo):
    status, reply = join(demo, "https://example.org/cat.png")
    assert status == 400 and "not fetched from addresses" in reply
    for address in ("file=https://example.org/", "proxy=https://example.org/", "file=HTTP://127.0.0.1/"):
        assert fetch(f"{demo.url}gradio_api/{address}")[0] == 403


@pytest.mark.parametrize(
    "body",
    [b"", b"[", b"null", b"[" * 50_000, b'{"data": null}', b'{"data": [1,2,3]}', b'{"data": [{"path": 7}]}',
     b'{"data": [{"path": "x", "meta": {"_type": "gradio.FileData"}, "url": "data:image/png;base64,AAAA"}]}'],
)  # fmt: skip
def test_nonsense_is_refused_and_tells_nothing(demo, body):
    for path in ("queue/join", "call/upscale", "run/upscale", "api/upscale", "cancel", "component_server"):
        _, reply = post(demo, path, body)
        assert not any(leak in reply for leak in LEAKS), (path, reply)
    assert post(demo, "call/upscale", b'{"data": ["' + b"A" * 200_000 + b'"]}')[0] == 413


def test_the_next_visitor_is_served_and_the_log_is_clean(client, demo, tmp_path):
    """Last in this file: after all that the others have done."""
    path = noise(tmp_path / "fine.png", 16, 16)
    result, _ = client.predict(sent(path), model="bicubic", api_name="/upscale")
    assert Image.open(result).size == (64, 64)
    assert "the demo failed" not in demo.log.read_text()
