"""`scripts/benchmark.py upscaling`: Speed of the engines against other programs, and what low precision costs."""

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tabulate import tabulate

from fasrgan_hub.apps.cli.options import parse_count
from fasrgan_hub.errors import UserError
from fasrgan_hub.hub.model_files import DEFAULT_MODEL

PARTS = ("engines", "sharing", "overlap", "start")
ENGINES = "openvino int8,openvino bf16,openvino f32,torch bf16,torch f32,onnx f32"
PAPER_RATIO = 0.385  # time of Fs-SRGAN's generator over ESRGAN's
TARGETS = ((64, 2.5), (512, 4.0))

Clock = Callable[[], float]


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--model", default=DEFAULT_MODEL, help=f"what computes (default: {DEFAULT_MODEL})")
    command.add_argument("--ncnn", metavar="FILE.param", help="the same weights for ncnn, .bin beside it")
    command.add_argument(
        "--against", metavar="MODEL", help="another model as programs run it, in the same run"
    )
    command.add_argument("--parts", default="engines", help=f"from {','.join(PARTS)} (default: engines)")
    command.add_argument("--engines", default=ENGINES, help=f"default: {ENGINES}")
    command.add_argument(
        "--size", type=parse_count, default=96, metavar="N", help="side of the tile (default: 96)"
    )
    command.add_argument(
        "--rounds", type=parse_count, default=5, metavar="N", help="best of so many (default: 5)"
    )
    command.add_argument(
        "--threads", type=parse_count, metavar="N", help="default: one a physical core, or OMP_NUM_THREADS"
    )
    command.add_argument(
        "--clock",
        default="wall",
        choices=["wall", "cpu"],
        help="cpu with one thread measures well beside other work (default: wall)",
    )
    command.add_argument("--hr", metavar="DIR", help="true images: what precision costs is scored on them")
    command.add_argument("--lr", metavar="DIR", help="their small images (default: shrunk with bicubic)")
    command.add_argument("--metrics", default="psnr,lpips", help="default: psnr,lpips")


def run(args: argparse.Namespace) -> int:
    """Time engines and other programs in turn on one tile, the same weights in all, and print the best of each."""
    import torch

    parts = args.parts.split(",")
    for part in parts:
        if part not in PARTS:
            raise UserError(f"there is no part '{part}'; there are {', '.join(PARTS)}")
    if not args.rounds or not args.size:
        raise UserError("size and rounds must be positive")
    if args.threads:
        torch.set_num_threads(args.threads)
    clock = time.perf_counter if args.clock == "wall" else time.process_time
    print(f"{torch.get_num_threads()} threads, {args.clock} clock, best of {args.rounds}, in turn")
    if "engines" in parts:
        measure_engines(args, clock)
    if "sharing" in parts:
        measure_sharing(args, clock)
    if "overlap" in parts:
        measure_overlap(args, clock)
    if "start" in parts:
        measure_start(args.model, args.rounds)
    return 0


def best_of(runs: Mapping[str, Callable[[Any], Any]], x: Any, rounds: int, clock: Clock) -> dict[str, float]:
    """Seconds of the quickest of so many calls, each round calling every function once, after one call unmeasured."""
    seconds = {name: float("inf") for name in runs}
    for turn in range(rounds + 1):
        for name, function in runs.items():
            started = clock()
            function(x)
            if turn:
                seconds[name] = min(seconds[name], clock() - started)
    return seconds


