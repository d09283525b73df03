"""`scripts/benchmark.py upscaling`: Speed of the engines against other programs, and what low precision costs."""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabulate import tabulate

from fasrgan_hub.apps.cli.options import option, parse_count
from fasrgan_hub.errors import UserError
from fasrgan_hub.hub.model_files import DEFAULT_MODEL

PARTS = ("engines", "sharing", "overlap", "start")
ENGINES = "openvino int8,openvino bf16,openvino f32,torch bf16,torch f32,onnx f32"
PAPER_RATIO = 0.385  # time of Fs-SRGAN's generator over ESRGAN's
TARGETS = ((64, 2.5), (512, 4.0))

Clock = Callable[[], float]


@dataclass
class Options:
    model: str = option(default=DEFAULT_MODEL, help=f"what computes (default: {DEFAULT_MODEL})")
    ncnn: str | None = option("FILE.param")
    """the same weights for ncnn, .bin beside it"""
    against: str | None = option("MODEL")
    """another model as programs run it, in the same run"""
    parts: str = option(default="engines", help=f"from {','.join(PARTS)} (default: engines)")
    engines: str = option(default=ENGINES, help=f"default: {ENGINES}")
    size: int = option("N", default=96, type=parse_count)
    """side of the tile (default: 96)"""
    rounds: int = option("N", default=5, type=parse_count)
    """best of so many (default: 5)"""
    threads: int | None = option("N", type=parse_count)
    """default: one a physical core, or OMP_NUM_THREADS"""
    clock: str = option(default="wall", choices=["wall", "cpu"])
    """cpu with one thread measures well beside other work (default: wall)"""
    hr: str = option("DIR", default="")
    """true images: what precision costs is scored on them"""
    lr: str | None = option("DIR")
    """their small images (default: shrunk with bicubic)"""
    metrics: str = "psnr,lpips"
    """default: psnr,lpips"""


def run(options: Options) -> int:
    """Time engines and other programs in turn on one tile, the same weights in all, and print the best of each."""
    import torch

    parts = options.parts.split(",")
    for part in parts:
        if part not in PARTS:
            raise UserError(f"there is no part '{part}'; there are {', '.join(PARTS)}")
    if not options.rounds or not options.size:
        raise UserError("size and rounds must be positive")
    if options.threads:
        torch.set_num_threads(options.threads)
    clock = time.perf_counter if options.clock == "wall" else time.process_time
    print(f"{torch.get_num_threads()} threads, {options.clock} clock, best of {options.rounds}, in turn")
    if "engines" in parts:
        measure_engines(options, clock)
    if "sharing" in parts:
        measure_sharing(options, clock)
    if "overlap" in parts:
        measure_overlap(options, clock)
    if "start" in parts:
        measure_start(options.model, options.rounds)
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


def count(network: Any) -> int:
    """The parameters of a network."""
    return sum(parameter.numel() for parameter in network.parameters())


PRODUCTS = (
    "products alone: the network's multiply-adds as one large matrix product (torch), nothing else done"
)


def measure_engines(options: Options, clock: Clock) -> None:
    """The engines against spandrel, ncnn and onnxruntime, a bare matrix product, and what precision costs."""
    from fasrgan_hub.systems import from_pretrained

    from .runtimes import FLOOR_SIDE, NCNN, ONNX, eager, floors, ncnn, ours

    network = from_pretrained(options.model)
    runs = ours(options.model, options.engines.split(","))
    plain, runs_plain = eager(network)
    runs[plain] = runs_plain
    if options.ncnn:
        runs[NCNN] = ncnn(Path(options.ncnn))
    x = tile(options.size)
    exact = runs_plain(x).clip(0, 1)
    difference = {name: abs(function(x).clip(0, 1) - exact) for name, function in runs.items()}
    baselines = [name for name in (plain, NCNN, ONNX) if name in runs]
    others = {}
    if options.against:
        other, run_other = eager(from_pretrained(options.against))
        others[f"{Path(options.against).name}, {other}"] = run_other
    seconds = best_of(runs | others, x, options.rounds, clock)
    floor = best_of(floors(), None, options.rounds, clock)
    adds = multiply_adds(network, options.size)
    alone = {precision: value * adds / FLOOR_SIDE**3 for precision, value in floor.items()}
    losses = measure_losses(options, runs) if options.hr else {}
    print(f"\n{options.model}, {count(network):,} parameters, one tile of {options.size} x {options.size}")
    columns = [f"x {name}" for name in (*baselines, *others)]
    metrics = list(next(iter(losses.values()), {}))
    lost = [f"{metric} lost" for metric in metrics]
    rows = [["", "seconds", *columns, "off, max", "off, mean", *lost]]
    for name in sorted(runs, key=seconds.__getitem__):
        factors = [f"{seconds[other] / seconds[name]:.2f}" for other in (*baselines, *others)]
        off = [f"{255 * difference[name].max():.2f}", f"{255 * difference[name].mean():.3f}"]
        scored = [f"{losses[name][metric]:+.4f}" if name in losses else "" for metric in metrics]
        rows.append([name, f"{seconds[name]:.3f}", *factors, *off, *scored])
    for precision, value in alone.items():
        factors = [f"{seconds[other] / value:.2f}" for other in (*baselines, *others)]
        rows.append([f"products alone, {precision}", f"{value:.3f}", *factors, *[""] * (2 + len(lost))])
    print_table(rows)
    print(f"off: from {plain} on this tile, in levels of 255")
    print(PRODUCTS)


