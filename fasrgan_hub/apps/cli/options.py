"""What several subcommands say in the same words."""

import argparse
import sys
from typing import TYPE_CHECKING

from ...errors import UserError

if TYPE_CHECKING:
    from ...upscaling.upscaler import Upscaler

DEFAULT_MODEL = "fasrgan-lite-x4"
MODEL_HELP = f"a bundled model, a folder, a Hub id or 'bicubic' (default: {DEFAULT_MODEL})"


def add_upscaler(command: argparse.ArgumentParser) -> None:
    """The options that `make_upscaler` reads: everything about an Upscaler but its model."""
    result = command.add_argument_group("what comes out")
    result.add_argument(
        "--scale", type=number, default=4, metavar="S", help="factor, up to 16, fractions too (default: 4)"
    )
    result.add_argument(
        "--fidelity",
        type=number,
        metavar="F",
        help="0 to 1: from the model as it is towards its sibling that invents least (NAME-psnr-x4)",
    )
    result.add_argument("--faithful", metavar="MODEL", help="that sibling, where it has another name")
    result.add_argument(
        "--ensemble",
        action="store_true",
        help="average over eight turned and mirrored poses, eight times slower",
    )
    result.add_argument(
        "--match-color",
        action="store_true",
        help="let colors agree with the input; tells how far off they were",
    )
    computing = command.add_argument_group("how it is computed")
    computing.add_argument("--engine", default="auto", help="auto (default), torch, openvino or onnx")
    computing.add_argument(
        "--precision", help="f32, bf16, f16 or int8; default: what is best on this machine"
    )
    computing.add_argument("--device", help="cpu, cuda, cuda:1, ...; default: an accelerator if there is one")
    computing.add_argument("--revision", metavar="R", help="branch, tag or commit of a Hub id")
    computing.add_argument(
        "--tile",
        type=count,
        metavar="N",
        help="side of a tile in input pixels: smaller takes less memory; 0: no tiles",
    )
    computing.add_argument("--overlap", type=count, metavar="N", help="context around a tile in input pixels")


def make_upscaler(model: str, args: argparse.Namespace) -> "Upscaler":
    from ...upscaling.upscaler import Upscaler

    names = "scale fidelity faithful ensemble match_color engine precision device revision tile overlap"
    return Upscaler(model, **{name: getattr(args, name) for name in names.split()})


def count(text: str) -> int:
    """A whole number of pixels, for argparse."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of pixels")
    return int(text)


def number(text: str) -> float:
    """Any number, for argparse."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None


def complain(error: UserError, program: str = "fasrgan") -> None:
    """One line on standard error."""
    print(f"{program}: error: {' '.join(str(error).split())}", file=sys.stderr)