def measure_engines(args: argparse.Namespace, clock: Clock) -> None:
    """The engines against spandrel, ncnn and onnxruntime, a bare matrix product, and what precision costs."""
    from fasrgan_hub.systems import from_pretrained

    from .runtimes import FLOOR_SIDE, NCNN, ONNX, eager, floors, ncnn, ours

    network = from_pretrained(args.model)
    runs = ours(args.model, args.engines.split(","))
    plain, runs_plain = eager(network)
    runs[plain] = runs_plain
    if args.ncnn:
        runs[NCNN] = ncnn(Path(args.ncnn))
    x = tile(args.size)
    exact = runs_plain(x).clip(0, 1)
    difference = {name: abs(function(x).clip(0, 1) - exact) for name, function in runs.items()}
    baselines = [name for name in (plain, NCNN, ONNX) if name in runs]
    others = {}
    if args.against:
        other, run_other = eager(from_pretrained(args.against))
        others[f"{Path(args.against).name}, {other}"] = run_other
    seconds = best_of(runs | others, x, args.rounds, clock)
    floor = best_of(floors(), None, args.rounds, clock)
    losses = measure_losses(args, runs) if args.hr else {}
    parameters = sum(p.numel() for p in network.parameters())
    print(f"\n{args.model}, {parameters:,} parameters, one tile of {args.size} x {args.size}")
    columns = [f"x {name}" for name in (*baselines, *others)]
    metrics = list(next(iter(losses.values()), {}))
    lost = [f"{metric} lost" for metric in metrics]
    rows = [["", "seconds", *columns, "off, max", "off, mean", *lost]]
    for name in sorted(runs, key=seconds.__getitem__):
        factors = [f"{seconds[other] / seconds[name]:.2f}" for other in (*baselines, *others)]
        off = [f"{255 * difference[name].max():.2f}", f"{255 * difference[name].mean():.3f}"]
        scored = [f"{losses[name][metric]:+.4f}" if name in losses else "" for metric in metrics]
        rows.append([name, f"{seconds[name]:.3f}", *factors, *off, *scored])
    adds = multiply_adds(network, args.size)
    for precision, value in floor.items():
        alone = value * adds / FLOOR_SIDE**3
        factors = [f"{seconds[other] / alone:.2f}" for other in (*baselines, *others)]
        rows.append([f"products alone, {precision}", f"{alone:.3f}", *factors, *[""] * (2 + len(lost))])
    print_table(rows)
    print(f"off: from {plain} on this tile, in levels of 255")
    print(
        "products alone: the network's multiply-adds as one large matrix product (torch), nothing else done"
    )


