"""Dataclasses as command lines."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from fasrgan_hub.apps.cli.main import Parser
from fasrgan_hub.apps.cli.options import add_options, argument, option, parse_count, repeated
from fasrgan_hub.errors import UserError


@dataclass
class ShelfOptions:
    depth: float | None = option("D")
    """how deep"""
    left: bool = option(default=False, exclusive=True)
    right: bool = option(default=False, exclusive=True)


@dataclass
class Options(ShelfOptions):
    names: list[str] = argument("NAME", nargs="*")
    """what is
    looked for"""
    rows: list[str] = repeated("ROW", "--row")
    output: Path | None = option("OUT", "-o")
    many: int = option("N", default=3, type=parse_count)
    dry_run: bool = False


def parse(*words: str) -> Options:
    parser = Parser("shelf")
    add_options(parser, Options)
    return parser.parse_args(words, Options())


def test_fields_without_words_have_their_defaults() -> None:
    assert parse() == Options(names=[])


def test_words_become_values_of_the_fields_types() -> None:
    words = "a b --row x --row y -o z.png --many 0 --dry-run --depth 1.5 --left"
    expected = Options(1.5, True, False, ["a", "b"], ["x", "y"], Path("z.png"), 0, True)
    assert parse(*words.split()) == expected
    assert parse().rows == []  # a list is not shared


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--left --right", "--right: not allowed with argument --left"),
        ("--many -1", "'-1' is not a whole number"),
        ("--many x", "'x' is not a whole number of 0 or more"),
        ("--depth deep", "--depth: invalid float value: 'deep'"),
    ],
)
def test_mistakes(words: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse(*words.split())


def test_help_has_the_texts_under_the_fields_and_a_group_for_each_base(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        parse("--help")
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "NAME what is looked for" in lines and "-o OUT, --output OUT" in lines
    assert lines.index("shelf:") < lines.index("--depth D how deep")
