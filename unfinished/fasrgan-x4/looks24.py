"""looks24.py OUT NAME=MODEL...: 24 inputs that no training saw; four sheets of six rows at 100 % and four at 300 % (middle third)."""
import hashlib, io, sys
from pathlib import Path
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data
sys.path.insert(0, "/root/fas")
import eval2 as E
sys.path.insert(0, "/root/fas/wt/models/scripts")
B = Path("/work/shared/benchmarks"); SPACE = Path("/work/main/spaces/upscaler/examples"); DEMO = Path("/work/main/fasrgan_hub/apps/demo/examples")
CACHE = Path("/root/fas/lookcache"); S = 64
def img(p): return Image.open(p).convert("RGB")
def lr(s, n): return img(B / s / "LR_x4" / f"img_{n:03d}.png")
def hr(s, n): return img(B / s / "HR" / f"img_{n:03d}.png")
def sk(n): return Image.fromarray(getattr(data, n)()).convert("RGB")
def jpeg(x, q, s=2):
    f = io.BytesIO(); x.save(f, "JPEG", quality=q, subsampling=s); return Image.open(io.BytesIO(f.getvalue())).convert("RGB")
def webp(x, q):
    f = io.BytesIO(); x.save(f, "WEBP", quality=q); return Image.open(io.BytesIO(f.getvalue())).convert("RGB")
def half(x, k=2): return x.resize((x.width // k, x.height // k), Image.BICUBIC)
def night(x, light=0.1, seed=0):
    y = (np.asarray(x) / 255.) ** 2.2 * light; y = y + np.random.default_rng(seed).normal(size=y.shape) * np.sqrt(.001 * y + .002 ** 2)
    return jpeg(Image.fromarray((255 * np.clip(y, 0, 1) ** (1 / 2.2)).round().astype(np.uint8)), 90)
def phone(x):
    y = np.asarray(x).astype(np.float32); y = y + np.random.default_rng(1).normal(0, 5, y.shape)
    y = Image.fromarray(np.clip(y, 0, 255).astype(np.uint8)).filter(__import__("PIL.ImageFilter", fromlist=["x"]).UnsharpMask(1.2, 80, 2)); return jpeg(y, 85)
def screenshot():
    x = Image.new("RGB", (96, 72), (250, 250, 252)); d = ImageDraw.Draw(x); f = "/usr/share/fonts/truetype/dejavu/"
    d.rectangle((0, 0, 95, 12), fill=(52, 73, 108)); d.text((3, 1), "File  Edit  View", font=ImageFont.truetype(f + "DejaVuSans.ttf", 9), fill="white")
    d.text((3, 16), "Total: 1,279.50", font=ImageFont.truetype(f + "DejaVuSans-Bold.ttf", 11), fill=(20, 20, 20))
    d.text((3, 31), "def run(self):", font=ImageFont.truetype(f + "DejaVuSansMono.ttf", 10), fill=(140, 20, 120))
    d.rounded_rectangle((4, 46, 44, 60), 3, fill=(46, 160, 67)); d.text((12, 47), "Save", font=ImageFont.truetype(f + "DejaVuSans.ttf", 10), fill="white")
    return x
def cases():
    a = img(SPACE / "astronaut.png"); face = img(DEMO / "face.png")
    yield "face jpeg 30", jpeg(face, 30), (28, 20)
    yield "face jpeg 60", jpeg(face, 60), (28, 20)
    yield "face jpeg 90", jpeg(face, 90), (28, 20)
    yield "face large jpeg 75", jpeg(a, 75), (190, 70)
    yield "woman jpeg 60", jpeg(lr("Set5", 5), 60), (0, 8)
    yield "lenna webp 50", webp(lr("Set14", 10) if False else lr("Set14", 8), 50), (10, 4)
    yield "cat clean", img(DEMO / "cat.png"), (70, 20)
    yield "cat phone", phone(img(DEMO / "cat.png")), (70, 20)
    yield "baboon clean", lr("Set14", 1), (4, 20)
    yield "grass clean", sk("grass"), (200, 200)
    yield "grass jpeg 60", jpeg(half(sk("grass")), 60), (90, 90)
    yield "bricks clean", half(sk("brick"), 3), (50, 50)
    yield "zebra camera", E.degrade(hr("Set14", 14), "camera", "zebra"), (50, 20)
    yield "butterfly clean", lr("Set5", 3), (0, 0)
    yield "print clean", img(DEMO / "text.png"), (90, 55)
    yield "print jpeg 60", jpeg(img(DEMO / "text.png"), 60), (8, 40)
    yield "screenshot", screenshot(), (0, 0)
    yield "scan page", sk("page"), (150, 60)
    yield "scan page jpeg 75", jpeg(half(sk("page"), 1), 75), (60, 100)
    yield "comic web", E.degrade(hr("Set14", 5), "web", "comic"), (0, 10)
    yield "motorcycle phone", phone(half(sk("stereo_motorcycle") if False else Image.fromarray(data.stereo_motorcycle()[0]), 2)), (90, 60)
    yield "rocket night", night(half(sk("rocket"), 2), .5), (130, 120)
    yield "face night", night(half(a)), (85, 30)
    yield "coffee real", E.degrade(img(SPACE / "coffee.png"), "real", "coffee"), (40, 20)

def enlarge(name, model, todo, ups={}):
    out = []
    for x in todo:
        k = CACHE / (hashlib.sha256(x.tobytes()).hexdigest()[:12] + "-" + E.key(model) + ".png")
        if not k.exists():
            if model not in ups: ups[model] = E.upscaler(model)
            Image.fromarray(ups[model](np.asarray(x))).save(k)
        out.append(Image.open(k).convert("RGB"))
    return out

if __name__ == "__main__":
    out, models = sys.argv[1], [("bicubic", "bicubic"), ("x4plus", "/root/fas/realesrgan"), *(a.split("=") for a in sys.argv[2:])]
    rows = []
    for n, x, (l, t) in cases():
        l, t = min(l, x.width - S), min(t, x.height - S); rows.append((n, x.crop((l, t, l + S, t + S))))
    made = [enlarge(n, m, [x for _, x in rows]) for n, m in models]
    font = ImageFont.load_default(13); W = 4 * S
    for kind in ("100", "300"):
        for page in range(4):
            sheet = Image.new("RGB", ((1 + len(models)) * W, 6 * (W + 16)), "white"); d = ImageDraw.Draw(sheet)
            for r in range(6):
                i = page * 6 + r; n, x = rows[i]
                images = [x.resize((W, W), 0)] + [m[i] for m in made]
                for c, y in enumerate(images):
                    if kind == "300": q = W // 3; y = y.crop((q, q, 2 * q, 2 * q)).resize((W, W), 0)
                    sheet.paste(y, (c * W, r * (W + 16))); d.text((c * W + 2, r * (W + 16) + W), n if c == 0 else models[c - 1][0], "black", font)
            sheet.save(f"{out}-{kind}-{page}.png")
