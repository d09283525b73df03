from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fasrgan_hub.apps.cli.batch import upscale_file
from fasrgan_hub.apps.cli.jobs import UpscaleJob
from fasrgan_hub.errors import UserError
from fasrgan_hub.images.animation import is_animation, read_animation
from fasrgan_hub.images.decoded import DecodedImage
from fasrgan_hub.images.png import Timing
from fasrgan_hub.images.reading import MEGAPIXELS_VARIABLE, read_image
from fasrgan_hub.images.writing import open_writer
from fasrgan_hub.upscaling.upscaler import Upscaler

DURATIONS = [100, 250, 40]
BLACK = np.zeros((3, 3, 3), np.uint8)


@pytest.fixture
def upscaler() -> Upscaler:
    """Every pixel becomes a 4x4 block of itself."""
    upscaler = Upscaler("bicubic", tile=8, overlap=2)
    upscaler.engine = lambda x: x.repeat(4, -1).repeat(4, -2)
    return upscaler


def frames(alpha: bool, size: tuple[int, int] = (20, 12)) -> list[Image.Image]:
    """A square that wanders over a plain or over nothing; six colors in all."""
    made = []
    for index in range(3):
        frame = Image.new("RGBA", size, (0, 0, 0, 0) if alpha else (10, 200, 30, 255))
        frame.paste((200, 50 * index, 60, 255), (5 * index, 2, 5 * index + 6, 8))
        made.append(frame if alpha else frame.convert("RGB"))
    return made


def moving(path: Path, alpha: bool = False, **options) -> Path:
    first, *others = frames(alpha)
    lossless = {"lossless": True, "exact": True} if path.suffix == ".webp" else {}
    first.save(path, save_all=True, append_images=others, duration=DURATIONS, **lossless, **options)
    return path


def shown(path: Path) -> tuple[list[np.ndarray], list[float]]:
    """What somebody sees: every frame over gray, and how long."""
    with Image.open(path) as image:
        images, durations = [], []
        for index in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(index)
            frame = image.convert("RGBA")
            gray = Image.new("RGBA", frame.size, "gray")
            images.append(np.asarray(Image.alpha_composite(gray, frame))[:, :, :3].astype(int))
            durations.append(image.info["duration"])
        return images, durations


@pytest.mark.parametrize("target", [".png", ".webp", ".gif"])
@pytest.mark.parametrize("source", [".png", ".webp", ".gif"])
@pytest.mark.parametrize("alpha", [False, True])
def test_every_frame_is_enlarged_and_shown_as_long(
    tmp_path: Path, upscaler: Upscaler, source: str, target: str, alpha: bool
) -> None:
    path = moving(tmp_path / f"in{source}", alpha, loop=0, disposal=2 if alpha and source != ".webp" else 0)
    steps: list[tuple[int, int]] = []
    job = UpscaleJob(path, tmp_path / f"out{target}")
    assert upscale_file(job, upscaler, lambda *step: steps.append(step)).size == (80, 48)
    assert steps[-1][0] == steps[-1][1] == len(steps)
    results, durations = shown(tmp_path / f"out{target}")
    assert durations == DURATIONS
    expected = [np.asarray(frame.convert("RGBA")) for frame in frames(alpha)]
    for result, frame in zip(results, expected, strict=True):
        inner = frame.repeat(4, 0).repeat(4, 1)[:, :, :3]
        opaque = frame[:, :, 3].repeat(4, 0).repeat(4, 1) == 255
        # the alpha is bicubic, so that edges of what is transparent move by less than a pixel of the source
        core = (
            opaque
            & np.roll(opaque, 4, 0)
            & np.roll(opaque, -4, 0)
            & np.roll(opaque, 4, 1)
            & np.roll(opaque, -4, 1)
        )
        assert np.abs(result[core] - inner[core]).max() <= (6 if target == ".gif" else 0)
        if alpha:
            assert (result[-8:, -2:] == 128).all()  # nothing, still, where there was nothing


@pytest.mark.parametrize("target", ["png", "webp", "gif"])
@pytest.mark.parametrize(
    ("options", "source", "plays"),
    [
        ({"loop": 0}, "gif", 0),
        ({}, "gif", 1),
        ({"loop": 2}, "gif", 3),
        ({"loop": 2}, "png", 2),
        ({"loop": 2}, "webp", 2),
    ],
)
def test_it_plays_as_often(
    tmp_path: Path, upscaler: Upscaler, options: dict, source: str, plays: int, target: str
) -> None:
    path = moving(tmp_path / f"in.{source}", **options)
    upscale_file(UpscaleJob(path, tmp_path / f"out.{target}"), upscaler)
    assert read_animation(tmp_path / f"out.{target}").timing.plays == plays


