"""Scores on Set5 and Set14, clean and with three fixed degradations: python eval.py MODEL_FOLDER [...] [--save DIR]

Columns: clean5, clean14 (MATLAB's bicubic LR), web, camera, real (19 pictures each). PSNR on Y, LPIPS v0.0, DISTS,
colour shift. The degraded LR are drawn from the picture's name alone. Results are kept in /root/fas/evalcache.
"""
import hashlib, io, json, math, os, sys, time, zlib
from pathlib import Path
import numpy as np, torch
from PIL import Image
sys.path.insert(0, "/root/fas")
from fasrgan_hub.metrics.named import Meter, MetricOptions as Settings
from fasrgan_hub.upscaling.upscaler import Upscaler

B, CACHE = Path("/work/shared/benchmarks"), Path("/root/fas/evalcache")
SETS = ("Set5", "Set14")
FULL = os.environ.get("FULL") == "1"  # else the middle 256 x 256 of each picture (degraded whole): a third of the time
VERSION = "p1" + ("" if FULL else "-middle")
METRICS = ["psnr", "lpips", "dists", "color", "grid"]
COLUMNS = ("clean5", "clean14", "web", "camera", "real")


def jpeg(x, q, s=2):
    f = io.BytesIO(); x.save(f, "JPEG", quality=q, subsampling=s); return Image.open(io.BytesIO(f.getvalue())).convert("RGB")
def webp(x, q):
    f = io.BytesIO(); x.save(f, "WEBP", quality=q); return Image.open(io.BytesIO(f.getvalue())).convert("RGB")
def arr(x): return np.asarray(x).astype(np.float32)
def img(x): return Image.fromarray(np.rint(np.clip(x, 0, 255)).astype(np.uint8))


def gblur(x, s):
    if s < 0.1: return x
    r = int(math.ceil(3 * s)); k = np.exp(-0.5 * (np.arange(-r, r + 1) / s) ** 2); k /= k.sum()
    for ax in (0, 1):
        p = [(0, 0)] * 3; p[ax] = (r, r); y = np.pad(x, p, mode="symmetric"); n = x.shape[ax]
        x = sum(w * (y[i:i + n] if ax == 0 else y[:, i:i + n]) for i, w in enumerate(k))
    return x.astype(np.float32)


def degrade(hr, kind, name):
    """The project's own degraded benchmarks (fasrgan evaluate --degrade): hr PIL RGB -> LR PIL RGB."""
    from fasrgan_hub.data.degradations.fixed import degrade_image
    from fasrgan_hub.data.degradations.presets import PRESETS
    return Image.fromarray(degrade_image(np.asarray(hr), name, PRESETS[kind]))


def pictures():
    for name, column, hr, lr in whole_pictures():
        if not FULL:
            w, h = min(64, lr.width), min(64, lr.height); x, y = (lr.width - w) // 2, (lr.height - h) // 2
            hr, lr = hr.crop((4 * x, 4 * y, 4 * (x + w), 4 * (y + h))), lr.crop((x, y, x + w, y + h))
        yield name, column, hr, lr


