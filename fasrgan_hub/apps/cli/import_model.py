"""`fasrgan import`: Convert generators of other programs."""

import argparse


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help=".pth or .safetensors of ESRGAN, BasicSR, Real-ESRGAN or the paper's authors (Fs-SRGAN: generator and "
        "extractor), or ncnn's .param and .bin",
    )
    command.add_argument(
        "-o", "--output", metavar="DIR", help="the new folder (default: the file's name without its ending)"
    )
    command.add_argument(
        "--system",
        metavar="NAME",
        help="the system of the new model, such as fasrgan (default: esrgan; fs-srgan or fa-fs-srgan with an "
        "extractor)",
    )


def run(args: argparse.Namespace) -> int:
    """Convert an x4 RRDB generator of another program into a model folder; only tensors are read."""
    from ...interop.foreign_checkpoints import import_model

    folder = import_model(args.files, args.output, args.system)
    print(f"{folder}: use it with 'fasrgan upscale IMAGE --model {folder}'")
    return 0
