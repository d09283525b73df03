"""blend.py OUT A=0.5 B=0.5: weighted mean of generators; discriminator, config of the last."""
import sys, shutil, torch
from pathlib import Path
from safetensors.torch import load_file, save_file
out, parts = Path(sys.argv[1]), [a.rsplit("=", 1) for a in sys.argv[2:]]
total = None
for folder, share in parts:
    d = load_file(Path(folder) / "model.safetensors"); s = float(share)
    total = {k: s * v.float() + (total[k] if total else 0) for k, v in d.items()}
shutil.copytree(parts[-1][0], out, dirs_exist_ok=True)
save_file({k: v.contiguous() for k, v in total.items()}, out / "model.safetensors", {"format": "pt"})
