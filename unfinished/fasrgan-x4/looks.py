"""Strips to look at: python looks.py OUT.png MODEL_FOLDER [...]: rows of cases, columns nearest | bicubic | x4plus | models.
At 300 % (of the result) for details, at 100 % for wholes: two PNGs, OUT-100.png and OUT-300.png. Results are cached."""
import hashlib, os, sys
from pathlib import Path
import numpy as np
from PIL import Image, ImageDraw, ImageFont
sys.path.insert(0, "WORK")
from eval import B, jpeg, webp, img, arr, gblur, degrade, key, upscaler

CACHE = Path("WORK/lookcache"); CACHE.mkdir(exist_ok=True)
def lr(s, n): return Image.open(B / s / "LR_x4" / f"img_{n:03d}.png").convert("RGB")
def hr(s, n): return Image.open(B / s / "HR" / f"img_{n:03d}.png").convert("RGB")

def screenshot():
    x = Image.new("RGB", (96, 64), (250, 250, 252)); d = ImageDraw.Draw(x); f = "/usr/share/fonts/truetype/dejavu/"
    d.rectangle((0, 0, 95, 12), fill=(52, 73, 108)); d.text((3, 1), "File  Edit  View", font=ImageFont.truetype(f + "DejaVuSans.ttf", 9), fill="white")
    d.text((3, 16), "Total: 1,279.50", font=ImageFont.truetype(f + "DejaVuSans-Bold.ttf", 11), fill=(20, 20, 20))
    d.text((3, 31), "def run(self):", font=ImageFont.truetype(f + "DejaVuSansMono.ttf", 10), fill=(140, 20, 120))
    d.rounded_rectangle((4, 46, 44, 60), 3, fill=(46, 160, 67)); d.text((12, 47), "Save", font=ImageFont.truetype(f + "DejaVuSans.ttf", 10), fill="white")
    d.rounded_rectangle((50, 46, 92, 60), 3, outline=(120, 120, 120)); d.text((54, 47), "Cancel", font=ImageFont.truetype(f + "DejaVuSans.ttf", 10), fill=(60, 60, 60))
    return x

def dark():
    r = np.random.default_rng(3); x = arr(lr("Set14", 2).crop((60, 20, 156, 116))) / 255
    y = (x ** 2.2) * 0.08; y = y + r.normal(0, 1, y.shape) * np.sqrt(0.0012 * y + 0.003 ** 2)
    return jpeg(img(255 * np.clip(y, 0, 1) ** (1 / 2.2)), 90)

def cases():  # name, LR, (x, y, side) of the detail in LR pixels
    yield "woman jpeg60", jpeg(lr("Set5", 5), 60), (10, 14, 32)
    yield "baby jpeg60", jpeg(lr("Set5", 1).crop((24, 24, 108, 108)), 60), (10, 24, 32)
    yield "foreman webp50", webp(lr("Set14", 8), 50), (28, 10, 32)
    yield "dark noisy", dark(), (48, 10, 32)
    yield "screenshot", screenshot(), (0, 12, 32)
    yield "screenshot jpeg75", jpeg(screenshot(), 75), (0, 12, 32)
    yield "fur clean", lr("Set14", 1).crop((0, 20, 80, 100)), (4, 20, 32)
    yield "fur web", degrade(hr("Set14", 1), "web", "baboon").crop((0, 20, 80, 100)), (4, 20, 32)
    yield "zebra camera", degrade(hr("Set14", 14), "camera", "zebra").crop((20, 10, 100, 90)), (30, 20, 32)
    yield "butterfly clean", lr("Set5", 3), (16, 16, 32)
    yield "flowers clean", lr("Set14", 7).crop((20, 5, 100, 85)), (20, 20, 32)

def results(model, todo):
    up = None; out = []
    for name, x in todo:
        f = CACHE / (hashlib.sha256(x.tobytes()).hexdigest()[:12] + "-" + key(model) + ".png")
        if not f.exists():
            up = up or upscaler(model); Image.fromarray(up(np.asarray(x))).save(f)
        out.append(Image.open(f).convert("RGB"))
    return out

if __name__ == "__main__":
    out, models = sys.argv[1], ["bicubic", "WORK/realesrgan", *sys.argv[2:]]
    todo = list(cases()); made = {m: results(m, [c[:2] for c in todo]) for m in models}
    n = len(models) + 1; W = 384; big = Image.new("RGB", (n * W, len(todo) * W)); small = []
    for r, (name, x, (a, b, s)) in enumerate(todo):
        row = [x.resize((4 * x.width, 4 * x.height), 0)] + [made[m][r] for m in models]
        for c, y in enumerate(row): big.paste(y.crop((4 * a, 4 * b, 4 * (a + s), 4 * (b + s))).resize((W, W), Image.NEAREST), (c * W, r * W))
        strip = Image.new("RGB", (sum(y.width for y in row), row[0].height)); at = 0
        for y in row: strip.paste(y, (at, 0)); at += y.width
        small.append(strip)
    for i in range(0, len(todo), 4): big.crop((0, i * W, n * W, min(len(todo), i + 4) * W)).save(f"{out}-300-{i // 4}.png")
    for i in range(0, len(todo), 3):
        part = small[i:i + 3]; page = Image.new("RGB", (max(p.width for p in part), sum(p.height for p in part))); at = 0
        for p in part: page.paste(p, (0, at)); at += p.height
        page.save(f"{out}-100-{i // 3}.png")
