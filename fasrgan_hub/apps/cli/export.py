"""`fasrgan export`: Write a model for other programs."""

import argparse


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", metavar="MODEL", help="a bundled model, a folder or a Hub id")
    command.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="FILE",
        help=".onnx; .xml for OpenVINO (a .bin comes beside it); .safetensors with ESRGAN's keys, for chaiNNer, "
        "ComfyUI and spandrel",
    )
    command.add_argument(
        "--precision", default="f32", help="f32 (default); .xml also f16 or int8, which takes minutes"
    )
    command.add_argument("--revision", metavar="R", help="branch, tag or commit of a Hub id")


def run(args: argparse.Namespace) -> int:
    """Write a generator as ONNX, OpenVINO or ESRGAN weights, for images of any size, and compare it with torch."""
    from ...interop.export import export

    exported = export(args.model, args.output, args.precision, args.revision)
    for file in exported.files:
        print(f"{file}  {file.stat().st_size:,} bytes")
    largest, mean = 255 * exported.largest, 255 * exported.mean
    print(f"differs from torch by at most {largest:.2g} of 255 levels, {mean:.2g} in the mean")
    return 0