@pytest.mark.parametrize("suffix", [".png", ".webp"])
@pytest.mark.parametrize("alpha", [False, True])
def test_frames_are_turned_as_stills_are(
    tmp_path: Path, upscaler: Upscaler, alpha: bool, suffix: str
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    source = moving(tmp_path / f"in{suffix}", alpha, exif=exif)
    upscale_file(UpscaleJob(source, tmp_path / "out.png"), upscaler)
    assert upscaler.enlarged((12, 20)) == read_animation(tmp_path / "out.png").frames[0].size
    for index, frame in enumerate(read_animation(tmp_path / f"in{suffix}").frames):
        frames(alpha)[index].save(tmp_path / "still.png", exif=exif)
        still = read_image(tmp_path / "still.png").pixels
        np.testing.assert_array_equal(frame.pixels[:, :, :3], still[:, :, :3])


def test_a_frame_may_be_shown_for_any_time(tmp_path: Path) -> None:
    times = (0.4, 65_535.4, 65_535.7, 65_536.0, 1e9)
    pixels = np.random.default_rng(0).integers(0, 256, (len(times), 3, 3, 3), np.uint8)
    with open_writer(tmp_path / "a.png", DecodedImage(pixels[0]), (3, 3), timing=Timing(times)) as writer:
        for frame in pixels:
            writer.write(frame)
    assert read_animation(tmp_path / "a.png").timing.durations == (0, 65_535, 66_000, 66_000, 65_535_000)


@pytest.mark.parametrize(("name", "timing"), [("a.gif", (700_000.0,) * 2), ("a.webp", (2e7,) * 2)])
def test_a_time_that_the_format_cannot_hold_is_one_line(
    tmp_path: Path, name: str, timing: tuple[float, ...]
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 3, 3), np.uint8)
    with (
        pytest.raises(UserError, match=f"cannot write '.*{name}'"),
        open_writer(tmp_path / name, DecodedImage(pixels[0]), (3, 3), timing=Timing(timing)) as writer,
    ):
        for frame in pixels:
            writer.write(frame)
    assert list(tmp_path.iterdir()) == []


def test_a_fault_of_the_caller_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match=r"^mine$"),
        open_writer(tmp_path / "a.png", DecodedImage(BLACK), (3, 3)),
    ):
        raise ValueError("mine")
    assert list(tmp_path.iterdir()) == []


def test_frames_that_only_say_what_changed_are_put_together(tmp_path: Path) -> None:
    pixels = [frame.pixels for frame in read_animation(moving(tmp_path / "in.gif")).frames]
    for got, made in zip(pixels, frames(alpha=False), strict=True):
        assert np.abs(got.astype(int) - np.asarray(made)).max() <= 6


def test_the_still_that_an_apng_has_for_others_is_no_frame(tmp_path: Path) -> None:
    still = Image.new("RGB", (20, 12), "white")
    still.save(
        tmp_path / "a.png",
        save_all=True,
        append_images=frames(alpha=False),
        default_image=True,
        duration=DURATIONS,
    )
    animation = read_animation(tmp_path / "a.png")
    assert len(animation.frames) == 3 and animation.timing.durations == tuple(DURATIONS)


def test_stills_and_pages_are_no_animations(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "still.png")
    Image.new("L", (4, 4)).save(tmp_path / "pages.tif", save_all=True, append_images=[Image.new("L", (4, 4))])
    (tmp_path / "text.gif").write_text("just words")
    assert not any(is_animation(tmp_path / name) for name in ("still.png", "pages.tif", "text.gif"))
    with pytest.raises(UserError, match="2 frames"):
        read_image(tmp_path / "pages.tif")


@pytest.mark.parametrize("name", ["a.jpg", "a.tif"])
def test_a_format_without_motion_is_refused(tmp_path: Path, upscaler: Upscaler, name: str) -> None:
    path = moving(tmp_path / "in.gif")
    result = upscale_file(UpscaleJob(path, tmp_path / name), upscaler)
    assert "holds no 3 frames; use .png, .webp or .gif" in result.error
    assert not (tmp_path / name).exists()


def test_all_frames_share_one_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = moving(tmp_path / "in.gif")
    monkeypatch.setenv(MEGAPIXELS_VARIABLE, "0.0005")
    with pytest.raises(UserError, match=r"3 frames .* 0\.0005 megapixels"):
        read_animation(path)
