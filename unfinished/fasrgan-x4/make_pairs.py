"""Degraded training pairs from a folder of photographs: OUT/HR/*.png and OUT/LR/*.png, equal names, x4.

python make_pairs.py PHOTOS OUT [--crops 1150] [--text 60] [--versions 2] [--seed 1]

Every choice is drawn from (seed, name of the photograph, crop, version), so that the set is the same each time.
Shares of the versions: clean .25, web .45, camera .20, real .10. Each picture is degraded with MARGIN pixels around
the crop, so that codecs' blocks and blurs do not begin at the crop's edge.
"""
import argparse, io, math, os, zlib
from multiprocessing import Pool
from pathlib import Path
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from fasrgan_hub.data.bicubic import downscale

torch.set_num_threads(1)
S = 4
MARGIN = 64            # HR pixels, a multiple of S, plus 0..31 more before, so that 8x8 grids lie anywhere
FILTERS = [Image.BOX, Image.BILINEAR, Image.HAMMING, Image.BICUBIC, Image.LANCZOS]
SHARES = (("clean", 0.25), ("web", 0.45), ("camera", 0.20), ("real", 0.10))


def u(rng, a, b): return float(rng.uniform(a, b))
def logu(rng, a, b): return float(math.exp(rng.uniform(math.log(a), math.log(b))))
def to8(x): return np.rint(np.clip(x, 0, 255)).astype(np.uint8)


def gauss_kernel(s1, s2, theta, shape=2.0, plateau=False):
    size = 2 * int(math.ceil(3 * max(s1, s2))) + 1
    r = np.arange(size) - size // 2
    x, y = np.meshgrid(r, r)
    c, s = math.cos(theta), math.sin(theta)
    a, b = (c * x + s * y) / s1, (-s * x + c * y) / s2
    d = (a * a + b * b)
    k = 1 / (1 + d ** (shape / 2)) if plateau else np.exp(-0.5 * d ** (shape / 2))
    return k / k.sum()


def sinc_kernel(cut, size=13):
    """2-D low-pass (jinc) filter as in Real-ESRGAN: ringing."""
    r = np.arange(size) - size // 2
    x, y = np.meshgrid(r, r)
    d = np.hypot(x, y)
    j1 = torch.special.bessel_j1(torch.from_numpy(cut * d)).numpy()
    with np.errstate(all="ignore"):
        k = cut * j1 / (2 * np.pi * d)
    k[size // 2, size // 2] = cut ** 2 / (4 * np.pi)
    return k / k.sum()


def convolve(x, k):
    """(H, W, 3) float with an odd kernel, borders mirrored."""
    t = torch.from_numpy(np.ascontiguousarray(x.transpose(2, 0, 1)))[:, None].float()
    p = k.shape[0] // 2
    t = torch.nn.functional.pad(t, (p, p, p, p), mode="reflect")
    kk = torch.from_numpy(k[::-1, ::-1].copy()).float()[None, None]
    return torch.nn.functional.conv2d(t, kk)[:, 0].numpy().transpose(1, 2, 0)


def blur(x, s):
    return convolve(x, gauss_kernel(s, s, 0)) if s > 0.05 else x


def codec(x, quality, rng, webp=False, sampling=None):
    """Through JPEG or WebP: x (H, W, 3) float or uint8 -> uint8."""
    image, file = Image.fromarray(to8(x)), io.BytesIO()
    if webp:
        image.save(file, "WEBP", quality=quality, method=int(rng.integers(0, 5)))
    else:
        s = int(rng.choice(3, p=(0.25, 0.15, 0.6))) if sampling is None else sampling
        image.save(file, "JPEG", quality=quality, subsampling=s)
    return np.asarray(Image.open(io.BytesIO(file.getvalue())).convert("RGB"))


def pil_resize(x, size, f):
    """size is (rows, columns); Pillow maps extents to extents, so nothing shifts."""
    return np.asarray(Image.fromarray(to8(x)).resize((size[1], size[0]), f))


def torch_resize(x, size, mode):
    t = torch.from_numpy(np.ascontiguousarray(x.transpose(2, 0, 1)))[None].float()
    keys = {} if mode == "area" else {"align_corners": False}
    return torch.nn.functional.interpolate(t, size=size, mode=mode, **keys)[0].numpy().transpose(1, 2, 0)


def lin(x):
    x = np.clip(x, 0, 255) / 255
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def srgb(x):
    x = np.clip(x, 0, 1)
    return 255 * np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)


