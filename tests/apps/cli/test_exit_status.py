"""From exceptions to exit statuses."""

import pytest

from fasrgan_hub.apps.cli.exit_status import do_each, exit_status
from fasrgan_hub.errors import UserError


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (UserError("two\nlines"), 2, "prog: error: two lines\n"),
        (FileNotFoundError(2, "No such file", "a.png"), 2, "prog: error: No such file: 'a.png'\n"),
        (OSError("no number"), 2, "prog: error: no number\n"),
        (MemoryError(), 2, "prog: error: there is not enough memory; try a smaller image\n"),
        (
            RuntimeError("CUDA out of memory."),
            2,
            "prog: error: there is not enough memory; try a smaller image\n",
        ),
        (KeyboardInterrupt(), 130, "prog: interrupted\n"),
        (BrokenPipeError(), 141, ""),
    ],
)
def test_each_exception_has_its_status_and_line(
    error: BaseException, status: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with exit_status("prog") as ended:
        raise error
    assert ended.code == status
    assert capsys.readouterr().err == line


def test_a_program_ends_with_the_status_that_it_returns() -> None:
    with exit_status("prog") as ended:
        ended.code = 7
    assert ended.code == 7


def test_images_after_one_that_is_too_large_are_still_done(capsys: pytest.CaptureFixture[str]) -> None:
    done = []

    def work(name: str) -> None:
        if name == "large":
            raise MemoryError
        done.append(name)

    with exit_status("prog") as ended:
        do_each(["a", "large", "b"], work)
    assert done == ["a", "b"] and ended.code == 2
    first, last = capsys.readouterr().err.splitlines()
    assert "not enough memory" in first and "1 of 3 images failed" in last


def test_a_fault_of_the_program_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), exit_status("prog"):
        raise ZeroDivisionError
