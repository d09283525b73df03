"""How a program of this package ends: from exceptions to messages and exit statuses, in one place."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress

from ...errors import UserError

USER_ERROR = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells count
CLOSED_PIPE = 141  # 128 + SIGPIPE


def run_program(program: str, work: Callable[[], int], interrupted: str = "interrupted") -> int:
    """Call `work` and return the exit status of the process.

    | `work`                            | status          | on standard error        |
    |-----------------------------------|-----------------|--------------------------|
    | returns                           | what it returns |                          |
    | raises UserError or OSError       | 2               | one line with the reason |
    | is interrupted (Ctrl-C)           | 130             | one line                 |
    | writes into a pipe that is closed | 141             | nothing                  |

    Args:
        program: the name in front of each line.
        interrupted: the line after Ctrl-C.
    """
    try:
        try:
            return work()
        finally:
            sys.stdout.flush()  # a closed pipe shows here, not when the interpreter ends
    except BrokenPipeError:
        _discard_output()
        return CLOSED_PIPE
    except UserError as error:
        print_error(error, program)
    except OSError as error:
        print_error(_reason(error), program)
    except KeyboardInterrupt:
        print(f"{program}: {interrupted}", file=sys.stderr)
        return INTERRUPTED
    return USER_ERROR


def print_error(error: Exception | str, program: str = "fasrgan") -> None:
    """Print a message on standard error, in one line."""
    print(f"{program}: error: {' '.join(str(error).split())}", file=sys.stderr)


def _reason(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{reason}: '{error.filename}'" if error.filename else reason


def _discard_output() -> None:
    """Let what is still buffered for standard output and error go nowhere, so that no later flush fails."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            try:
                stream.flush()
            except BrokenPipeError:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
