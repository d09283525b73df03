"""Degradations from what a user writes: "clean=0.3,web=0.5,mine.yaml=0.2", and the YAML file.

A file holds the steps of one degradation, in their order:

    - blur: {probability: 0.5, kinds: {isotropic: 1}, sigma: [0.1, 0.5]}
    - resize: {filters: [bicubic, lanczos]}
    - codec: {formats: {jpeg: 0.8, webp: 0.2}, quality: [50, 95]}

or several degradations, each with its share:

    scans: {share: 0.4, steps: [{resize: {}}, {codec: {quality: 60}}]}
    clean: {share: 0.6, steps: []}

A single number is a range without width, a list of names has equal shares. `steps` has the fields and their units.
"""

from dataclasses import fields
from pathlib import Path
from typing import Any

from ...errors import FileAccessError, MissingPackageError, UserError
from .mixtures import Degradation, Mixture, add_up, mix
from .presets import PRESETS
from .steps import STEPS, Step

FORM = "clean=0.3,web=0.5,real=0.2"


def read_mixture(text: str) -> Mixture:
    """The mixture that `text` describes: a name, or names with shares that add up to 1.

    Names are those of `PRESETS` and of YAML files. UserError, in one line, for anything else.
    """
    parts = [part.strip() for part in text.split(",")]
    names = [part.rpartition("=")[0].strip() or part for part in parts]
    if len(names) == 1 and "=" not in text:
        return _named(names[0])
    shares = [_share(part, text) for part in parts]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UserError(f"'{text}' has {twice[0]} twice")
    if not add_up(shares):
        raise UserError(f"the shares of '{text}' add up to {sum(shares):g}; they must add up to 1")
    return mix(dict(zip(names, shares, strict=True)), {name: _named(name) for name in names})


def named_files(text: str) -> list[Path]:
    """The YAML files among the names in a text that `read_mixture` understands."""
    names = [part.rpartition("=")[0].strip() or part.strip() for part in text.split(",")]
    return [Path(name) for name in names if _is_file(name)]


def _is_file(name: str) -> bool:
    return name not in PRESETS and name.lower().endswith((".yaml", ".yml"))


def _share(part: str, text: str) -> float:
    _, equals, word = part.rpartition("=")
    try:
        share = float(word) if equals else -1.0
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise UserError(
            f"'{part}' in '{text}' needs a share from 0 to 1, as in {FORM}"
            if equals
            else f"'{part}' in '{text}' has no share; write them all, as in {FORM}"
        )
    return share


def _named(name: str) -> Mixture:
    if name in PRESETS:
        return PRESETS[name]
    if _is_file(name):
        return read_file(Path(name))
    raise UserError(f"there is no degradation '{name}'; there are {', '.join(PRESETS)}, or name a .yaml file")


def read_file(path: Path) -> Mixture:
    """The mixture in a YAML file, see above. UserError names the step and the field that is wrong."""
    try:
        import yaml
    except ImportError as error:
        raise MissingPackageError(f"'{path}' is read by PyYAML; pip install pyyaml") from error
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileAccessError(f"cannot read '{path}': {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"'{path}' is no YAML: {' '.join(str(error).split())}") from error
    if isinstance(content, list):
        return Mixture.of(_steps(content, str(path)))
    if not isinstance(content, dict) or not content:
        raise UserError(f"'{path}' must hold a list of steps, or degradations with share and steps")
    parts = tuple(_part(value, f"{path}: {name}") for name, value in content.items())
    shares = [share for share, _ in parts]
    if not add_up(shares):
        raise UserError(f"the shares in '{path}' add up to {sum(shares):g}; they must add up to 1")
    return Mixture(parts)


def _part(value: Any, place: str) -> tuple[float, Degradation]:
    if not isinstance(value, dict) or set(value) != {"share", "steps"}:
        raise UserError(f"{place} must have 'share' and 'steps', and nothing else")
    share = value["share"]
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise UserError(f"{place}: share is {share!r}; it must be a number from 0 to 1")
    if not isinstance(value["steps"], list):
        raise UserError(f"{place}: steps is {value['steps']!r}; it must be a list")
    return float(share), _steps(value["steps"], place)


def _steps(entries: list[Any], place: str) -> Degradation:
    return tuple(_step(entry, f"{place}: step {number}") for number, entry in enumerate(entries, 1))


def _step(entry: Any, place: str) -> Step:
    if isinstance(entry, str):
        entry = {entry: {}}
    if not isinstance(entry, dict) or len(entry) != 1:
        raise UserError(f"{place} is {entry!r}; write one step, as in 'codec: {{quality: [50, 95]}}'")
    ((name, options),) = entry.items()
    if name not in STEPS:
        raise UserError(f"{place}: there is no step '{name}'; there are {', '.join(STEPS)}")
    if not isinstance(options, dict | None):
        raise UserError(f"{place} ({name}) is {options!r}; it must give each field a value")
    kind = STEPS[name]
    known = {option.name for option in fields(kind)}
    for option in options or {}:
        if option not in known:
            raise UserError(f"{place}: {name} has no field '{option}'; it has {', '.join(sorted(known))}")
    try:
        return kind(**{option: _value(kind, option, value) for option, value in (options or {}).items()})
    except UserError as error:
        raise UserError(f"{place}: {error}") from error


def _value(kind: type[Step], option: str, value: Any) -> Any:
    """Ranges as pairs, shares as mappings; what is neither is for the step to refuse."""
    if option in kind.NAMES:
        if isinstance(value, str):
            return {value: 1.0}
        names = isinstance(value, list) and all(isinstance(name, str) for name in value)
        return dict.fromkeys(value, 1.0) if names else value
    if option in kind.BOUNDS:
        if isinstance(value, list):
            return tuple(value)
        return (value, value) if isinstance(value, int | float) else value
    return value