def measure_losses(args: argparse.Namespace, runs: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """By engine of ours: mean score on the true images, less that of torch f32, so that + is worse."""
    from fasrgan_hub.evaluation import METRICS, evaluate
    from fasrgan_hub.upscaling.upscaler import Upscaler

    def scores(name: str) -> dict[str, float]:
        engine, precision = name.split()
        print(f"scoring {name} ...", file=sys.stderr)
        upscaler = Upscaler(args.model, engine=engine, precision=precision)
        return evaluate(upscaler, hr=args.hr, lr=args.lr, metrics=args.metrics).means

    exact = scores("torch f32")
    return {
        name: {
            metric: (exact[metric] - value) * (1 if METRICS[metric].higher else -1)
            for metric, value in scores(name).items()
        }
        for name in runs
        if name in args.engines.split(",") and not name.endswith("f32")
    }


def measure_sharing(args: argparse.Namespace, clock: Clock) -> None:
    """Fs-SRGAN's generator against ESRGAN's, through the engine that `auto` takes: time and multiply-adds."""
    from fasrgan_hub.systems import SYSTEMS
    from fasrgan_hub.upscaling.engines import make_engine
    from fasrgan_hub.upscaling.engines.choice import choose
    from fasrgan_hub.upscaling.engines.network import find_network

    choice = choose()
    networks = {
        name: SYSTEMS[name].build_generator(init="residual").eval() for name in ("fs-srgan", "esrgan")
    }
    x = tile(args.size)
    engines = {name: make_engine(find_network(network), choice) for name, network in networks.items()}
    seconds = best_of(engines, x, args.rounds, clock)
    adds = {name: multiply_adds(network, args.size) for name, network in networks.items()}
    print(f"\nFs-SRGAN's generator against ESRGAN's, {choice}, {args.size} x {args.size}")
    ratios = [f"{values['fs-srgan'] / values['esrgan']:.3f}" for values in (seconds, adds)]
    measured = [[name, f"{seconds[name]:.3f}", f"{adds[name] / 1e9:.1f}"] for name in networks]
    print_table([["", "seconds", "10^9 multiply-adds"], *measured, ["ratio", *ratios]])
    print(f"the paper's ratio of times: {PAPER_RATIO}")


def measure_overlap(args: argparse.Namespace, clock: Clock) -> None:
    """What tiles and their overlap cost on an image of 512 x 512, through the engine that `auto` takes, and change."""
    from fasrgan_hub.upscaling.upscaler import Upscaler

    usual = Upscaler(args.model)
    cuts = [(usual.tile, 0), (usual.tile // 2, usual.overlap), (usual.tile, usual.overlap)]
    runs = {"whole": Upscaler(args.model, tile=0)} | {
        f"tile {side}, overlap {overlap}": Upscaler(args.model, tile=side, overlap=overlap)
        for side, overlap in cuts
    }
    image = tile(512)[0].transpose(1, 2, 0)
    whole = runs["whole"](image)
    rows = [["", "seconds", "x whole", "off, max"]]
    seconds = best_of(runs, image, args.rounds, clock)
    for name, run in runs.items():
        off = 255 * abs(run(image) - whole).max()
        rows.append([name, f"{seconds[name]:.3f}", f"{seconds[name] / seconds['whole']:.2f}", f"{off:.2f}"])
    print(f"\n512 x 512 in tiles, {usual.engine_name}")
    print_table(rows)


def measure_start(model: str, rounds: int) -> None:
    """`fasrgan upscale` from the shell, start and files included, by the wall's clock."""
    import subprocess
    from tempfile import TemporaryDirectory

    from PIL import Image

    rows = []
    with TemporaryDirectory() as folder:
        for size, target in TARGETS:
            source = Path(folder, f"{size}.png")
            Image.fromarray((tile(size)[0].transpose(1, 2, 0) * 255).astype("uint8")).save(source)
            command = [sys.executable, "-m", "fasrgan_hub", "upscale", str(source), "--model", model]
            command += ["-o", f"{folder}/out.png"]
            for name, choice in (("default", ()), ("int8", ("--precision", "int8"))):

                def upscale(_: Any, line: tuple[str, ...] = (*command, *choice)) -> None:
                    subprocess.run(line, check=True, capture_output=True)

                seconds = best_of({"": upscale}, None, rounds, time.perf_counter)[""]
                rows.append([f"{size} x {size}, {name}", f"{seconds:.2f} s", f"target {target} s"])
    print("\nfasrgan upscale, from the shell, everything included")
    print_table(rows)


def tile(side: int) -> Any:
    """Photographs side by side, an array (1, 3, side, side) in [0, 1]."""
    import numpy as np

    from fasrgan_hub.upscaling.engines.int8 import calibration_crops

    crops = calibration_crops()[8:]
    across = -(-side // crops[0].shape[-1])
    rows = [[crops[(y + x) % len(crops)] for x in range(across)] for y in range(across)]
    return np.ascontiguousarray(np.block(rows)[:, :, :side, :side])


def multiply_adds(network: Any, side: int) -> int:
    """Of all convolutions, for an image of `side` x `side`."""
    import torch
    from torch import nn

    total = 0

    def add_up(layer: Any, _: Any, result: Any) -> None:
        nonlocal total
        total += result.numel() * layer.in_channels * layer.kernel_size[0] * layer.kernel_size[1]

    hooks = [m.register_forward_hook(add_up) for m in network.modules() if isinstance(m, nn.Conv2d)]
    with torch.inference_mode():
        network(torch.zeros(1, 3, 16, 16))
    for hook in hooks:
        hook.remove()
    return total * side * side // 256


def print_table(rows: list[list[str]]) -> None:
    """Print rows, the first of which is the head."""
    align = ("left", *["right"] * (len(rows[0]) - 1))
    print(tabulate(rows, "firstrow", "plain", disable_numparse=True, colalign=align))