def clean(hr, rng):
    t = torch.from_numpy(hr.transpose(2, 0, 1).copy()).float() / 255
    return to8(downscale(t, S).numpy().transpose(1, 2, 0) * 255)


def web(hr, rng):
    rows, columns = hr.shape[0] // S, hr.shape[1] // S
    x = hr.astype(np.float32)
    if rng.random() < 0.5:
        x = blur(x, S * u(rng, 0, 0.8))
    if rng.random() < 0.06:      # centre 2x2 of each 4x4: bilinear without antialiasing
        lr = x.reshape(rows, S, columns, S, 3)[:, 1:3, :, 1:3].mean(axis=(1, 3))
    elif rng.random() < 0.3:     # via another size, perhaps stored in between
        f = u(rng, 0.5, 1.2)
        middle = (max(8, round(rows * f)), max(8, round(columns * f)))
        lr = pil_resize(x, middle, FILTERS[rng.integers(5)])
        if rng.random() < 0.5:
            lr = codec(lr, int(rng.integers(50, 96)), rng)
        lr = pil_resize(lr, (rows, columns), FILTERS[rng.integers(1, 5)])
    else:
        lr = pil_resize(x, (rows, columns), FILTERS[rng.integers(5)])
    lr = lr.astype(np.float32)
    if rng.random() < 0.15:      # sharpened for the web
        lr = np.clip(lr + u(rng, 0.2, 0.8) * (lr - blur(lr, u(rng, 0.5, 1.0))), 0, 255)
    if rng.random() < 0.5:
        gray = rng.random() < 0.4
        n = rng.normal(0, u(rng, 0, 3), lr.shape[:2] + (1 if gray else 3,))
        lr = lr + n
    q = int(rng.integers(30, 96))
    lr = codec(lr, q, rng, webp=rng.random() < 0.3)
    if rng.random() < 0.3:       # encoded again, with the grid of blocks elsewhere
        a, b = int(rng.integers(0, 8)), int(rng.integers(0, 8))
        cut = codec(lr[a:, b:], int(rng.integers(40, 96)), rng, webp=rng.random() < 0.3)
        lr = lr.copy()
        lr[a:, b:] = cut
    return lr


def camera(hr, rng):
    rows, columns = hr.shape[0] // S, hr.shape[1] // S
    x = hr.astype(np.float32)
    s1 = logu(rng, 0.4, 5.0)     # HR pixels: 0.1 to 1.25 LR pixels
    s2 = s1 if rng.random() < 0.6 else s1 * u(rng, 0.4, 1)
    x = convolve(x, gauss_kernel(s1, s2, u(rng, 0, math.pi)))
    x = torch_resize(x, (rows, columns), "area") if rng.random() < 0.6 else torch_resize(blur(x, 1.0), (rows, columns), "bicubic")
    x = lin(x)
    level = logu(rng, 0.0005, 0.006) # variance per unit of light: sigma in sRGB of up to about 15 in the middle tones
    read = u(rng, 0, 0.006)
    shape = x.shape if rng.random() < 0.7 else x.shape[:2] + (1,)
    n = rng.normal(0, 1, shape)
    if rng.random() < 0.5:       # demosaicing spreads noise
        s = u(rng, 0.3, 0.8)
        k = gauss_kernel(s, s, 0)
        n = np.broadcast_to(n, x.shape) if n.shape[2] == 1 else n
        n = convolve(n.astype(np.float32), k) / math.sqrt((k ** 2).sum()) * u(rng, 0.6, 1)
    x = x + n * np.sqrt(level * x + read ** 2)
    lr = srgb(x)
    if rng.random() < 0.3:       # the camera's sharpening
        lr = np.clip(lr + u(rng, 0.2, 0.6) * (lr - blur(lr.astype(np.float32), u(rng, 0.5, 1.0))), 0, 255)
    return codec(lr, int(rng.integers(70, 96)), rng)


