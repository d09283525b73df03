"""What the build of the Space in the browser takes from elsewhere."""

import json

import build_browser_space
import pytest

from fasrgan_hub.errors import NetworkError
from fasrgan_hub.systems import FASRGAN


def test_an_archive_of_other_content_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(build_browser_space, "SHA512", "another")
    monkeypatch.setattr(build_browser_space, "cache_folder", lambda: tmp_path)
    (tmp_path / "onnxruntime-web-1.30.0.tgz").write_bytes(b"another archive")
    with pytest.raises(NetworkError, match="not the archive"):
        build_browser_space.fetch_runtime()
    assert list(tmp_path.iterdir()) == []


def test_a_sibling_of_another_ancestor_is_not_offered(tmp_path):
    """The page mixes weights only."""
    for name in ("my-x4", "my-psnr-x4"):
        FASRGAN(blocks=1, features=8, growth=4).save_pretrained(tmp_path / name)
    model, faithful = str(tmp_path / "my-x4"), tmp_path / "my-psnr-x4"
    assert build_browser_space.find_sibling(model) == str(faithful)
    config = json.loads((faithful / "config.json").read_text())
    (faithful / "config.json").write_text(json.dumps(config | {"ancestor": "another"}))
    assert build_browser_space.find_sibling(model) is None
