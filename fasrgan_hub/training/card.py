"""The model card of a run: what was trained, on what, how, for how long, and what it scores."""

import json
import math
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from shlex import quote
from typing import Any

import torch
from huggingface_hub import ModelCard, ModelCardData

from ..data.sources import hub_datasets
from ..evaluation.cards import card_metrics, eval_result
from ..hub.card_example import GALLERY, WIDGET
from ..hub.origins import Origin
from ..hub.transfer import CARD, GENERATED, LIBRARY, MARK, PAPER
from ..images.atomic import replace_file
from ..metrics.named import METRICS
from .config import TrainConfig, is_free
from .config_groups import StartConfig
from .curves import draw_curves, read_log
from .degradation_copies import read_copies
from .nested import plain, to_yaml
from .recipes import default_config

LOCAL = ("output", "validation", "checkpoints", "logging")
"""Parts of the configuration that say nothing beyond the machine."""
INVENTS = """The detail is invented so that it looks plausible.
Do not use the result as evidence, for identifying people, or for measuring."""
SMOOTHS = """It was trained to be close to the original on average,
so textures come out smooth."""

CLEAN = "It learned from clean images shrunk with bicubic: noise and JPEG artefacts are enlarged too."
CITATION = f"""## License and citation
Weights: {{license}}. Method: Y. Yan, C. Liu, C. Chen, X. Sun, L. Jin, X. Peng and X. Zhou, ["Fine-grained Attention and
Feature-sharing Generative Adversarial Networks for Single Image Super-Resolution"]({PAPER}), IEEE Transactions on
Multimedia.
"""
DEGRADED = "It learned from images with blur, noise and compression, and cleans up mild ones."


@dataclass(frozen=True)
class RunFacts:
    """What a card says beside the configuration.

    Args:
        step, seconds, processes: how far the run is, how long it took, and in how many processes.
        perceptual: the network of the perceptual loss.
        teacher: what it is called, empty without one.
        origin: whose weights the run started from.
    """

    step: int
    seconds: float
    perceptual: str = ""
    teacher: str = ""
    origin: Origin = field(default_factory=Origin)
    processes: int = 1


def write_card(model: Path, config: TrainConfig, log: Path, run: RunFacts) -> None:
    """Write curves.png, README.md and samples.png into the folder `model`; only the first if README.md is by hand."""
    draw_curves(log, model / "curves.png")
    readme = model / CARD
    if readme.exists() and GENERATED not in readme.read_text(encoding="utf-8"):
        return
    samples = sorted((log.parent / "samples").glob("step-*.png"))
    if samples:
        shutil.copyfile(samples[-1], model / "samples.png")
    losses, scores = read_log(log)
    latest = {name: series[-1][1] for name, series in scores.items() if math.isfinite(series[-1][1])}
    images = {
        "![losses and scores over the steps](curves.png)": losses or scores,
        "![small image, result and original, side by side](samples.png)": samples,
    }
    name = f"{config.system}-{'psnr-' if config.stage == 'psnr' else ''}x{config.scale}"
    sections = [
        f"---\n{_metadata(config, name, latest, run.origin)}\n---\n{MARK}",
        _introduction(config, name),
        GALLERY,
        _scores_section(config, name, latest),
        _training_section(config, _facts(config, run), read_copies(log.parent)),
        "\n".join(line for line, exists in images.items() if exists),
        _limits_section(config),
        CITATION.format(license=_license_note(config, run.origin)),
    ]
    with replace_file(readme) as file:
        file.write(str(ModelCard("\n\n".join(filter(None, sections)))).encode())


def _metadata(config: TrainConfig, name: str, scores: dict[str, float], origin: Origin) -> ModelCardData:
    base = list(origin.base_model)
    return ModelCardData(
        library_name=LIBRARY,
        license=weights_license(config, origin),
        base_model=base[0] if len(base) == 1 else base or None,
        base_model_relation="finetune" if base else None,
        datasets=hub_datasets(config.data.source) or None,
        pipeline_tag="image-to-image",
        tags=["super-resolution", config.system, config.stage],
        widget=WIDGET,
        model_name=name,
        eval_results=[eval_result(value, *key.split()) for key, value in scores.items()] or None,
    )


def weights_license(config: TrainConfig, origin: Origin) -> str:
    """The license of a run's weights, of the Hub's list."""
    return origin.license or ("unknown" if config.start.init else "apache-2.0")


def _introduction(config: TrainConfig, name: str) -> str:
    return f"""# {name}
x{config.scale} super-resolution with fasrgan_hub: {config.system_row().generator.__doc__}

```python
from fasrgan_hub import Upscaler

Upscaler("{name}")("photo.jpg").save("photo_x{config.scale}.png")
```"""


