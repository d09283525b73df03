"""Command lines as dataclasses: a field is an option, and the text under it is its help.

A field of type bool is a switch, a list is an option that may be repeated. The fields of each base class are a group.
Help may name the %(default)s.
"""

import argparse
import ast
import inspect
from dataclasses import Field, dataclass, field, fields
from itertools import pairwise
from textwrap import dedent
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from ...hub.model_files import DEFAULT_MODEL

if TYPE_CHECKING:
    from torch import nn

    from ...hub.model_files import ModelFiles
    from ...upscaling.upscaler import Upscaler

    Model = str | ModelFiles | nn.Module

MODEL_HELP = (
    "a bundled model, a folder, a Hub id, another program's file, 'bicubic' or 'nearest' "
    f"(default: {DEFAULT_MODEL})"
)


def option(metavar: str | None = None, flag: str | None = None, default: Any = None, **settings: Any) -> Any:
    """A field with more than a type and a default.

    Args:
        metavar: stands for the value in --help.
        flag: a short form beside --NAME, or a long form instead of it.
        settings: of `ArgumentParser.add_argument`; and `exclusive`: at most one such option of a class may be used.
    """
    return field(default=default, metadata={"metavar": metavar, "flag": flag, **settings})


def repeated(metavar: str, flag: str | None = None, **settings: Any) -> Any:
    """A field that is a list, with one value for each time that its option is used."""
    metadata = {"metavar": metavar, "flag": flag, "action": "append", "default": [], **settings}
    return field(default_factory=list, metadata=metadata)


def argument(metavar: str, nargs: str | None = None, **settings: Any) -> Any:
    """A field that is a positional argument."""
    return field(default=None, metadata={"metavar": metavar, "nargs": nargs, "positional": True, **settings})


def add_options(parser: argparse.ArgumentParser, cls: type) -> None:
    """Add the options of a dataclass to a parser."""
    parser.prefix_chars = getattr(cls, "prefix_chars", parser.prefix_chars)
    types, by_name = get_type_hints(cls), {each.name: each for each in fields(cls)}
    for part in inspect.getmro(cls)[:-1]:
        title = part.__name__.removesuffix("Options").lower()
        group = parser if part is cls else parser.add_argument_group(title)
        exclusive: Any = None
        help_texts = _texts_under_fields(part)
        for name in inspect.get_annotations(part):
            names, settings = _describe(by_name[name], types[name])
            place: Any = group
            if settings.pop("exclusive", False):
                place = exclusive = exclusive or group.add_mutually_exclusive_group()
            place.add_argument(*names, **{"help": help_texts.get(name)} | settings)


def _describe(each: Field, kind: Any) -> tuple[list[str], dict[str, Any]]:
    """The names of an option and its other settings."""
    settings: dict[str, Any] = {"default": each.default, **each.metadata}
    if kind is bool:
        settings["action"] = "store_true"
        settings.pop("metavar", None)
    else:
        settings.setdefault("type", next(iter(get_args(kind)), kind))  # str for str | None and list[str]
    flag, name = settings.pop("flag", None), f"--{each.name.replace('_', '-')}"
    if settings.pop("positional", False):
        return [each.name], settings
    names = [name] if not flag else [flag] if flag.startswith("--") else [flag, name]
    return names, settings | {"dest": each.name}


def _texts_under_fields(cls: type) -> dict[str, str]:
    statements: list[Any] = ast.parse(dedent(inspect.getsource(cls))).body[0].body  # type: ignore[attr-defined]
    return {
        each.target.id: ast.literal_eval(text.value)
        for each, text in pairwise(statements)
        if isinstance(each, ast.AnnAssign)
        and isinstance(each.target, ast.Name)
        and isinstance(text, ast.Expr)
    }


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


@dataclass
class OutputOptions:
    """How results of `fasrgan upscale` are named and encoded."""

    output: str | None = option("OUT", "-o")
    """a file for one image, a folder for several (made if absent; names are kept), - for standard output; default:
    NAME_x4.png beside each file, FOLDER_x4/ beside a folder (4 is the factor)"""
    format: str | None = option("F")
    """png (default), tif, webp and jxl, which are lossless; jpg, avif, heic, gif; or same: each result as its input. If
    OUT is a file, its ending decides"""
    quality: int | None = option("Q", type=parse_quality)
    """1 to 100 for jpg, avif and heic (default: 95) and for a video (default: 65); makes webp and jxl lossy"""
    codec: str | None = option("C")
    """of a video: h264 (default), hevc, av1 or vp9 (default of .webm)"""
    suffix: str | None = option("TEXT")
    """add this to the results' names (default: _x4 beside a file, else none)"""


@dataclass
class ComputationOptions:
    """How an Upscaler computes."""

    engine: str = "auto"
    """auto, torch, openvino or onnx (default: auto)"""
    precision: str | None = None
    """f32, bf16, f16 or int8 (default: the best on this machine)"""
    device: str | None = None
    """cpu, cuda, cuda:1, ... (default: a GPU if there is one)"""
    revision: str | None = option("R")
    """branch, tag or commit of a Hub id"""
    tile: int | None = option("N", type=parse_count)
    """tile side in input pixels (smaller: less memory; 0: no tiles)"""
    overlap: int | None = option("N", type=parse_count)
    """context around each tile in input pixels"""


@dataclass
class ResultOptions(ComputationOptions):
    """Every option of an Upscaler but its model."""

    scale: float | None = option("S")
    """factor, also fractional, up to the square of the model's own (default: the model's own, which is 4
    for the bundled ones)"""
    fidelity: float | None = option("F")
    """0 to 1: interpolate from the model's weights (0) to those of its PSNR model NAME-psnr-x4 (1), which invents
    least"""
    faithful: str | None = option("MODEL")
    """the PSNR model, if it has another name"""
    denoise: float | None = option("F")
    """0 to 1: interpolate from the weights of NAME-bicubic-x4 (0), trained on clean images, to the model's (1, the
    default)"""
    ensemble: bool = False
    """average the results of eight flips and rotations: 8 times slower"""
    match_color: bool = False
    """correct low-frequency color to that of the input, and print the shift"""
    edges: str = "mirror"
    """beyond the edges lies the image's reflection (mirror, the default), its other side (wrap, for textures that
    repeat) or nothing (zeros)"""

    def upscaler(self, model: "Model") -> "Upscaler":
        """The Upscaler of a model with these options."""
        from ...upscaling.upscaler import Upscaler

        return Upscaler(model, **{each.name: getattr(self, each.name) for each in fields(ResultOptions)})
