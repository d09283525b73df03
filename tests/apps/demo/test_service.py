"""The demo's work without the page."""

import threading
import zipfile

import numpy as np
import pytest
from conftest import photo
from example_images import sprites
from PIL import Image

from fasrgan_hub import Upscaler
from fasrgan_hub.apps.demo import processing, texts
from fasrgan_hub.apps.demo.limits import Limits
from fasrgan_hub.apps.demo.model_cache import MAX_LOADED, UpscaleSettings
from fasrgan_hub.apps.demo.processing import SAME_FORMAT
from fasrgan_hub.apps.demo.service import Service, public_message
from fasrgan_hub.apps.web.job_registry import JobStoppedError
from fasrgan_hub.errors import UserError
from fasrgan_hub.hub.model_files import DEFAULT_MODEL
from fasrgan_hub.images.decoded import DecodedImage
from fasrgan_hub.images.reading import read_image
from fasrgan_hub.images.writing import save_image
from fasrgan_hub.upscaling.maps import KINDS

BICUBIC = UpscaleSettings("bicubic")


@pytest.fixture
def service(tmp_path):
    return Service(Limits(megapixels=0.01, files=3), tmp_path / "results")


@pytest.fixture
def image(tmp_path):
    Image.fromarray(photo(30, 40)).save(tmp_path / "mine.png")
    return tmp_path / "mine.png"


def silent(done, total, what):
    pass


def test_the_page_gets_the_result_and_bicubic_without_loss(service, image):
    steps = []
    result = service.upscale("me", image, BICUBIC, SAME_FORMAT, None, lambda *step: steps.append(step))
    expected = np.asarray(Upscaler("bicubic")(str(image)))
    for path in (result.download, result.before, result.after):
        assert np.array_equal(np.asarray(Image.open(path)), expected)
    assert result.download.name == "mine_x4.png" and result.facts["Result"].startswith("160x120")
    assert (1, 1, "Tile 1 of 1") in steps


def test_a_stopped_job_leaves_no_files(service, image):
    def stop(done, total, what):
        service.jobs.stop("me")

    with pytest.raises(JobStoppedError):
        service.upscale("me", image, BICUBIC, SAME_FORMAT, None, stop)
    assert not list(service.folder.iterdir()) and not service.jobs.running
    service.upscale("me", image, BICUBIC, SAME_FORMAT, None, silent)


def test_a_job_that_is_stopped_in_the_middle_leaves_its_color_shift_to_nobody(tmp_path):
    service = Service(Limits(), tmp_path / "results")
    settings = UpscaleSettings(match_color=True)
    Image.new("RGB", (40, 40), (128, 128, 128)).save(tmp_path / "gray.png")
    Image.fromarray(photo(40, 600)).save(tmp_path / "wide.png")

    def shift_of_gray(service):
        facts = service.upscale("other", tmp_path / "gray.png", settings, "png", None, silent).facts
        return facts["Corrected color shift"]

    def stop_after_the_first_tile(done, total, description):
        if (done, total) == (1, 3):
            service.jobs.stop("me")

    with pytest.raises(JobStoppedError):
        service.upscale("me", tmp_path / "wide.png", settings, "png", None, stop_after_the_first_tile)
    assert shift_of_gray(service) == shift_of_gray(Service(Limits(), tmp_path / "fresh"))


