"""int8: the calibration images, the rescaling of dense blocks before it, and the network that comes out."""

from pathlib import Path

import numpy as np
import pytest
import torch
from small_networks import F32, build, engine_of, image
from torch import Tensor

from fasrgan_hub.models.generators import Generator
from fasrgan_hub.upscaling.engines import network_cache
from fasrgan_hub.upscaling.engines.choice import Choice
from fasrgan_hub.upscaling.engines.equalize import equalize
from fasrgan_hub.upscaling.engines.int8 import calibration_crops


def test_the_calibration_images_are_photographs() -> None:
    crops = calibration_crops()
    assert len(crops) == 24 and {crop.shape for crop in crops} == {(1, 3, 96, 96)}
    assert all(crop.min() >= 0 and crop.max() <= 1 and crop.std() > 0.02 for crop in crops)


def test_equalising_brings_the_features_of_a_block_together_and_changes_no_result() -> None:
    def ranges(network: Generator) -> Tensor:
        """Of the channels that the last convolution of the first dense block reads."""
        largest = []
        conv = network.body[0].rdb1.conv5
        hook = conv.register_forward_pre_hook(lambda _, x: largest.append(x[0].abs().amax(dim=(0, 2, 3))))
        with torch.inference_mode():
            network(torch.from_numpy(x))
        hook.remove()
        return largest[0]

    network, x = build(), image(1, 24, 24)
    with torch.no_grad():
        for conv, factor in ((network.body[0].rdb1.conv1, 20.0), (network.body[0].rdb1.conv3, 0.05)):
            conv.weight.mul_(factor)
            conv.bias.mul_(factor)
    before, exact = ranges(network), engine_of(network, F32)(x)
    after = ranges(equalize(network, [x]))
    assert after.max() / after.min() < 0.3 * before.max() / before.min()
    np.testing.assert_allclose(engine_of(network, F32)(x), exact, rtol=0, atol=1e-5)
    plain = build("srresnet")
    assert equalize(plain, [x]) is plain


@pytest.mark.slow
def test_int8_is_made_once_kept_in_the_cache_and_close_to_f32(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("nncf")
    monkeypatch.setattr(network_cache, "cache_folder", lambda: tmp_path / "cache")
    network, x = build(), calibration_crops()[8]
    network.save_pretrained(tmp_path / "model")
    int8 = Choice("openvino", "int8")
    y = engine_of(tmp_path / "model", int8)(x)
    assert 1e-5 < abs(y - engine_of(network, F32)(x)).mean() < 0.02
    kept = list((tmp_path / "cache").glob("engines/*int8*/model.bin"))
    assert len(kept) == 1
    written = kept[0].stat().st_mtime_ns
    assert np.array_equal(engine_of(tmp_path / "model", int8)(x), y) and kept[0].stat().st_mtime_ns == written
    assert kept[0].stat().st_size < (tmp_path / "model" / "model.safetensors").stat().st_size / 2
