"""extract_raw.py RUN TO: the last checkpoint's networks as they are (not averaged) as a model folder for --init."""
import sys, shutil, torch
from pathlib import Path
from safetensors.torch import save_file
run, to = Path(sys.argv[1]), Path(sys.argv[2])
last = max((run / "checkpoints").glob("step-*.pt")); c = torch.load(last, map_location="cpu", weights_only=False)
def find(d, name):
    if isinstance(d, dict):
        if name in d and isinstance(d[name], dict) and any(torch.is_tensor(v) for v in d[name].values()): return d[name]
        for v in d.values():
            r = find(v, name)
            if r is not None: return r
shutil.copytree(run / "model", to)
for name, sub in (("generator", to), ("discriminator", to / "discriminator")):
    save_file({k: v.clone().contiguous() for k, v in find(c, name).items()}, sub / "model.safetensors", {"format": "pt"})
print(last, to)
