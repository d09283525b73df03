"""python make_dark.py PHOTOS PAIRS OUT [COUNT]: PAIRS (hard links) and COUNT more pairs of darkened photographs with sensor noise.

One crop from every photograph in turn, exposed 0.06 to 0.5 as long (in linear light); the LR as `camera` makes it. Seeded by name."""
import os, sys
from pathlib import Path
import numpy as np
from PIL import Image
sys.path.insert(0, "RUNS")
from make_pairs import S, camera, contrast, degrade, lin, logu, seeded, srgb, to8
photos, pairs, out, count = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 260
for sub in ("LR", "HR"):
    (out / sub).mkdir(parents=True)
    for f in (pairs / sub).iterdir(): os.link(f, out / sub / f.name)
files = sorted(p for p in photos.iterdir() if p.suffix == ".webp")
for i in range(count):
    p = files[i % len(files)]; rng = seeded(7, p.stem, i)
    hr = np.asarray(Image.open(p).convert("RGB")); side = tuple(min(480, n // S * S) for n in hr.shape[:2])
    spots = []
    for _ in range(4):
        t, l = (int(rng.integers(0, n - s + 1)) for n, s in zip(hr.shape[:2], side)); spots.append((contrast(hr[t:t + side[0], l:l + side[1]]), t, l))
    _, t, l = max(spots)
    hr = to8(srgb(lin(hr.astype(np.float32)) * logu(rng, 0.06, 0.5)))
    name = f"dark-{p.stem}-{i:03d}p.png"
    Image.fromarray(degrade(hr, "camera", rng, t, l, side)).save(out / "LR" / name)
    Image.fromarray(hr[t:t + side[0], l:l + side[1]]).save(out / "HR" / name, compress_level=3)
print(count, len(list((out / "LR").iterdir())))
