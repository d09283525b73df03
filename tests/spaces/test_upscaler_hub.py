"""Models of the Hub in the demo: visitors name them by id, and the real client fetches them from a Hub on loopback."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks.demo_server import noise, running
from browser import chromium, require_browser, visitor
from hub_server import Hub
from PIL import Image

from fasrgan_hub import FASRGAN, UNetDiscriminator, Upscaler
from fasrgan_hub.upscaling.score_map import ScoreMapPredictor

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not find_spec("gradio"), reason="needs the extra [space]")]

MODEL, FAITHFUL, SECRET, HALF, FOREIGN, GATED = (
    f"org/{name}" for name in ("tiny-x4", "tiny-psnr-x4", "secret", "half", "foreign", "gated")
)


def files_of(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def models(hub: Hub, tmp_path_factory) -> Path:
    """A folder with the two models that the Hub has."""
    folder = tmp_path_factory.mktemp("models")
    for seed, name in enumerate((MODEL, FAITHFUL)):
        torch.manual_seed(seed)
        FASRGAN(blocks=1, features=8, growth=4).save_pretrained(folder / name)
        UNetDiscriminator(width=4, crop=0, hidden=8).save_pretrained(folder / name / "discriminator")
    whole = files_of(folder / MODEL)
    hub.create(SECRET, private=True)
    hub.create(GATED, gated=True)
    for name in (MODEL, FAITHFUL, HALF, FOREIGN):
        hub.create(name)
    for name in (MODEL, SECRET, GATED):
        hub.edit(name, whole)
    hub.edit(FAITHFUL, files_of(folder / FAITHFUL))
    hub.edit(HALF, {"config.json": whole["config.json"]})
    hub.edit(FOREIGN, whole | {"config.json": b'{"model_type": "bert"}'})
    return folder


@pytest.fixture(scope="module")
def demo(hub: Hub, models, tmp_path_factory):
    """A Space whose owner's token opens private models."""
    folder = tmp_path_factory.mktemp("demo")
    variables = hub.environment(folder / "hub") | {"HF_HUB_OFFLINE": "0", "SPACE_ID": "org/space"}
    with running(folder, variables, jobs_a_minute=300) as demo:
        yield demo


@pytest.fixture(scope="module")
def client(demo, tmp_path_factory):
    from gradio_client import Client

    return Client(demo.url, download_files=tmp_path_factory.mktemp("got"), verbose=False)


@pytest.fixture
def image(tmp_path) -> Path:
    return noise(tmp_path / "mine.png", 40, 32)


def same(result: str | Path, expected: Upscaler, image: Path) -> bool:
    """Whether a file is what `expected` makes of the image, but for rounding."""
    got, ours = (np.asarray(opened).astype(int) for opened in (Image.open(result), expected(str(image))))
    return got.shape == ours.shape and np.abs(got - ours).max() <= 1


@pytest.mark.parametrize("options", [{}, {"fidelity": 0.5}, {"fidelity": 1, "scale": 2}])
def test_a_model_of_the_hub_gives_its_own_result(client, models, image, options):
    from gradio_client import handle_file

    result, facts = client.predict(handle_file(image), model=MODEL, **options, api_name="/upscale")
    faithful = {"faithful": models / FAITHFUL} if options else {}
    assert same(result, Upscaler(models / MODEL, **options, **faithful), image)
    assert not same(result, Upscaler(scale=options.get("scale", 4)), image)
    assert facts["Model"].startswith(MODEL)


def test_its_own_discriminator_scores(client, models, image):
    from gradio_client import handle_file

    _, facts = client.predict(handle_file(image), model=MODEL, api_name="/score_map")
    assert facts["score"] == pytest.approx(ScoreMapPredictor(models / MODEL)(str(image)).score, abs=1e-4)
    assert facts["score"] != pytest.approx(ScoreMapPredictor()(str(image)).score, abs=1e-4)
    assert facts["discriminator"] == MODEL


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("org/nothing", "There is no 'org/nothing' on the Hub"),
        (SECRET, "There is no 'org/secret' on the Hub"),
        (GATED, "'org/gated' is gated"),
        (HALF, "'org/half' on the Hub has no model.safetensors"),
        (FOREIGN, "'org/foreign' is no model of fasrgan_hub"),
    ],
)
def test_what_cannot_be_had_is_refused_with_a_sentence(client, image, model, message):
    from gradio_client import handle_file

    with pytest.raises(Exception, match=r"^[^a-z].*[.!?]$") as caught:
        client.predict(handle_file(image), model=model, api_name="/upscale")
    answer = str(caught.value)
    assert message in answer and not any(leak in answer for leak in ("/tmp", "Traceback", ".py", "127.0.0.1"))


def test_a_visitor_types_the_id_into_the_page(demo, models, image, tmp_path):
    require_browser()
    with chromium() as browser, visitor(browser, demo.url, "Upscale") as page:
        page.locator("input[type=file]").first.set_input_files(image)
        page.locator("img[alt='The image to enlarge']").wait_for()
        model = page.get_by_role("listbox", name="Model").or_(page.get_by_label("Model")).first
        model.fill("org/nothing")
        model.press("Enter")
        page.get_by_role("button", name="Upscale", exact=True).click()
        page.get_by_text("There is no 'org/nothing' on the Hub").first.wait_for()
        model.fill(MODEL)
        model.press("Enter")
        page.get_by_role("button", name="Upscale", exact=True).click()
        page.locator("#facts").get_by_text(MODEL).wait_for()
        with page.expect_download() as wait:
            page.get_by_role("button", name="Download mine_x4.png").click()
        assert same(wait.value.path(), Upscaler(models / MODEL), image)
    assert "the demo failed" not in demo.log.read_text()
