"""make_teacher.py TEACHER OUT N: N crops of 72 x 72 of pairs3's LR and the teacher's results of them, as pairs; goes on where it stopped."""
import random, sys
from pathlib import Path
import numpy as np
from PIL import Image
from fasrgan_hub.upscaling.upscaler import Upscaler
teacher, out, n = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
(out / "LR").mkdir(parents=True, exist_ok=True); (out / "HR").mkdir(exist_ok=True)
names = sorted(p.name for p in Path("/root/fas/pairs3/LR").iterdir()); random.Random(5).shuffle(names)
up = Upscaler(teacher, engine="openvino", precision="bf16", tile=0)
for name in names[:n]:
    if (out / "LR" / name).exists(): continue
    x = Image.open(Path("/root/fas/pairs3/LR") / name).convert("RGB"); r = random.Random(name); s = 72
    l, t = (r.randrange(max(1, x.width - s + 1)), r.randrange(max(1, x.height - s + 1))); x = x.crop((l, t, min(x.width, l + s), min(x.height, t + s)))
    y = Image.fromarray(up(np.asarray(x)))
    y.save(out / "HR" / name); x.save(out / "LR" / name)
