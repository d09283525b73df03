"""Training from the command line: `fasrgan train`, `python -m fasrgan_hub.train` and `scripts/train.py`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import UserError
from .exit_status import CLOSED_PIPE, INTERRUPTED, USER_ERROR, discard_output
from .options import argument

KNOWN_WARNINGS = (
    r"Detected call of `lr_scheduler.step\(\)` before `optimizer.step\(\)`",  # --optimizer.d_every delays one
    "'set_vital' is deprecated",  # by torchdata
)
"""Beginnings of warnings of libraries that are of no use to who trains."""


@dataclass
class Options:
    """Every word is an argument: training has a parser of its own, which would take half a second here."""

    prefix_chars = "\0"
    words: list[str] = argument("WORD", nargs="*")


def run(options: Options) -> int:
    """Train a system of the paper."""
    return main(options.words, "fasrgan train")


def main(arguments: Sequence[str] | None = None, program: str = "fasrgan_hub.train") -> int:
    """Train as the arguments (default: the process's) say and return the exit status.

    0 when the stage is at its end; 2 for a mistake that the user can correct, reported in one line; 130 when
    interrupted; 141 when --help or --list meets a closed pipe.
    """
    import warnings

    from ...training.launcher import leave_group, print_last, use_all_cores

    use_all_cores()
    from ...training.command_line import parse
    from ...training.interruption import Interrupted
    from ...training.loop import train

    for message in KNOWN_WARNINGS:
        warnings.filterwarnings("ignore", message)
    try:
        config, resume = parse(arguments)
        train(config, resume)
        leave_group()
    except BrokenPipeError:  # of --help and --list; training itself goes on without its output
        return CLOSED_PIPE
    except (UserError, OSError) as error:
        print_last(f"{program}: error: {_reason(error)}")
        return USER_ERROR
    except Interrupted as stop:
        leave_group()
        if stop.is_main_process:
            print_last(f"{program}: {stop}")
        return INTERRUPTED
    except KeyboardInterrupt:
        print_last(
            f"{program}: interrupted; --resume latest goes on from the last checkpoint, if there is one"
        )
        return INTERRUPTED
    finally:
        discard_output()
    return 0


def _reason(error: Exception) -> str:
    """One line; what a data process raises comes with its traceback and the name of its class in front."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[-1]
    return re.sub(r"^fasrgan_hub\.errors\.\w+: ", "", line)
