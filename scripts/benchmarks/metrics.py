"""`scripts/benchmark.py metrics`: Our metrics beside a loop over the lpips package and skimage."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fasrgan_hub.apps.cli.options import option

Pairs = list[tuple[Path, Path]]

WITH_PEERS = ("psnr", "ssim", "rmse", "lpips")
"""The paper's metrics that skimage and lpips have as well."""


@dataclass
class Options:
    hr: str = option("DIR", required=True)
    """the true images, Set14 say"""
    sr: str | None = option("DIR")
    """finished images (default: bicubic x4 of them)"""
    rounds: int = option("N", default=3)
    """the best of so many counts (3)"""
    both: bool = option(flag="--also-lpips-0.1", default=False)
    """both versions of LPIPS"""


def run(options: Options) -> int:
    """Score a set by the paper's metrics: here, and with a loop over skimage and the lpips package as one writes it.

    Both sides read the files, with all the threads that torch takes by default, in turns; the best round of each
    counts. The largest difference of a score is printed too, and what NIQE, which the others lack, costs on top.
    """
    import tempfile

    import torch

    from fasrgan_hub.data.pairs import pair
    from fasrgan_hub.evaluation import evaluate

    names = [*WITH_PEERS, *(["lpips-0.1"] if options.both else [])]
    with tempfile.TemporaryDirectory() as folder:
        sr = Path(options.sr) if options.sr else _bicubic(Path(options.hr), Path(folder))
        pairs = pair(Path(options.hr), sr)
        naive = _naive(names)
        sides: dict[str, Callable[[], Any]] = {
            "loop over skimage and lpips": lambda: naive(pairs),
            "fasrgan_hub": lambda: evaluate(hr=options.hr, sr=sr, metrics=names),
            "NIQE of fasrgan_hub on top": lambda: evaluate(hr=options.hr, sr=sr, metrics="niqe"),
        }
        best, busy, values = dict.fromkeys(sides, float("inf")), dict.fromkeys(sides, float("inf")), {}
        for _ in range(options.rounds):
            for side, work in sides.items():
                begun, begun_busy = time.perf_counter(), time.process_time()
                values[side] = work()
                best[side] = min(best[side], time.perf_counter() - begun)
                busy[side] = min(busy[side], time.process_time() - begun_busy)
    theirs, own, _ = sides
    print(
        f"{len(pairs)} images, {', '.join(names)}; {torch.get_num_threads()} threads, best of {options.rounds}"
    )
    for side, seconds in best.items():
        print(f"{seconds:8.2f} s  {busy[side]:8.2f} s of CPU  {side}")
    print(f"{best[theirs] / best[own]:8.2f} x  {busy[theirs] / busy[own]:8.2f} x of CPU  as fast")
    for name in names:
        apart = max(
            abs(a[name] - b[name]) for a, b in zip(values[theirs], values[own].images.values(), strict=True)
        )
        print(f"{apart:8.1e}    largest difference of {name}")
    return 0


def _bicubic(hr: Path, folder: Path) -> Path:
    from PIL import Image

    from fasrgan_hub.data.pairs import images
    from fasrgan_hub.evaluation.image_pairs import make_lr, read_rgb8
    from fasrgan_hub.upscaling.upscaler import Upscaler

    enlarge = Upscaler("bicubic")
    for path in images(hr):
        Image.fromarray(enlarge(make_lr(read_rgb8(path)))).save(folder / f"{path.stem}.png")
    return folder


def _naive(names: list[str]) -> Callable[[Pairs], list[dict[str, float]]]:
    """Metric by metric, each reading the files for itself: what scripts beside papers look like."""
    networks = {name: _lpips(name) for name in names if name.startswith("lpips")}

    def score(name: str, pair: tuple[Path, Path]) -> float:
        return _lpips_score(networks[name], pair) if name in networks else _skimage_score(name, pair)

    return lambda pairs: [{name: score(name, pair) for name in names} for pair in pairs]


def _lpips(name: str) -> Any:
    """The network of the lpips package, with our copy of the trunk's weights: it would download its own."""
    from fasrgan_hub.backbones import feature_network
    from fasrgan_hub.errors import UserError

    try:
        import lpips
    except (ImportError, RuntimeError) as error:  # RuntimeError: a torchvision of another torch
        raise UserError(f"the lpips package cannot be imported ({error})") from error
    version = "0.1" if name == "lpips-0.1" else "0.0"
    network = lpips.LPIPS(net="alex", version=version, pnet_rand=True, verbose=False)
    trunk = feature_network("alexnet")
    for number in range(1, 6):
        for position, layer in getattr(network.net, f"slice{number}").named_children():
            layer.load_state_dict(trunk[int(position)].state_dict())
    return network


def _lpips_score(network: Any, pair: tuple[Path, Path]) -> float:
    import numpy as np
    import torch

    x, y = (torch.from_numpy(np.array(image)).permute(2, 0, 1)[None] / 127.5 - 1 for image in _load(pair))
    with torch.no_grad():
        return float(network(x, y))


def _skimage_score(name: str, pair: tuple[Path, Path]) -> float:
    from skimage.color import rgb2ycbcr
    from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity

    sr, hr = (rgb2ycbcr(image)[4:-4, 4:-4, 0] for image in _load(pair))
    if name == "ssim":
        gaussian = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        return float(structural_similarity(sr, hr, data_range=255, **gaussian))
    if name == "psnr":
        return float(peak_signal_noise_ratio(hr, sr, data_range=255))
    return float(mean_squared_error(sr, hr) ** 0.5)


def _load(pair: tuple[Path, Path]) -> list[Any]:
    """SR and HR as H x W x 3 uint8, cropped to the smaller sides."""
    import numpy as np
    from PIL import Image

    hr, sr = (np.asarray(Image.open(path).convert("RGB")) for path in pair)
    height, width = min(hr.shape[0], sr.shape[0]), min(hr.shape[1], sr.shape[1])
    return [sr[:height, :width], hr[:height, :width]]
