import math
import os
from pathlib import Path

import numpy as np
import pytest

from fasrgan_hub.errors import UserError
from fasrgan_hub.evaluation import evaluate
from fasrgan_hub.metrics import niqe


def texture(seed: int, rounds: int) -> np.ndarray:
    """Color noise, 250 x 310, averaged with its neighbors `rounds` times and stretched to 8 bits."""
    x = np.random.RandomState(seed).randint(0, 1 << 20, (250, 310, 3))
    for _ in range(rounds):
        x = (x + np.roll(x, 1, 0) + np.roll(x, 1, 1) + np.roll(x, (1, 1), (0, 1))) // 4
    return ((x - x.min()) * 255 // (x.max() - x.min())).astype(np.uint8)


@pytest.mark.parametrize(
    ("seed", "rounds", "expected"),
    [(0, 0, 31.82188), (1, 1, 9.62307), (2, 2, 11.32318), (3, 4, 9.39613), (4, 8, 10.88330)],
)
def test_basicsr_gives_the_same_numbers(seed, rounds, expected):
    """Expected: `calculate_niqe(image, crop_border=0)` of basicsr 1.4.2."""
    assert niqe(texture(seed, rounds)) == pytest.approx(expected, abs=1e-3)


def test_only_whole_blocks_of_the_image_count_and_no_original():
    image = texture(0, 3)
    assert niqe(image) == niqe(image[:192, :288]) == niqe(image, texture(1, 1))
    assert niqe(image) != niqe(image[1:])
    assert niqe(image, border=4) == niqe(image[4:-4, 4:-4])


@pytest.mark.parametrize("level", [10, 50, 150])
def test_flat_regions_leave_no_rounding_noise(level):
    """85 levels more move Y by 73 exactly and change no contrast; noise moves the score by 0.2 to 0.3."""
    image = texture(0, 3)[:192, :288] // 2
    image[10:90, 10:90] = level
    assert niqe(image + 85) == pytest.approx(niqe(image), abs=1e-6)


def test_a_flat_image_has_no_score():
    assert math.isnan(niqe(np.full((200, 200, 3), 50, np.uint8)))


def test_two_blocks_are_the_least():
    assert math.isfinite(niqe(texture(0, 3)[:96, :192]))
    assert math.isfinite(niqe(texture(0, 3)[:192, :96]))
    with pytest.raises(UserError, match="191x191"):
        niqe(texture(0, 3)[:191, :191])


def test_pristine_numbers_carry_their_notice():
    from importlib.resources import as_file, files

    from safetensors import safe_open

    with (
        as_file(files("fasrgan_hub.metrics") / "niqe_pristine.safetensors") as path,
        safe_open(path, "np") as file,
    ):
        assert "University of Texas" in file.metadata()["notice"]
        covariance = file.get_tensor("covariance")
    assert covariance.shape == (36, 36) and np.allclose(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance).min() > 0


BENCHMARKS = os.environ.get("FASRGAN_BENCHMARKS")


@pytest.mark.slow
@pytest.mark.skipif(not BENCHMARKS, reason="FASRGAN_BENCHMARKS does not name the folder of Set5, Set14")
def test_matlabs_number_for_the_baboon():
    """5.72957338 by the release under MATLAB R2021a, as basicsr documents it."""
    image = Path(str(BENCHMARKS)) / "Set14/HR/img_001.png"
    means = evaluate(hr=image, sr=image, metrics="niqe").means
    assert means["niqe"] == pytest.approx(5.72957338, abs=1e-5)
