"""Enlarge a whole dataset into Parquet shards, on any number of processes and machines, and publish it.

    accelerate launch scripts/upscale_dataset.py --data hub:ORG/NAME --output DIR [--push ORG/NAME_x4]

After an interruption the same command goes on, with any number of processes. On plain CPUs start several with
`ACCELERATE_USE_CPU=true torchrun --nproc_per_node 2 scripts/upscale_dataset.py ...`; on several machines DIR must
be a folder that all of them share.
"""

import argparse
import os
import sys
import time

from fasrgan_hub.apps.cli.exit_status import ExitStatus
from fasrgan_hub.apps.cli.main import Parser
from fasrgan_hub.apps.cli.options import MODEL_HELP, add_upscaler_options, make_upscaler
from fasrgan_hub.errors import UserError
from fasrgan_hub.hub.model_files import DEFAULT_MODEL

PROGRAM = "upscale_dataset.py"
RESULT = ("model", "revision", "scale", "fidelity", "faithful", "ensemble", "match_color")
"""The options that change the result; the others only change how it is computed."""


def main(argv: list[str] | None = None) -> int:
    with ExitStatus(PROGRAM) as status:
        status.code = run(make_parser().parse_args(argv))
    return status.code


def make_parser() -> Parser:
    from fasrgan_hub.data.sources import FORMS

    result = Parser(PROGRAM, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument("--data", required=True, metavar="SOURCE", help=FORMS)
    result.add_argument("--output", required=True, metavar="DIR", help="folder for the shards")
    result.add_argument("--model", default=DEFAULT_MODEL, help=MODEL_HELP)
    result.add_argument("--rows", type=int, default=100, metavar="N", help="images in a shard (default: 100)")
    result.add_argument(
        "--keep-unreadable",
        action="store_true",
        help="keep a row, with the reason, for each image that cannot be read",
    )
    result.add_argument("--push", metavar="ORG/NAME", help="publish the result as a dataset when all is done")
    result.add_argument("--private", action="store_true", help="make a new dataset private")
    add_upscaler_options(result)
    return result


def run(args: argparse.Namespace) -> int:
    import torch
    from tqdm import tqdm

    from fasrgan_hub.apps.dataset.upscale import Share, units_left, upscale_dataset

    if args.rows < 1:
        raise UserError("--rows must be at least 1")
    if torch.cuda.is_available() and not args.device:
        args.device = f"cuda:{int(os.environ.get('LOCAL_RANK', 0)) % torch.cuda.device_count()}"
    share = Share.of_environment()
    settings = {name: getattr(args, name) for name in RESULT}
    upscaler = make_upscaler(args.model, args)
    work = upscale_dataset(
        upscaler,
        args.data,
        args.output,
        rows=args.rows,
        settings=settings,
        share=share,
        keep_unreadable=args.keep_unreadable,
    )
    with tqdm(desc=f"process {share.rank}", unit="unit", disable=None) as bar:
        for done, total in work:
            bar.total = total
            bar.update(done - bar.n)
    if args.push and share.rank == 0:
        from fasrgan_hub.apps.dataset.push import push_dataset

        while units_left(args.output):  # the launcher ends this process if another fails
            time.sleep(1)
        print(push_dataset(args.output, args.push, private=args.private))
    return 0


if __name__ == "__main__":
    sys.exit(main())
