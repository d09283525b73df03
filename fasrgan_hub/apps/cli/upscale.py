"""`fasrgan upscale`: Enlarge images."""

import sys
from dataclasses import dataclass
from pathlib import Path

from ...errors import UserError
from ...hub.model_files import DEFAULT_MODEL
from .options import MODEL_HELP, ResultOptions, argument, option, parse_quality, repeated


@dataclass
class OutputOptions:
    output: str | None = option("OUT", "-o")
    """a file for one image, a folder for several (made if absent; names are kept), - for standard output; default:
    NAME_x4.png beside each file, FOLDER_x4/ beside a folder"""
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
    naming = Naming(options.scale, options.suffix, options.format)
    with standard_streams(inputs, options.output, naming) as streams:
        if streams.to_stdout and (options.json or len(models) > 1):
            raise UserError("standard output takes one image and nothing else; name a file with -o")
        jobs = plan(streams.inputs, streams.output, models=models, recursive=options.recursive, naming=naming)
        check_quality(jobs, options.quality)
        make_folders(jobs)
        upscalers = {model: options.upscaler(model) for model in models}
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


def _read_names(listing: str) -> list[str]:
    """The lines of a file, or of standard input, that are not empty."""
    try:
        text = sys.stdin.read() if listing == "-" else Path(listing).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"'{listing}' is not a list of names in UTF-8") from error
    return [line for line in text.splitlines() if line.strip()]
