"""What the build of the Space in the browser takes from elsewhere."""

import build_browser_space
import pytest

from fasrgan_hub.errors import NetworkError


def test_an_archive_of_other_content_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(build_browser_space, "SHA512", "another")
    monkeypatch.setattr(build_browser_space, "cache_folder", lambda: tmp_path)
    (tmp_path / "onnxruntime-web-1.30.0.tgz").write_bytes(b"another archive")
    with pytest.raises(NetworkError, match="not the archive"):
        build_browser_space.fetch_runtime()
    assert list(tmp_path.iterdir()) == []