def esr_kernel(rng, low, high):
    if rng.random() < 0.1:
        return sinc_kernel(u(rng, math.pi / 3, math.pi))
    s1 = u(rng, low, high)
    s2 = s1 if rng.random() < 0.55 else u(rng, low, high)
    kind = rng.random()
    if kind < 0.7: return gauss_kernel(s1, s2, u(rng, 0, math.pi))
    if kind < 0.85: return gauss_kernel(s1, s2, u(rng, 0, math.pi), shape=2 * u(rng, 0.5, 3))
    return gauss_kernel(s1, s2, u(rng, 0, math.pi), shape=2 * u(rng, 1, 2), plateau=True)


def esr_noise(x, rng, sigma, poisson):
    gray = rng.random() < 0.4
    if rng.random() < 0.5:
        n = rng.normal(0, u(rng, 1, sigma), x.shape[:2] + (1 if gray else 3,))
    else:
        base = np.clip(x, 0, 255) / 255
        if gray: base = base.mean(axis=2, keepdims=True)
        n = (rng.poisson(base * 255) / 255 - base) * u(rng, 0.05, poisson) * 255
    return np.clip(x + n, 0, 255)


def esr_size(rows, columns, rng, p, low, high):
    kind = rng.choice(3, p=p)
    f = u(rng, 1, high) if kind == 0 else u(rng, low, 1) if kind == 1 else 1.0
    return max(8, round(rows * f)), max(8, round(columns * f))


def real(hr, rng):
    rows, columns = hr.shape[0] // S, hr.shape[1] // S
    modes = ("area", "bilinear", "bicubic")
    x = convolve(hr.astype(np.float32), esr_kernel(rng, 0.2, 2.5))
    x = np.clip(torch_resize(x, esr_size(*hr.shape[:2], rng, (.2, .7, .1), 0.25, 1.3), modes[rng.integers(3)]), 0, 255)
    x = esr_noise(x, rng, 18, 1.8)
    x = codec(x, int(rng.integers(40, 96)), rng).astype(np.float32)
    if rng.random() < 0.7:
        x = convolve(x, esr_kernel(rng, 0.2, 1.2))
    x = np.clip(torch_resize(x, esr_size(rows, columns, rng, (.3, .4, .3), 0.5, 1.2), modes[rng.integers(3)]), 0, 255)
    x = esr_noise(x, rng, 12, 1.2)
    sinc = sinc_kernel(u(rng, math.pi / 2, math.pi)) if rng.random() < 0.6 else None
    first = rng.random() < 0.5
    q = int(rng.integers(40, 96))
    if not first: x = codec(x, q, rng).astype(np.float32)
    x = torch_resize(x, (rows, columns), modes[rng.integers(3)])
    if sinc is not None: x = convolve(x, sinc)
    return codec(x, q, rng) if first else to8(x)


KINDS = {"clean": clean, "web": web, "camera": camera, "real": real}
LETTER = {"clean": "c", "web": "w", "camera": "p", "real": "r"}


def kind_of(rng):
    at, total = rng.random(), 0.0
    for name, share in SHARES:
        total += share
        if at < total: return name
    return "clean"


def seeded(seed, *words):
    return np.random.default_rng([seed, *(w if isinstance(w, int) else zlib.crc32(w.encode()) for w in words)])


