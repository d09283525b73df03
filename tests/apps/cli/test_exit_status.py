"""From exceptions to exit statuses."""

import pytest

from fasrgan_hub.apps.cli.exit_status import run_program
from fasrgan_hub.errors import UserError


def raising(error: BaseException):
    def work() -> int:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (UserError("two\nlines"), 2, "prog: error: two lines\n"),
        (FileNotFoundError(2, "No such file", "a.png"), 2, "prog: error: No such file: 'a.png'\n"),
        (OSError("no number"), 2, "prog: error: no number\n"),
        (KeyboardInterrupt(), 130, "prog: stopped\n"),
        (BrokenPipeError(), 141, ""),
    ],
)
def test_each_exception_has_its_status_and_line(
    error: BaseException, status: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_program("prog", raising(error), interrupted="stopped") == status
    assert capsys.readouterr().err == line


def test_a_program_ends_with_the_status_that_it_returns() -> None:
    assert run_program("prog", lambda: 7) == 7


def test_a_fault_of_the_program_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run_program("prog", lambda: 1 // 0)
