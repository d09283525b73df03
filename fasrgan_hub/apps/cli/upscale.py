"""`fasrgan upscale`: Enlarge images, or a video."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import UserError
from ...hub.model_files import DEFAULT_MODEL, SCALE
from .options import MODEL_HELP, OutputOptions, ResultOptions, argument, option, repeated

if TYPE_CHECKING:
    from ...upscaling.upscaler import Upscaler
    from .batch import Picker
    from .options import Model


@dataclass
class Options(OutputOptions, ResultOptions):
    inputs: list[str] = argument("IN", nargs="*")
    """image files, folders of images, patterns such as "*.jpg", - for an image on standard input, or one video"""
    models: list[str] = repeated(
        "MODEL",
        "--model",
        help=f"{MODEL_HELP}, or 'auto': chosen by image, with the reason; may be repeated: each makes its own result",
    )
    recursive: bool = option(flag="-r", default=False)
    """folders with all their subfolders; the tree is kept"""
    files_from: str | None = option("FILE")
    """read more inputs from a file, one per line (-: stdin)"""
    skip_done: bool = False
    """skip images whose result exists and is not older"""
    json: bool = False
    """print one JSON object per result on standard output"""


def run(options: Options) -> int:
    """Enlarge images, or one video. After an error in one image the others still follow, and the exit status is 2.

    An interrupted video goes on with the same command.
    """
    from tqdm import tqdm

    from ..video.reading import is_video
    from .batch import FileResult, upscale_file
    from .exit_status import ending_signals
    from .jobs import check_quality, make_folders, plan
    from .naming import Naming
    from .report import Report, progress_bar
    from .standard_streams import standard_streams

    inputs = [*options.inputs, *(_read_names(options.files_from) if options.files_from else ())]
    if not inputs:
        raise UserError("name an image, a folder, a pattern or --files-from (see 'fasrgan upscale --help')")
    models = _open_models(options)
    if options.scale is None:
        options.scale = _common_scale(models)
    if any(map(is_video, inputs)):
        return _run_video(options, inputs, models)
    if options.codec is not None:
        raise UserError("--codec is for videos; leave it out")
    naming = Naming(options.scale, options.suffix, options.format)
    with ending_signals(), standard_streams(inputs, options.output, naming) as streams:
        if streams.to_stdout and (options.json or len(models) > 1):
            raise UserError("standard output takes one image and nothing else; name a file with -o")
        jobs = plan(streams.inputs, streams.output, models=models, recursive=options.recursive, naming=naming)
        check_quality(jobs, options.quality)
        make_folders(jobs)
        upscalers = {name: _upscaler(options, name, model) for name, model in models.items()}
        report = Report(len(jobs), json_lines=options.json, hidden=streams.hidden)
        with tqdm(jobs, unit="image", disable=None if len(jobs) > 1 else True) as bar:
            for job in bar:
                if options.skip_done and job.is_done():
                    report.add(FileResult(job, "skipped"))
                    continue
                with progress_bar(job.source.name, "tile") as progress:
                    result = upscale_file(job, upscalers[job.model], progress, options.quality)
                report.add(result)
        report.summarize()
    return 0


def _run_video(options: Options, inputs: Sequence[str], sources: Mapping[str, "Model"]) -> int:
    from .upscale_video import run_video

    if len(inputs) > 1 or len(sources) > 1:
        raise UserError("a video is enlarged alone and with one model; give one file and one --model")
    [(name, model)] = sources.items()
    if name == "auto":
        raise UserError("--model auto looks at images, not at videos; name a model")
    run_video(Path(inputs[0]), name, model, options, options, options.skip_done, options.json)
    return 0


def _open_models(options: Options) -> dict[str, "Model"]:
    """Each model by the name that was typed, once. Raises UserError if there is no such model."""
    from ...upscaling.engines import open_model

    names = options.models or [DEFAULT_MODEL]
    return {name: open_model(DEFAULT_MODEL if name == "auto" else name, options.revision) for name in names}


def _upscaler(options: Options, name: str, model: "Model") -> "Upscaler | Picker":
    from .picking import AutoUpscaler, HintingUpscaler

    def open_model(chosen: str) -> "Upscaler":
        mixed = chosen != "nearest"
        return (options if mixed else replace(options, fidelity=None, faithful=None)).upscaler(chosen)

    if name == "auto":
        if options.denoise is not None:
            raise UserError(
                "--model auto chooses between the ends of --denoise itself; leave one of them out"
            )
        return AutoUpscaler(open_model)
    return options.upscaler(model) if options.models else HintingUpscaler(options.upscaler(model))


def _common_scale(models: Mapping[str, "Model"]) -> int:
    """The factor that all models have, 4 for bicubic alone. Raises UserError if they have several."""
    scales = {int(str(model.scale)): name for name, model in models.items() if not isinstance(model, str)}
    if len(scales) > 1:
        some = " and ".join(f"'{name}' {scale} times" for scale, name in list(scales.items())[:2])
        raise UserError(f"{some}: these models enlarge by several factors; name one with --scale")
    return next(iter(scales), SCALE)


def _read_names(listing: str) -> list[str]:
    """The lines of a file, or of standard input, that are not empty."""
    try:
        text = sys.stdin.read() if listing == "-" else Path(listing).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"'{listing}' is not a list of names in UTF-8") from error
    return [line for line in text.splitlines() if line.strip()]