def measure_losses(options: Options, runs: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """By engine of ours: mean score on the true images, less that of torch f32, so that + is worse."""
    from fasrgan_hub.evaluation import METRICS, evaluate
    from fasrgan_hub.upscaling.upscaler import Upscaler

    def scores(name: str) -> dict[str, float]:
        engine, precision = name.split()
        print(f"scoring {name} ...", file=sys.stderr)
        upscaler = Upscaler(options.model, engine=engine, precision=precision)
        return evaluate(upscaler, hr=options.hr, lr=options.lr, metrics=options.metrics).means

    exact = scores("torch f32")
    return {
        name: {
            metric: (exact[metric] - value) * (1 if METRICS[metric].higher else -1)
            for metric, value in scores(name).items()
        }
        for name in runs
        if name in options.engines.split(",") and not name.endswith("f32")
    }


def measure_sharing(options: Options, clock: Clock) -> None:
    """Fs-SRGAN's generator against ESRGAN's, through the engine that `auto` takes: time and multiply-adds."""
    from fasrgan_hub.systems import SYSTEMS
    from fasrgan_hub.upscaling.engines import make_engine
    from fasrgan_hub.upscaling.engines.choice import choose
    from fasrgan_hub.upscaling.engines.network import find_network

    choice = choose()
    networks = {
        name: SYSTEMS[name].build_generator(init="residual").eval() for name in ("fs-srgan", "esrgan")
    }
    x = tile(options.size)
    engines = {name: make_engine(find_network(network), choice) for name, network in networks.items()}
    seconds = best_of(engines, x, options.rounds, clock)
    adds = {name: multiply_adds(network, options.size) for name, network in networks.items()}
    print(f"\nFs-SRGAN's generator against ESRGAN's, {choice}, {options.size} x {options.size}")
    ratios = [f"{values['fs-srgan'] / values['esrgan']:.3f}" for values in (seconds, adds)]
    measured = [[name, f"{seconds[name]:.3f}", f"{adds[name] / 1e9:.1f}"] for name in networks]
    print_table([["", "seconds", "10^9 multiply-adds"], *measured, ["ratio", *ratios]])
    print(f"the paper's ratio of times: {PAPER_RATIO}")


def measure_overlap(options: Options, clock: Clock) -> None:
    """What tiles and their overlap cost on an image of 512 x 512, through the engine that `auto` takes, and change."""
    from fasrgan_hub.upscaling.upscaler import Upscaler

    usual = Upscaler(options.model)
    cuts = [(usual.tile, 0), (usual.tile // 2, usual.overlap), (usual.tile, usual.overlap)]
    runs = {"whole": Upscaler(options.model, tile=0)} | {
        f"tile {side}, overlap {overlap}": Upscaler(options.model, tile=side, overlap=overlap)
        for side, overlap in cuts
    }
    image = tile(512)[0].transpose(1, 2, 0)
    whole = runs["whole"](image)
    rows = [["", "seconds", "x whole", "off, max"]]
    seconds = best_of(runs, image, options.rounds, clock)
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