def whole_pictures():
    for s in SETS:
        for p in sorted((B / s / "HR").iterdir()):
            hr = Image.open(p).convert("RGB"); hr = hr.crop((0, 0, hr.width // 4 * 4, hr.height // 4 * 4))
            name = f"{s}-{p.stem}"
            yield name, "clean" + s[3:], hr, Image.open(B / s / "LR_x4" / p.name).convert("RGB")
            for kind in ("web", "camera", "real"):
                yield name, kind, hr, degrade(hr, kind, p.stem)


def dists_by_hr():
    """DISTS in bf16 convolutions (difference below 0.0005), the HR picture's features kept for the next of its columns."""
    from fasrgan_hub.metrics.dists import DISTS, STABLE, CHANNELS
    net, last = DISTS(), {}

    @torch.inference_mode()
    def features(x):
        x = torch.from_numpy(x.transpose(2, 0, 1).copy())[None].float() / 255
        y = (x - net.mean) / net.std
        out = [x]
        with torch.autocast("cpu", torch.bfloat16):
            y = y.contiguous(memory_format=torch.channels_last)
            for stage in net.stages:
                y = stage(y); out.append(y.float())
        return out

    @torch.inference_mode()
    def score(name, sr, hr):
        if name not in last: last.clear(); last[name] = features(hr)
        total = 0.0
        for a, b, alpha, beta in zip(features(sr), last[name], net.alpha.split(CHANNELS), net.beta.split(CHANNELS)):
            ma, mb = a.mean((2, 3)), b.mean((2, 3)); a, b = a - ma[..., None, None], b - mb[..., None, None]
            v = a.square().mean((2, 3)) + b.square().mean((2, 3)); c = (a * b).mean((2, 3))
            total = total + ((2 * ma * mb + STABLE) / (ma**2 + mb**2 + STABLE)) @ alpha + ((2 * c + STABLE) / (v + STABLE)) @ beta
        return float(1 - total)
    return score


def key(model):
    if model == "bicubic": return "bicubic"
    return hashlib.sha256((Path(model) / "model.safetensors").read_bytes()).hexdigest()[:16]


def upscaler(model):
    return Upscaler(model) if model == "bicubic" else Upscaler(model, engine=os.environ.get("ENGINE", "openvino"), precision="bf16", tile=0)


def evaluate(model, label, save=None):
    file = CACHE / f"{VERSION}-{key(model)}.json"
    if file.exists() and not save: return json.loads(file.read_text())
    up, meter, found, t = upscaler(model), Meter([m for m in METRICS if m != 'dists'], Settings()), {}, [0.0, 0.0]
    dists = dists_by_hr()
    for name, column, hr, lr in pictures():
        a = time.time(); sr = up(np.asarray(lr)); b = time.time()
        got = found.setdefault(column, {})[name] = meter(sr, np.asarray(hr)); got["dists"] = dists(name, sr, np.asarray(hr)); t[0] += b - a; t[1] += time.time() - b
        if save:
            Path(save).mkdir(parents=True, exist_ok=True); Image.fromarray(sr).save(f"{save}/{name}-{column}.png")
    print(f"{label}: upscaling {t[0]:.0f} s, metrics {t[1]:.0f} s", file=sys.stderr)
    CACHE.mkdir(exist_ok=True); file.write_text(json.dumps(found)); return found


def mean(found, column, m): return float(np.mean([v[m] for v in found[column].values()]))


def row(label, found):
    cells = [f"{mean(found, c, 'psnr'):.2f} {mean(found, c, 'lpips'):.4f} {mean(found, c, 'dists'):.4f}" for c in COLUMNS]
    colour = mean(found, 'web', 'color'), mean(found, 'clean14', 'color'); g = mean(found, 'clean14', 'grid'), mean(found, 'web', 'grid')
    return f"| {label} | " + " | ".join(cells) + f" | {colour[1]:.2f} {colour[0]:.2f} | {g[0]:.1f} {g[1]:.1f} |"


if __name__ == "__main__":
    arguments = sys.argv[1:]; save = None
    if "--save" in arguments: i = arguments.index("--save"); save = arguments[i + 1]; del arguments[i:i + 2]
    rows = {"bicubic": "bicubic", "x4plus": "/root/fas/realesrgan"} | {Path(a).name if a != "bicubic" else a: a for a in arguments}
    out = {label: evaluate(m, label, save and f"{save}/{label}") for label, m in rows.items()}
    print("| PSNR LPIPS DISTS | " + " | ".join(COLUMNS) + " | colour clean14, web | grid clean14, web |"); print("|" + "---|" * 8)
    for label, found in out.items(): print(row(label, found))
    x = out["x4plus"]
    for label, found in out.items():
        if label in ("bicubic", "x4plus"): continue
        d = {m: np.mean([mean(found, c, m) for c in COLUMNS[2:]]) for m in METRICS}; e = {m: np.mean([mean(x, c, m) for c in COLUMNS[2:]]) for m in METRICS}
        print(f"{label} against x4plus, degraded: LPIPS {100*(d['lpips']/e['lpips']-1):+.1f} %, DISTS {100*(d['dists']/e['dists']-1):+.1f} %, PSNR {d['psnr']-e['psnr']:+.2f} dB; "
              + ", ".join(f"{c} {100*(mean(found,c,'lpips')/mean(x,c,'lpips')-1):+.1f}/{100*(mean(found,c,'dists')/mean(x,c,'dists')-1):+.1f} {mean(found,c,'psnr')-mean(x,c,'psnr'):+.2f}" for c in COLUMNS[2:]))
