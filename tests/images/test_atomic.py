"""Files and folders are complete or absent, and killed runs leave nothing for long."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fasrgan_hub.errors import FileAccessError, UserError
from fasrgan_hub.images.atomic import create_folder, remove_unfinished, replace_file, replace_files


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, failure: BaseException) -> None:
    path = tmp_path / "result.png"
    path.write_bytes(b"old")
    with pytest.raises((UserError, KeyboardInterrupt)), replace_file(path) as file:
        file.write(b"new")
        raise failure
    assert names(tmp_path) == ["result.png"] and path.read_bytes() == b"old"


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_several_files_are_replaced_together_or_not_at_all(tmp_path: Path, failure: BaseException) -> None:
    folder = tmp_path / "model"

    def write(content: str) -> None:
        with replace_files(folder) as partial:
            for name in "ab":
                (partial / name).write_text(content)
            if content == "bad":
                raise failure

    write("old")
    (folder / "mine").touch()
    with pytest.raises((FileAccessError, KeyboardInterrupt)):
        write("bad")
    assert names(folder) == ["a", "b", "mine"] and (folder / "a").read_text() == "old"
    write("new")
    assert names(folder) == ["a", "b", "mine"] and (folder / "b").read_text() == "new"


def test_a_folder_appears_complete_and_the_first_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "folder"
    with pytest.raises(KeyboardInterrupt), create_folder(path) as partial:
        (partial / "half").touch()
        raise KeyboardInterrupt
    assert names(path.parent) == []
    with create_folder(path) as late, create_folder(path) as early:
        (early / "early").touch()
        (late / "late").touch()
        assert not path.exists()
    assert names(path.parent) == ["folder"] and names(path) == ["early"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for write in (create_folder, replace_files):
        with pytest.raises(FileAccessError, match=r"cannot write '.*file/x'"), write(tmp_path / "file" / "x"):
            raise AssertionError


@pytest.mark.skipif(sys.platform == "win32", reason="folders are not locked")
def test_folders_of_killed_runs_go_and_those_in_use_stay(tmp_path: Path) -> None:
    code = """
import os, sys
from pathlib import Path
from fasrgan_hub.images.atomic import replace_files
with replace_files(Path(sys.argv[1])) as folder:
    (folder / "half").touch()
    os._exit(1)
"""
    subprocess.run([sys.executable, "-c", code, tmp_path], check=False, env=os.environ)
    assert len(names(tmp_path)) == 1
    with replace_files(tmp_path) as used:
        remove_unfinished(tmp_path)
        assert names(tmp_path) == [used.name]
    assert names(tmp_path) == []
