"""`fasrgan upscale`: Enlarge images."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...errors import UserError
from ...hub.model_files import DEFAULT_MODEL, SCALE, ModelFiles, model_files
from .options import MODEL_HELP, ResultOptions, argument, option, parse_quality, repeated


@dataclass
class OutputOptions:
    output: str | None = option("OUT", "-o")
    """a file for one image, a folder for several (made if absent; names are kept), - for standard output; default:
    NAME_x4.png beside each file, FOLDER_x4/ beside a folder (4 is the factor)"""
    format: str | None = option("F")
    """png (default), tif, webp and jxl, which are lossless; jpg, avif, heic, gif; or same: each result as its input. If
    OUT is a file, its ending decides"""
    quality: int | None = option("Q", type=parse_quality)
    """1 to 100 for jpg, avif and heic (default: 95); makes webp and jxl lossy"""
    suffix: str | None = option("TEXT")
    """add this to the results' names (default: _x4 beside a file, else none)"""


@dataclass
class Options(OutputOptions, ResultOptions):
    inputs: list[str] = argument("IN", nargs="*")
    """image files, folders of images, patterns such as "*.jpg", or - for an image on standard input"""
    models: list[str] = repeated(
        "MODEL", "--model", help=f"{MODEL_HELP}; may be repeated: each model makes its own result"
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
    """Enlarge images. After an error in one image the others still follow, and the exit status is 2."""
    from tqdm import tqdm

    from .batch import FileResult, upscale_file
    from .jobs import check_quality, make_folders, plan
    from .naming import Naming
    from .report import Report, progress_bar
    from .standard_streams import standard_streams

    inputs = [*options.inputs, *(_read_names(options.files_from) if options.files_from else ())]
    if not inputs:
        raise UserError("name an image, a folder, a pattern or --files-from (see 'fasrgan upscale --help')")
    models = list(dict.fromkeys(options.models or [DEFAULT_MODEL]))
    sources = {name: _model_source(name, options.revision) for name in models}
    if options.scale is None:
        options.scale = _common_scale(sources)
    naming = Naming(options.scale, options.suffix, options.format)
    with standard_streams(inputs, options.output, naming) as streams:
        if streams.to_stdout and (options.json or len(models) > 1):
            raise UserError("standard output takes one image and nothing else; name a file with -o")
        jobs = plan(streams.inputs, streams.output, models=models, recursive=options.recursive, naming=naming)
        check_quality(jobs, options.quality)
        make_folders(jobs)
        upscalers = {name: options.upscaler(model) for name, model in sources.items()}
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


def _model_source(name: str, revision: str | None) -> str | ModelFiles:
    return name if name == "bicubic" else model_files(name, revision=revision)


def _common_scale(models: Mapping[str, str | ModelFiles]) -> int:
    """The factor that all models have, 4 for bicubic alone. Raises UserError if they have several."""
    scales = {model.scale: name for name, model in models.items() if isinstance(model, ModelFiles)}
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
