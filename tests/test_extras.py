"""Optional packages: what is missing, and what is broken, is said in one line with the command that helps."""

import sys

import pytest

from fasrgan_hub.errors import MissingPackageError
from fasrgan_hub.extras import import_extra


def test_a_missing_package_names_the_extra():
    with pytest.raises(MissingPackageError) as caught:
        import_extra("no_such_package.part", "a figure", "evaluate")
    assert str(caught.value) == "a figure needs no_such_package: pip install 'fasrgan-hub[evaluate]'"


def test_a_package_that_cannot_be_imported_says_why(tmp_path, monkeypatch):
    (tmp_path / "broken_package.py").write_text(
        "raise RuntimeError('operator torchvision::nms is missing')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        MissingPackageError, match=r"cannot be imported \(operator torchvision::nms is missing\)"
    ):
        import_extra("broken_package", "'a.pth'", "spandrel")


def test_a_module_inside_a_package_is_imported():
    assert import_extra("xml.dom", "a test", "none") is sys.modules["xml.dom"]