def _scores_section(config: TrainConfig, name: str, scores: dict[str, float]) -> str:
    return f"""## Scores
{_scores_table(scores)}

PSNR, SSIM and RMSE on Y, border of {config.scale} pixels; LPIPS is AlexNet v0.0, LPIPS 0.1 is v0.1.
`fasrgan evaluate {name} --hr HR --lr LR --metrics {",".join(card_metrics(config.validation.metrics))}` prints them."""


def _license_note(config: TrainConfig, origin: Origin) -> str:
    if not config.start.init:
        return "Apache-2.0"
    if origin.license:
        return f"{origin.license}, as those that they started from"
    return "as those that they started from, whose license is not known here (`--start.license` states it)"


def _training_section(config: TrainConfig, facts: dict[str, str], degradations: dict[str, str]) -> str:
    shown = {name: value for name, value in plain(config).items() if name not in LOCAL}
    return f"""## Training
| | |
|---|---|
{chr(10).join(f"| {key} | {value} |" for key, value in facts.items())}

```
{command_line(config)}
```

<details><summary>The whole configuration</summary>

```yaml
{to_yaml(shown).strip()}
```
</details>{"".join(_degradation(*copy) for copy in degradations.items())}"""


def _degradation(name: str, text: str) -> str:
    return f"""

<details><summary>The degradation {name}</summary>

```yaml
{text.strip()}
```
</details>"""


def _limits_section(config: TrainConfig) -> str:
    return f"""## Intended use and limits
For images that are too small: prints, screens, textures, archives. {SMOOTHS if config.stage == "psnr" else INVENTS}
{CLEAN if config.data.degradation == "clean" else DEGRADED}"""


def _facts(config: TrainConfig, run: RunFacts) -> dict[str, str]:
    """What was trained, on what, how and for how long."""
    row, data, start = config.system_row(), config.data, config.start
    losses = f"adversarial; {_listed(asdict(row.losses))}"
    facts = {
        "system": f"{config.system} ({row.generator.__name__}: {_listed(row.generator_args)})",
        "stage": "L1 pre-training" if config.stage == "psnr" else losses,
        "started from": _start(start, run.origin),
        "data": data.note or data.source,
        "degradation": data.degradation,
        "steps": f"{run.step:,} of {data.batch} crops of {data.crop} x {data.crop} HR pixels",
        "time": f"{_duration(run.seconds)} on {_hardware(run.processes)}",
        "precision": "f32" if config.precision == "no" else config.precision,
    }
    if run.teacher:
        share = f"{100 * config.teacher.until:g} % of the steps"
        moving = "input and target go" if config.teacher.inputs == "blended" else "the target goes"
        facts["teacher"] = f"{run.teacher}: {moving} from its results to the truth over {share}"
    if config.stage == "gan":
        network = f"{row.discriminator.__name__}: {_listed(row.discriminator_args)}"
        facts["discriminator"] = f"{network}, started from {start.init_discriminator or 'random weights'}"
        facts["perceptual loss"] = run.perceptual
    return facts


def _start(start: StartConfig, origin: Origin) -> str:
    """What a run started from, and whose that is."""
    words = [start.init or "random weights"]
    words += [f"blocks {', '.join(map(str, start.init_blocks))}"] if start.init_blocks else []
    words += [f"base model {base}" for base in origin.base_model]
    return ", ".join(words)


def command_line(config: TrainConfig) -> str:
    """The command that begins the same run: every field that differs from the preset of its system and stage."""
    preset = default_config(config.system, config.stage)
    changed = [path for path in config.paths() if not is_free(path) and config[path] != preset[path]]
    named = ("system", "stage", "data.source", "output", "steps")
    words = [
        f"--{path.replace('data.source', 'data')} {quote(_word(config[path]))}"
        for path in dict.fromkeys([*named, *changed])
    ]
    return " \\\n    ".join(["accelerate launch scripts/train.py", *words])


def _word(value: Any) -> str:
    """A value as the command line takes it."""
    return value if isinstance(value, str) else json.dumps(plain(value))


def _listed(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _scores_table(scores: dict[str, float]) -> str:
    if not scores:
        return "Not measured while training."
    benchmarks, metrics = (
        list(dict.fromkeys(column)) for column in zip(*map(str.split, scores), strict=True)
    )
    labels = [METRICS[metric].label if metric in METRICS else metric for metric in metrics]
    rows = [["", *labels], ["---"] * (len(metrics) + 1)]
    for benchmark in benchmarks:
        values = [scores.get(f"{benchmark} {metric}") for metric in metrics]
        rows.append([benchmark, *("" if value is None else f"{value:.4g}" for value in values)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{math.ceil(seconds / 60)} minutes"


def _hardware(processes: int) -> str:
    """What all processes together ran on: a GPU or as many cores as threads each."""
    if torch.cuda.is_available():
        return f"{processes if processes > 1 else 'one'} {torch.cuda.get_device_name()}"
    count = processes * torch.get_num_threads()
    return f"{count} CPU core{'s' if count > 1 else ''}"
