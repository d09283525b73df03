"""How a program of this package ends: from exceptions to messages and exit statuses, in one place."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

from ...errors import UserError, is_out_of_memory

T = TypeVar("T")

USER_ERROR = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells count
CLOSED_PIPE = 141  # 128 + SIGPIPE


@dataclass
class Status:
    """`code` is the exit status of the process."""

    code: int = 0


@contextmanager
def exit_status(program: str) -> Iterator[Status]:
    """A block that is a program, and its exit status.

    | the block                         | code         | on standard error        |
    |-----------------------------------|--------------|--------------------------|
    | ends                              | as it set it |                          |
    | raises UserError or OSError       | 2            | one line with the reason |
    | has not enough memory             | 2            | one line                 |
    | is interrupted (Ctrl-C)           | 130          | one line                 |
    | is ended, see `ending_signals`    | 143, 129     | one line                 |
    | writes into a pipe that is closed | 141          | nothing                  |

    All other exceptions pass: they are faults of the program.

    Args:
        program: the name in front of each line.
    """
    status = Status()
    try:
        with _reporting(program, status):
            yield status
    except BrokenPipeError:  # also from a message on standard error
        status.code = CLOSED_PIPE
        discard_output()


class _EndedError(BaseException):
    """A signal asked the process to end: the blocks that it is in remove their unfinished files."""

    def __init__(self, number: int):
        super().__init__(number)
        self.status = 128 + number  # as shells count


def _end(number: int, frame: object) -> None:
    raise _EndedError(number)


@contextmanager
def ending_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does, unless somebody handles or ignores them (nohup).

    So unfinished files are removed. `exit_status` says the rest.
    """
    names = ("SIGTERM", "SIGHUP") if threading.current_thread() is threading.main_thread() else ()
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    handled = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in handled:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def _reporting(program: str, status: Status) -> Iterator[None]:
    try:
        try:
            yield
        finally:
            if sys.stdout:  # None if it was closed from the start
                sys.stdout.flush()  # a closed pipe shows here, not when the interpreter ends
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        status.code = INTERRUPTED
        print(f"{program}: interrupted", file=sys.stderr)
    except _EndedError as error:
        status.code = error.status
        print(f"{program}: ended by a signal", file=sys.stderr)
    except Exception as error:
        if not (isinstance(error, OSError) or _concerns_user(error)):
            raise
        status.code = USER_ERROR
        print_error(error, program)


def do_each(items: Sequence[T], work: Callable[[T], None]) -> None:
    """Work on several images: the error of one is printed, the others follow, and UserError says how many failed."""
    failed = 0
    for item in items:
        try:
            work(item)
        except Exception as error:
            if len(items) == 1 or not _concerns_user(error):
                raise
            failed += 1
            print_error(error)
    if failed:
        raise UserError(f"{failed} of {len(items)} images failed")


def _concerns_user(error: Exception) -> bool:
    """Whether an error is a mistake or a circumstance that the user can change, not a fault of the program."""
    return isinstance(error, UserError) or is_out_of_memory(error)


def print_error(error: Exception | str, program: str = "fasrgan") -> None:
    """Print a message on standard error, in one line."""
    if isinstance(error, Exception) and not isinstance(error, UserError):
        if isinstance(error, OSError) and error.strerror:
            error = error.strerror + (f": '{error.filename}'" if error.filename else "")
        elif is_out_of_memory(error):
            error = "there is not enough memory; try a smaller image"
    print(f"{program}: error: {' '.join(str(error).split())}", file=sys.stderr)


def discard_output() -> None:
    """Let what is still buffered for standard output and error go nowhere, so that no later flush fails."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with suppress(OSError, ValueError):
            try:
                stream.flush()
            except BrokenPipeError:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
