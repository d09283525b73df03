# /// script
# requires-python = ">=3.10"
# dependencies = ["fasrgan-hub[train]"]
#
# [tool.hf-jobs]
# flavor = "l4x1"
# timeout = "24h"
# secrets = ["HF_TOKEN"]
# ///
"""Enlarge a whole dataset into Parquet shards, on any number of processes and machines, and publish it.

    accelerate launch scripts/upscale_dataset.py --data hub:ORG/NAME --output DIR [--push ORG/NAME_x4]

After an interruption the same command goes on, with any number of processes. On plain CPUs start several with
`ACCELERATE_USE_CPU=true torchrun --nproc_per_node 2 scripts/upscale_dataset.py ...`; on several machines DIR must
be a folder that all of them share.
"""

import argparse
import inspect
import os
import sys
import time
from dataclasses import dataclass

from fasrgan_hub.apps.cli.exit_status import exit_status
from fasrgan_hub.apps.cli.main import Parser
from fasrgan_hub.apps.cli.options import MODEL_HELP, ResultOptions, add_options, option
from fasrgan_hub.data.sources import FORMS
from fasrgan_hub.errors import UserError
from fasrgan_hub.hub.model_files import DEFAULT_MODEL

PROGRAM = "upscale_dataset.py"


@dataclass
class Options(ResultOptions):
    data: str = option("SOURCE", required=True, help=FORMS)
    output: str = option("DIR", required=True)
    """folder for the shards"""
    model: str = option(default=DEFAULT_MODEL, help=MODEL_HELP)
    rows: int = option("N", default=100)
    """images in a shard (default: 100)"""
    keep_unreadable: bool = False
    """keep a row, with the reason, for each image that cannot be read"""
    push: str | None = option("ORG/NAME")
    """publish the result as a dataset when all is done"""
    private: bool = False
    """make a new dataset private"""


def main(argv: list[str] | None = None) -> int:
    with exit_status(PROGRAM) as status:
        parser = Parser(PROGRAM, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
        add_options(parser, Options)
        status.code = run(parser.parse_args(argv, Options()))
    return status.code


def run(options: Options) -> int:
    import torch
    from tqdm import tqdm

    from fasrgan_hub.apps.dataset.upscale import Share, units_left, upscale_dataset

    if options.rows < 1:
        raise UserError("--rows must be at least 1")
    if torch.cuda.is_available() and not options.device:
        options.device = f"cuda:{int(os.environ.get('LOCAL_RANK', 0)) % torch.cuda.device_count()}"
    share = Share.of_environment()
    deciding = (
        "model",
        "revision",
        *inspect.get_annotations(ResultOptions),
    )  # others change how it is computed
    upscaler = options.upscaler(options.model)
    settings = {name: getattr(options, name) for name in deciding} | {"scale": upscaler.scale}
    work = upscale_dataset(
        upscaler,
        options.data,
        options.output,
        rows=options.rows,
        settings=settings,
        share=share,
        keep_unreadable=options.keep_unreadable,
    )
    with tqdm(desc=f"process {share.rank}", unit="unit", disable=None) as bar:
        for done, total in work:
            bar.total = total
            bar.update(done - bar.n)
    if options.push and share.rank == 0:
        from fasrgan_hub.apps.dataset.push import push_dataset

        while units_left(options.output):  # the launcher ends this process if another fails
            time.sleep(1)
        print(push_dataset(options.output, options.push, private=options.private))
    return 0


if __name__ == "__main__":
    sys.exit(main())
