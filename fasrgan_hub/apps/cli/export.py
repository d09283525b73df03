"""`fasrgan export`: Write a model for other programs."""

from dataclasses import dataclass

from ...errors import UserError
from .options import argument, option


@dataclass
class Options:
    model: str = argument("MODEL")
    """a bundled model, a folder or a Hub id"""
    output: str = option("OUT", "-o", required=True)
    """a folder with --for, else a file: .onnx; .xml for OpenVINO (a .bin comes beside it); .safetensors with ESRGAN's
    keys, for chaiNNer, ComfyUI and spandrel"""
    precision: str | None = None
    """f32 (default); .xml also f16 or int8, which takes minutes"""
    program: str | None = option("PROGRAM", "--for", choices=("browser", "transformers.js"))
    """browser: f32 and f16 for onnxruntime-web; transformers.js: for its pipeline image-to-image. OUT is a folder"""
    revision: str | None = option("R")
    """branch, tag or commit of a Hub id"""


def run(options: Options) -> int:
    """Write a generator as ONNX, OpenVINO or ESRGAN weights, for images of any size, and compare it with torch."""
    from ...interop.export import export
    from ...interop.web_export import export_for

    if options.program and options.precision:
        raise UserError(f"--for {options.program} writes f32 and f16; leave --precision out")
    if options.program:
        exported = export_for(options.program, options.model, options.output, options.revision)
    else:
        exported = export(options.model, options.output, options.precision or "f32", options.revision)
    for file in exported.files:
        print(f"{file}  {file.stat().st_size:,} bytes")
    largest, mean = 255 * exported.largest, 255 * exported.mean
    print(f"differs from torch by at most {largest:.2g} of 255 levels, {mean:.2g} in the mean")
    return 0
