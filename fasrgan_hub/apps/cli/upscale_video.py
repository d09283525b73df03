"""`fasrgan upscale clip.mp4`: the part of the command for a video."""

import os
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import OverwriteError, UserError
from ...hub.model_files import SCALE
from ..video.joining import FORMATS
from ..video.upscaling import partial_folder, upscale_video
from ..video.writing import DEFAULT_QUALITY, Encoding
from .batch import FileResult
from .jobs import UpscaleJob
from .options import OutputOptions, ResultOptions
from .report import Report, progress_bar

if TYPE_CHECKING:
    from .options import Model


def run_video(
    source: Path,
    name: str,
    model: "Model",
    output: OutputOptions,
    options: ResultOptions,
    skip_done: bool = False,
    json_lines: bool = False,
) -> None:
    """Enlarge one video. `name` is the model's as it was typed; `options.scale` is set."""
    target = _target(source, output, options.scale or SCALE)
    codec = output.codec or ("vp9" if target.suffix.lower() == ".webm" else "h264")
    encoding = Encoding(codec, DEFAULT_QUALITY if output.quality is None else output.quality)
    job, report = UpscaleJob(source, target, name), Report(1, json_lines=json_lines)
    if skip_done and job.is_done():
        report.add(FileResult(job, "skipped"))
        report.summarize()
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    upscaler = options.upscaler(model)
    settings = {each.name: getattr(options, each.name) for each in fields(ResultOptions)}
    settings |= {"model": name, "computed with": upscaler.engine_name}
    try:
        with progress_bar(source.name, "frame") as progress:
            result = upscale_video(source, target, upscaler, encoding, settings, progress)
    except KeyboardInterrupt:
        folder = partial_folder(target)
        print(f"what is finished lies in '{folder}'; the same command goes on from there", file=sys.stderr)
        raise
    except UserError as error:
        report.add(FileResult(job, "failed", error=str(error)))
        raise
    report.add(FileResult(job, "done", round(result.seconds, 3), upscaler.engine_name, result.size))


def _target(source: Path, options: OutputOptions, scale: float) -> Path:
    """The name of the result. Raises UserError for options that a video does not have."""
    if options.format is not None:
        raise UserError("a video's format is that of the ending of OUT; leave --format out")
    if options.output == "-":
        raise UserError("a video cannot go to standard output; name a file with -o")
    suffix = f"_x{scale:g}" if options.suffix is None else options.suffix
    ending = source.suffix if source.suffix.lower() in FORMATS else ".mkv"
    if options.output is None:
        target = source.with_name(source.stem + suffix + ending)
    elif options.output.endswith(("/", os.sep)) or Path(options.output).is_dir():
        target = Path(options.output, source.stem + (options.suffix or "") + ending)
    else:
        target = Path(options.output)
    if target.resolve() == source.resolve():
        raise OverwriteError(
            f"'{target}' is the input and would be overwritten; choose another output with -o"
        )
    return target
