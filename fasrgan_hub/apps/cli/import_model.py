"""`fasrgan import`: Convert generators of other programs."""

from dataclasses import dataclass

from .options import argument, option


@dataclass
class Options:
    files: list[str] = argument("FILE", nargs="+")
    """.pth or .safetensors of ESRGAN, BasicSR, Real-ESRGAN or the paper's authors (Fs-SRGAN: generator and
    extractor), or ncnn's .param and .bin"""
    output: str | None = option("DIR", "-o")
    """the new folder (default: the file's name without its ending)"""
    system: str | None = option("NAME")
    """the system of the new model, such as fasrgan (default: esrgan; fs-srgan or fa-fs-srgan with an extractor)"""


def run(options: Options) -> int:
    """Convert an RRDB generator (x1, x2 or x4) of another program into a model folder; only tensors are read."""
    from ...interop.foreign_checkpoints import import_model

    folder = import_model(options.files, options.output, options.system)
    print(f"{folder}: use it with 'fasrgan upscale IMAGE --model {folder}'")
    return 0
