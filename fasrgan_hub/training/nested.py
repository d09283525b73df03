"""Nested dataclasses as plain values, and with some of their fields changed."""

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass, replace
from typing import Any, TypeVar

import yaml

Config = TypeVar("Config", bound=Any)
Nested = Mapping[str, Any]
"""Fields of a configuration by name, those of a group as a mapping of their own."""


def override(config: Config, changes: Nested) -> Config:
    """`config` with the values of `changes`; a group that is given as a mapping changes in the fields it names."""
    values: dict[str, Any] = {}
    for name, value in changes.items():
        current = getattr(config, name)
        nested = is_dataclass(current) and isinstance(value, Mapping)
        values[name] = override(current, value) if nested else value
    return replace(config, **values)


def plain(config: Any) -> Any:
    """A configuration, or a part of it, as dictionaries, lists, strings, numbers and booleans."""
    if is_dataclass(config) and not isinstance(config, type):
        config = asdict(config)
    if isinstance(config, Mapping):
        return {name: plain(value) for name, value in config.items()}
    return list(map(plain, config)) if isinstance(config, tuple | list) else config


def to_yaml(values: Any) -> str:
    text: str = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=110)
    return text
