"""Fixed degraded images: the same bytes on every machine, and a warning where they are not."""

import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import photo

from fasrgan_hub.data.degradations import PRESETS, fixed
from fasrgan_hub.data.degradations.codecs import codec_versions
from fasrgan_hub.data.degradations.fixed import degrade_image, differing_codecs, fingerprint
from fasrgan_hub.errors import UserError

PROVEN = codec_versions() == fixed.RECORDED_WITH
DIGESTS = """
from fasrgan_hub.data.degradations.fixed import *
from fasrgan_hub.data.degradations import PRESETS
print(*map(fingerprint, (PRESETS[name] for name in RECORDED)))
"""


@pytest.mark.skipif(not PROVEN, reason="recorded with other encoders")
def test_presets_are_what_was_recorded():
    assert {name: fingerprint(PRESETS[name]) for name in fixed.RECORDED} == fixed.RECORDED
    assert differing_codecs() == ""


def test_an_older_processor_makes_the_same_bytes():
    """numpy and libjpeg-turbo without their wide instructions."""
    plain = {"JSIMD_FORCENONE": "1", "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"}
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGESTS], env={**os.environ, **more}, capture_output=True, check=True
        ).stdout
        for more in ({}, plain)
    }
    assert len(digests) == 1


def test_name_and_seed_decide():
    hr = photo(41, 39)
    web = PRESETS["web"]
    first = degrade_image(hr, "a", web)
    assert first.shape == (10, 9, 3)
    assert np.array_equal(first, degrade_image(hr, "a", web, 4, 0))
    assert not np.array_equal(first, degrade_image(hr, "b", web))
    assert not np.array_equal(first, degrade_image(hr, "a", web, seed=1))
    with pytest.raises(UserError, match=r"'.*' has 39x3 pixels, too few to be shrunk by 4"):
        degrade_image(hr[:3], "a", web)


def test_other_encoders_are_told_once(monkeypatch):
    monkeypatch.setattr(fixed, "RECORDED", {"web": "0" * 64})
    differing_codecs.cache_clear()
    try:
        with pytest.warns(
            UserWarning, match=r"degraded images \(web\) are not bit for bit .* recorded with pillow"
        ):
            assert "webp" in differing_codecs()
    finally:
        differing_codecs.cache_clear()