def degrade(hr, kind, rng, top, left, side):
    """The LR of hr[top : top + side[0], left : left + side[1]]: a window around it is degraded and cut."""
    def span(at, length, limit):
        before = min(at // S * S, MARGIN + S * int(rng.integers(0, 8)))
        after = min((limit - at - length) // S * S, MARGIN)
        return at - before, at + length + after
    a, b = span(top, side[0], hr.shape[0])
    c, d = span(left, side[1], hr.shape[1])
    lr = KINDS[kind](hr[a:b, c:d], rng)
    r, k = (top - a) // S, (left - c) // S
    return lr[r:r + side[0] // S, k:k + side[1] // S]


def contrast(pixels):
    green = pixels[::2, :, 1].astype(np.int16)
    return float(np.abs(np.diff(green, axis=1)).mean())


WORDS = ("the quick brown fox jumps over a lazy dog Invoice 2024 Total 1,279.50 EUR File Edit View Help Settings "
         "search results per page def train(self): return x + 1 for i in range(10) Süßwasser naïve café № 42 "
         "Chapter Figure Table Error: not found OK Cancel https://example.org/path?q=7 A4 B2 100% @ & # * {} []").split()


def text_picture(rng, photos, fonts, side=480 + 2 * 96):
    """A rendered page, screenshot or caption: dark on light, light on dark, or over a photograph."""
    if rng.random() < 0.25:
        with Image.open(photos[rng.integers(len(photos))]) as file:
            base = file.convert("RGB")
        base = base.resize((side, side), Image.BICUBIC, box=(0, 0, min(base.size), min(base.size)))
        ink = [tuple(int(v) for v in rng.integers(0, 256, 3))]
    else:
        light = rng.random() < 0.65
        back = rng.integers(215, 256, 3) if light else rng.integers(0, 60, 3)
        base = Image.new("RGB", (side, side), tuple(int(v) for v in back))
        ink = [tuple(int(v) for v in (rng.integers(0, 110, 3) if light else rng.integers(150, 256, 3))) for _ in range(3)]
    draw = ImageDraw.Draw(base)
    y = int(rng.integers(0, 20))
    while y < side:
        size = int(logu(rng, 18, 72))
        font = ImageFont.truetype(str(fonts[rng.integers(len(fonts))]), size)
        if rng.random() < 0.15:  # a button, a rule, a box
            w, h = int(rng.integers(60, 400)), int(rng.integers(2, 60))
            x = int(rng.integers(0, 300))
            colour = tuple(int(v) for v in rng.integers(0, 256, 3))
            draw.rounded_rectangle((x, y, x + w, y + h), radius=int(rng.integers(0, 12)), fill=colour if rng.random() < .5 else None, outline=colour, width=int(rng.integers(1, 5)))
        line = " ".join(WORDS[i] for i in rng.integers(0, len(WORDS), 24))
        draw.text((int(rng.integers(-30, 30)), y), line, fill=ink[rng.integers(len(ink))], font=font)
        y += int(size * u(rng, 1.1, 1.6))
    return np.asarray(base)


def one(job):
    out, path, count, versions, seed, photos, fonts = job
    name = Path(path).stem
    made = []
    for crop in range(count):
        rng = seeded(seed, name, crop)
        if path == "text":
            hr, label = text_picture(rng, photos, fonts), f"text-{crop:03d}"
        else:
            if crop == 0:
                photo = np.asarray(Image.open(path).convert("RGB"))
            hr, label = photo, f"{name}-{crop:02d}"
        side = tuple(min(480, length // S * S) for length in hr.shape[:2])
        spots = []
        for _ in range(4):
            top, left = (int(rng.integers(0, length - s + 1)) for length, s in zip(hr.shape[:2], side))
            spots.append((contrast(hr[top:top + side[0], left:left + side[1]]), top, left))
        _, top, left = max(spots)
        first = None
        for version in range(versions):
            r = seeded(seed, name, crop, 1000 + version)
            kind = kind_of(r)
            lr = degrade(hr, kind, r, top, left, side)
            file = f"{label}-{version}{LETTER[kind]}.png"
            Image.fromarray(lr).save(out / "LR" / file)
            if first is None:
                first = out / "HR" / file
                Image.fromarray(hr[top:top + side[0], left:left + side[1]]).save(first, compress_level=3)
            else:
                os.link(first, out / "HR" / file)
            made.append(kind)
    return made


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--crops", type=int, default=1150)
    parser.add_argument("--text", type=int, default=60)
    parser.add_argument("--fonts", type=Path, default=None)
    parser.add_argument("--versions", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    for sub in ("LR", "HR"): (a.out / sub).mkdir(parents=True)
    photos = sorted(p for p in a.photos.iterdir() if p.suffix in (".webp", ".png", ".jpg"))
    fonts = sorted(a.fonts.rglob("*.ttf")) if a.fonts else []
    areas = []
    for p in photos:
        with Image.open(p) as im: areas.append(im.width * im.height)
    total = sum(areas)
    counts = [max(1, round(a.crops * v / total)) for v in areas]
    jobs = [(a.out, str(p), n, a.versions, a.seed, photos, fonts) for p, n in zip(photos, counts)]
    if a.text and fonts: jobs.append((a.out, "text", a.text, a.versions, a.seed, photos, fonts))
    jobs.sort(key=lambda j: -j[2])
    kinds = {}
    with Pool(2) as pool:
        for made in pool.imap_unordered(one, jobs):
            for k in made: kinds[k] = kinds.get(k, 0) + 1
    print(len(jobs), "pictures,", sum(kinds.values()), "pairs:", kinds)
