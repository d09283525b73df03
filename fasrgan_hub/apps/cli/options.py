"""Options that several subcommands share."""

import argparse
from typing import TYPE_CHECKING

from ...hub.model_files import DEFAULT_MODEL

if TYPE_CHECKING:
    from ...upscaling.upscaler import Upscaler

MODEL_HELP = f"a bundled model, a folder, a Hub id or 'bicubic' (default: {DEFAULT_MODEL})"

_RESULT = ("scale", "fidelity", "faithful", "ensemble", "match_color")
_COMPUTATION = ("engine", "precision", "device", "revision", "tile", "overlap")


def add_upscaler_options(command: argparse.ArgumentParser) -> None:
    """Add every option of an Upscaler but its model; `make_upscaler` reads them."""
    result = command.add_argument_group("result")
    result.add_argument(
        "--scale",
        type=parse_number,
        default=4,
        metavar="S",
        help="factor, up to 16, also fractional (default: 4)",
    )
    result.add_argument(
        "--fidelity",
        type=parse_number,
        metavar="F",
        help="0 to 1: interpolate from the model's weights (0) to those of its PSNR model NAME-psnr-x4 (1), "
        "which invents least",
    )
    result.add_argument("--faithful", metavar="MODEL", help="the PSNR model, if it has another name")
    result.add_argument(
        "--ensemble",
        action="store_true",
        help="average the results of eight flips and rotations: 8 times slower",
    )
    result.add_argument(
        "--match-color",
        action="store_true",
        help="correct low-frequency color to that of the input, and print the shift",
    )
    _add_computation_options(command)


def _add_computation_options(command: argparse.ArgumentParser) -> None:
    computation = command.add_argument_group("computation")
    computation.add_argument("--engine", default="auto", help="auto, torch, openvino or onnx (default: auto)")
    computation.add_argument("--precision", help="f32, bf16, f16 or int8 (default: the best on this machine)")
    computation.add_argument("--device", help="cpu, cuda, cuda:1, ... (default: a GPU if there is one)")
    computation.add_argument("--revision", metavar="R", help="branch, tag or commit of a Hub id")
    computation.add_argument(
        "--tile",
        type=parse_count,
        metavar="N",
        help="tile side in input pixels (smaller: less memory; 0: no tiles)",
    )
    computation.add_argument(
        "--overlap", type=parse_count, metavar="N", help="context around each tile in input pixels"
    )


def make_upscaler(model: str, args: argparse.Namespace) -> "Upscaler":
    """The Upscaler that the options of `add_upscaler_options` describe."""
    from ...upscaling.upscaler import Upscaler

    return Upscaler(model, **{name: getattr(args, name) for name in (*_RESULT, *_COMPUTATION)})


def parse_count(text: str) -> int:
    """A whole number from 0, for argparse."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of 0 or more")
    return int(text)


def parse_quality(text: str) -> int:
    """A whole number from 1 to 100, for argparse."""
    if not (text.isdecimal() and 1 <= int(text) <= 100):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 to 100")
    return int(text)


def parse_number(text: str) -> float:
    """Any number, for argparse."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None