def test_two_visitors_at_once_get_their_own(service, tmp_path):
    results = {}

    def visit(name):
        Image.fromarray(photo(20, 24, seed=hash(name) % 100)).save(tmp_path / f"{name}.png")
        results[name] = service.upscale(name, tmp_path / f"{name}.png", BICUBIC, "png", None, silent)

    threads = [threading.Thread(target=visit, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, result in results.items():
        expected = np.asarray(Upscaler("bicubic")(str(tmp_path / f"{name}.png")))
        assert np.array_equal(np.asarray(Image.open(result.download)), expected)
    assert len({result.download.parent for result in results.values()}) == 4


@pytest.mark.parametrize("model", [DEFAULT_MODEL, "fasrgan-lite-psnr-x4", "bicubic"])
def test_a_score_map_names_the_model_of_its_discriminator(service, image, model):
    facts = service.score_map("me", image, model, 1, silent).facts
    assert facts["discriminator"] == DEFAULT_MODEL and 0 <= facts["below_half"] <= 1
    assert f"discriminator of {facts['discriminator']}." in facts["sentence"]
    assert "a&lt;b" in texts.sentence("a<b") and "a&lt;b <code>c</code>" in texts.hint("a<b `c`")


def test_too_many_pixels_are_refused_before_they_are_decoded(service, tmp_path):
    Image.new("RGB", (200, 100)).save(tmp_path / "large.png")
    with pytest.raises(UserError, match=r"0\.02 megapixels, and 0\.01 are accepted"):
        service.upscale("me", tmp_path / "large.png", BICUBIC, "png", None, silent)


def test_the_true_image_gives_scores_and_must_fit(service, image, tmp_path):
    truth = tmp_path / "truth.png"
    Upscaler("bicubic")(str(image)).save(truth)
    facts = service.upscale("me", image, BICUBIC, "png", truth, silent).facts
    assert facts["PSNR (Y, dB)"] == "inf (bicubic inf)" and facts["SSIM (Y)"].startswith("1.0000")
    with pytest.raises(UserError, match="must have 160x120"):
        service.upscale("me", image, BICUBIC, "png", image, silent)


def test_sixteen_bits_are_shown_and_looked_at_without_loss(service, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 65_536, (12, 16, 3), np.uint16)
    save_image(DecodedImage(pixels), tmp_path / "deep.tif")
    result = service.upscale("me", tmp_path / "deep.tif", BICUBIC, SAME_FORMAT, None, silent)
    expected = Upscaler("bicubic")(pixels)
    for path in (result.download, result.before, result.after):
        assert np.array_equal(read_image(path).pixels, expected)
    assert [part.size for part in service.magnified_parts(result, 0.5, 0.5, 32)] == 2 * [(512, 512)]


def test_an_image_too_small_for_lpips_gets_the_other_scores(service, tmp_path):
    Image.fromarray(photo(7, 7)).save(tmp_path / "tiny.png")
    Upscaler("bicubic")(str(tmp_path / "tiny.png")).save(tmp_path / "truth.png")
    facts = service.upscale("me", tmp_path / "tiny.png", BICUBIC, "png", tmp_path / "truth.png", silent).facts
    assert "SSIM (Y)" in facts and "LPIPS (lower is better)" not in facts


def test_a_batch_goes_on_after_a_broken_image(service, image, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"x")
    images = [image, tmp_path / "broken.png", image]
    states = [
        (archive, [state for _, state in lines], list(lines))
        for archive, lines in service.upscale_all("me", images, BICUBIC, "png", silent)
    ]
    archive, _, lines = states[-1]
    assert states[0][1] == ["is being enlarged", "waits", "waits"]
    assert states[2][1][2] == "is being enlarged" and "pixels" in states[2][1][0]
    assert all(early is None for early, _, _ in states[:-1])
    with zipfile.ZipFile(archive) as names:
        assert names.namelist() == ["mine_x4.png", "mine_x4_2.png"]
    assert [name for name, _ in lines] == ["mine.png", "broken.png", "mine.png"] and "not an image" in lines[
        1
    ][1]
    assert list(archive.parent.iterdir()) == [archive]
    with pytest.raises(UserError, match="at most 3 images"):
        next(service.upscale_all("me", [image] * 4, BICUBIC, "png", silent))


@pytest.mark.parametrize(
    "model", ["/etc", "..", "../x", "a/../b", "a/b/c", "", "~/model", "no-such-model", "a b/c"]
)
def test_folders_of_the_machine_are_no_models(service, model, tmp_path, monkeypatch):
    (tmp_path / "no-such-model").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="neither a bundled model nor a Hub id"):
        service.models.upscaler(UpscaleSettings(model))


def test_models_that_were_used_last_stay_ready(service):
    first = service.models.upscaler(BICUBIC)
    assert service.models.upscaler(BICUBIC) is first
    for step in range(MAX_LOADED):
        service.models.upscaler(UpscaleSettings("bicubic", fidelity=step / 10, match_color=True))
    assert (
        service.models.upscalers.cache_info().currsize == MAX_LOADED
        and service.models.upscaler(BICUBIC) is not first
    )


def test_the_first_visitor_waits_for_no_model(service):
    service.warm_up()
    models = service.models
    before = models.upscalers.cache_info().misses, models.error_predictors.cache_info().misses
    models.upscaler(UpscaleSettings())
    models.error_predictor(UpscaleSettings().model)
    assert before == (models.upscalers.cache_info().misses, models.error_predictors.cache_info().misses)


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("'/tmp/gradio/0af3/my cat.png' is damaged: bad", "'my cat.png' is damaged: bad."),
        ("cannot read /srv/models/x/y.bin", "Cannot read y.bin."),
        ("there is no 'org/name' on the Hub", "There is no 'org/name' on the Hub."),
        ("see https://huggingface.co/a/b?", "See https://huggingface.co/a/b?"),
    ],
)
def test_messages_name_no_folder(message, sentence):
    assert public_message(UserError(message)) == sentence


