"""The commands in README, docs and cards are ones that the programs take, and their links lead somewhere."""

import re
import shlex
from pathlib import Path

import pytest

from fasrgan_hub.apps.cli.main import COMMANDS, Parser, parse
from fasrgan_hub.hub.model_files import BUNDLED, bundled_models
from fasrgan_hub.training import command_line

ROOT = Path(__file__).parent.parent
CARDS = [BUNDLED / name / "README.md" for name in bundled_models()]
DOCUMENTS = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *CARDS]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def commands(document: Path, start: str) -> list[list[str]]:
    """The lines in code blocks that begin with `start`, as words, without comments and what precedes `start`."""
    blocks = FENCE.findall(document.read_text(encoding="utf-8"))
    text = "\n".join(block for language, block in blocks if language in ("", "bash")).replace("\\\n", "")
    lines = [line for line in text.splitlines() if line.startswith(start)]
    return [shlex.split(line, comments=True)[len(start.split()) :] for line in lines]


@pytest.mark.parametrize("words", commands(ROOT / "README.md", "fasrgan "), ids=" ".join)
def test_the_readme_calls_the_command_as_it_is(words: list[str]) -> None:
    assert parse(Parser(prog="fasrgan"), COMMANDS, words).command == words[0]


TRAINING = [
    words for document in DOCUMENTS for words in commands(document, "accelerate launch scripts/train.py ")
]


@pytest.mark.parametrize("words", TRAINING, ids=" ".join)
def test_recorded_training_commands_are_understood(words: list[str]) -> None:
    filled = ["fasrgan-lite" if word == "SYSTEM" else "1" if word == "N" else word for word in words]
    needed = [word for word in ("--data=folder:x", "--output=x") if word.split("=")[0] not in filled]
    config, resume = command_line.parse([*filled, *needed])
    assert config.steps > 0 and not resume


def test_training_commands_are_where_they_are_looked_for() -> None:
    assert len(TRAINING) >= 7 and len(commands(ROOT / "README.md", "fasrgan ")) >= 15


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(document: Path) -> None:
    links = re.findall(r"\]\((?!http)([^)#]*)", document.read_text(encoding="utf-8"))
    assert [link for link in links if link and not (document.parent / link).exists()] == []
