"""The command line of training: `TrainConfig` as options, with short forms, presets and YAML files."""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

import yaml
from jsonargparse import ArgumentError, ArgumentParser, Namespace, set_parsing_settings

from ..errors import UserError
from ..systems import SYSTEMS
from .config import FILE, TrainConfig, is_free
from .nested import override
from .presets import PRESETS, listing
from .recipes import default_config

SHORT = {
    "data": "data.source",
    "init": "start.init",
    "init_blocks": "start.init_blocks",
    "init_discriminator": "start.init_discriminator",
    "teacher": "teacher.model",
    "checkpoint_every": "checkpoints.every",
    "validate_every": "validation.every",
    "log_every": "logging.every",
}
"""Short forms of options that are often needed."""

REQUIRED = ("system", "output", "data.source")
"""Fields of a new run that nothing but the user names; a preset names the system."""

SWITCHES = ("--compile", "--gradient_checkpointing", "--optimizer.sync_norm")
"""Options that mean true where no value follows."""

DESCRIPTION = f"""Train one of {
    ", ".join(SYSTEMS)
}. --resume latest goes on with the run in --output. --preset NAME
starts from a run of the paper or a bundled model's recipe, --list prints their names. Short forms: {
    ", ".join(f"--{short.replace('_', '-')} for --{path}" for short, path in SHORT.items())
}. The defaults shown are those of the --system, --stage and --preset that stand beside --help."""


def parse(arguments: Sequence[str] | None = None) -> tuple[TrainConfig, bool]:
    """The configuration that the command line asks for, and whether it resumes a run.

    What the command line says goes before the files of --config, those before the --preset, and that before the
    recipe of the system's stage; a resumed run begins with its own configuration instead of preset and recipe.
    Raises UserError, in one line, for what cannot be understood or must not change.
    """
    known, words = _known(list(sys.argv[1:] if arguments is None else arguments))
    if known.list:
        print(listing())
        raise SystemExit(0)
    if known.resume and not known.output:
        raise UserError("--output is needed to resume a run")
    base = load_config(Path(known.output)) if known.resume else _preset(known)
    required = () if known.resume else REQUIRED[1:] if known.preset else REQUIRED
    parser = _parser(base, required)
    words = [*(f"--config={path}" for path in known.config), *words]
    config = _instantiate(parser, parser.parse_args, words)
    if known.resume:
        _refuse_changes(base, config)
    return config, known.resume is not None


def load_config(run: Path) -> TrainConfig:
    """The configuration of the run in folder `run`. Raises UserError if there is none that can be read."""
    try:
        values = _read_yaml(run / FILE)
        base = default_config(str(values.get("system")), str(values.get("stage")))
        parser = _parser(base, REQUIRED)
        return _instantiate(parser, parser.parse_object, values)
    except UserError as error:
        raise UserError(f"'{run}' holds no run that can be resumed: {error}") from error


class _OneLineParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(message)


def _known(words: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options that choose the defaults, and all words that are for the parser of the configuration."""
    words = list(map(_long_form, words))
    for index, word in enumerate(words):
        if word in SWITCHES and (words[index + 1 :] or ["--"])[0].startswith("--"):
            words[index] = f"{word}=true"
    parser = _OneLineParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config", action="append", default=[])
    parser.add_argument("--resume", choices=["latest"])
    parser.add_argument("--preset", choices=list(PRESETS))
    parser.add_argument("--list", action="store_true")
    _, rest = parser.parse_known_args(words)
    for name in ("system", "stage", "output"):
        parser.add_argument(f"--{name}")
    known, _ = parser.parse_known_args(words)
    return known, rest


def _long_form(word: str) -> str:
    """The word with an option's name as the parser has it: --log-every=5 -> --logging.every=5."""
    if not word.startswith("--"):
        return word
    name, equals, value = word[2:].partition("=")
    name = name.replace("-", "_")
    return f"--{SHORT.get(name, name)}{equals}{value}"


def _preset(known: argparse.Namespace) -> TrainConfig:
    """The recipe of the system and stage that preset, files and options choose, with the preset's changes."""
    preset = PRESETS.get(known.preset, {})
    choices = [preset, *(_read_yaml(Path(path)) for path in known.config), vars(known)]
    system, stage = (
        next((str(part[name]) for part in reversed(choices) if part.get(name)), default)
        for name, default in (("system", "fasrgan"), ("stage", "gan"))
    )
    return override(default_config(system, stage), preset | {"system": system, "stage": stage})


def _parser(base: TrainConfig, required: Sequence[str]) -> ArgumentParser:
    """The parser of a configuration, with the defaults of `base` but for the `required` fields."""
    set_parsing_settings(docstring_parse_attribute_docstrings=True)
    parser = ArgumentParser(
        prog="train",
        usage="train --system SYSTEM --data SOURCE --output FOLDER [options]",
        description=DESCRIPTION,
        exit_on_error=False,
        allow_abbrev=False,
    )
    parser.add_argument("--config", action="config", metavar="FILE", help="YAML file of options")
    parser.add_class_arguments(TrainConfig)
    parser.set_defaults({path: base[path] for path in base.paths() if path not in required})
    return parser


def _instantiate(parser: ArgumentParser, parse: Callable[..., Namespace], source: Any) -> TrainConfig:
    """The configuration that `parse` reads from `source`; UserError for what it does not understand."""
    try:
        values = parser.instantiate(parse(source))
    except ArgumentError as error:
        message = re.sub(r"Parser key \"([\w.]+)\":", r"--\1:", " ".join(str(error).split()))
        raise UserError(re.sub(r"<class '(\w+)'>", r"\1", message).replace("typing.", "")) from error
    return TrainConfig(**{option.name: values[option.name] for option in fields(TrainConfig)})


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"cannot read '{path}': {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise UserError(f"'{path}' holds no options by name")
    return values


def _refuse_changes(saved: TrainConfig, config: TrainConfig) -> None:
    for path in saved.paths():
        if not is_free(path) and config[path] != saved[path]:
            raise UserError(
                f"this run was begun with {path} = {saved[path]}; a resumed run keeps it. "
                "Begin a new run (--init takes this one's model) to change it"
            )