def test_the_corner_and_the_middle_can_be_looked_at(tmp_path):
    pixels = photo(50, 70)
    Image.fromarray(pixels).save(tmp_path / "a.png")

    def part(across, down, side):
        factor = 512 // min(side, 50)
        return np.asarray(processing.magnify(tmp_path / "a.png", across, down, side))[::factor, ::factor]

    assert np.array_equal(part(0, 1, 20), pixels[30:, :20])
    assert np.array_equal(part(0.5, 0, 20), pixels[:20, 25:45])
    assert np.array_equal(part(1, 1, 256), pixels[:, 20:])


def test_a_part_is_magnified_pixel_by_pixel(service, image):
    result = service.upscale("me", image, BICUBIC, "png", None, silent)
    before, after = service.magnified_parts(result, 0.5, 0.5, 64)
    assert before.size == after.size == (512, 512)
    squares = np.asarray(after).reshape(64, 8, 64, 8, 3)
    assert (squares == squares[:, :1, :, :1]).all()
    whole = np.asarray(Image.open(result.after))
    top, left = ((side - 64) // 2 for side in whole.shape[:2])
    assert np.array_equal(squares[:, 0, :, 0], whole[top : top + 64, left : left + 64])
    result.after.unlink()
    with pytest.raises(UserError, match="deleted by now"):
        service.magnified_parts(result, 0.5, 0.5, 64)


def test_limits_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("FASRGAN_DEMO_MEGAPIXELS", "0.5")
    monkeypatch.setenv("FASRGAN_DEMO_QUEUE", "7")
    limits = Limits.from_environment()
    assert (limits.megapixels, limits.queue, limits.files) == (0.5, 7, Limits().files)
    for wrong in ("much", "-1", "0", "nan", "1e99"):
        monkeypatch.setenv("FASRGAN_DEMO_SECONDS", wrong)
        with pytest.raises(UserError, match="FASRGAN_DEMO_SECONDS is"):
            Limits.from_environment()


def test_the_model_is_chosen_by_image_and_the_maps_follow_it(service, image, tmp_path):
    jpeg = tmp_path / "mine.jpg"
    Image.open(image).convert("RGB").save(jpeg, quality=60)
    result = service.upscale("me", jpeg, UpscaleSettings("auto", denoise=0.5), "png", None, silent)
    assert result.settings == UpscaleSettings() and result.facts["Chosen for"] == "JPEG quality about 60"
    for kind in KINDS:
        with service.jobs.listening("me"):
            drawn = service.map_of_result("me", result, kind, silent)
        with Image.open(result.after) as after, Image.open(drawn.heat_map) as heat_map:
            assert heat_map.size == after.size
        with service.jobs.listening("me"):
            again = service.map_of_image("me", jpeg, UpscaleSettings("auto"), kind, silent)
        assert again.facts == drawn.facts and drawn.facts["kind"] == kind


def test_pixel_art_is_enlarged_with_nearest_or_gets_a_hint(service, tmp_path):
    art = tmp_path / "art.png"
    Image.fromarray(sprites(count=2)).save(art)
    result = service.upscale("me", art, UpscaleSettings("auto", fidelity=0.5), "png", None, silent)
    assert result.facts["Model"] == "nearest" and result.facts["Chosen for"] == "pixel art"
    assert "nearest" in service.upscale("me", art, UpscaleSettings(), "png", None, silent).facts["Hint"]
    with pytest.raises(UserError, match="nearest has no weights"):
        service.map_of_result("me", result, "invented", silent)


def test_what_is_too_large_gets_the_command_for_home(service, tmp_path):
    large = tmp_path / "my large.png"
    Image.new("L", (4000, 3000)).save(large)
    for work in (
        lambda: service.check_size(large),
        lambda: service.upscale("me", large, BICUBIC, "png", None, silent),
        lambda: service.map_of_image("me", large, BICUBIC, "error", silent),
    ):
        with pytest.raises(UserError, match=r"12 megapixels.*`fasrgan upscale 'my large.png'`"):
            work()
