"""How a program of this package ends: from exceptions to messages and exit statuses, in one place."""

import os
import sys
from contextlib import suppress
from types import TracebackType

from ...errors import UserError

USER_ERROR = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells count
CLOSED_PIPE = 141  # 128 + SIGPIPE


class ExitStatus:
    """A context manager around a program; afterwards `code` is the exit status of the process.

    | the block                         | code         | on standard error        |
    |-----------------------------------|--------------|--------------------------|
    | ends                              | as it set it |                          |
    | raises UserError or OSError       | 2            | one line with the reason |
    | is interrupted (Ctrl-C)           | 130          | one line                 |
    | writes into a pipe that is closed | 141          | nothing                  |

    All other exceptions pass: they are faults of the program.

    Args:
        program: the name in front of each line.
        interrupted: the line after Ctrl-C.
    """

    def __init__(self, program: str, interrupted: str = "interrupted"):
        self.program, self.interrupted = program, interrupted
        self.code = 0

    def __enter__(self) -> "ExitStatus":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        try:
            sys.stdout.flush()  # a closed pipe shows here, not when the interpreter ends
        except BrokenPipeError as closed:
            error = closed
        try:
            return self._end_with(error)
        except BrokenPipeError:  # standard error is closed as well
            return self._end_with(BrokenPipeError())

    def _end_with(self, error: BaseException | None) -> bool:
        """Set `code` and print the message of an error; whether it was one of those expected here."""
        if isinstance(error, BrokenPipeError):
            self.code = CLOSED_PIPE
            discard_output()
        elif isinstance(error, UserError):
            self.code = USER_ERROR
            print_error(error, self.program)
        elif isinstance(error, OSError):
            self.code = USER_ERROR
            print_error(_reason(error), self.program)
        elif isinstance(error, KeyboardInterrupt):
            self.code = INTERRUPTED
            print(f"{self.program}: {self.interrupted}", file=sys.stderr)
        else:
            return False
        return True


def print_error(error: Exception | str, program: str = "fasrgan") -> None:
    """Print a message on standard error, in one line."""
    print(f"{program}: error: {' '.join(str(error).split())}", file=sys.stderr)


def _reason(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{reason}: '{error.filename}'" if error.filename else reason


def discard_output() -> None:
    """Let what is still buffered for standard output and error go nowhere, so that no later flush fails."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            try:
                stream.flush()
            except BrokenPipeError:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
