"""The house: imports run downwards, nothing goes round in a circle, and files and functions stay readable."""

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import fasrgan_hub

PACKAGE = Path(fasrgan_hub.__file__).parent
SCRIPTS = Path(__file__).parent.parent / "scripts"
FLOORS = (
    {"errors", "extras", "devices", "cache"},
    {"hub", "images"},
    {"models", "losses"},
    {"systems"},
    {"metrics", "backbones"},
    {"upscaling", "data"},
    {"evaluation"},
    {"training", "interop"},
    {"apps"},
    {"train", "__main__"},
)
"""From the ground up. A place imports from its own floor (without circles) or from floors below."""

FLOOR_OF = {place: height for height, floor in enumerate(FLOORS) for place in floor}

LONGEST_FILE = 300
LONGEST_FUNCTION = 40
"""Lines, not counting the docstring."""


def module_name(path: Path) -> str:
    """The dotted name below the package, "" for the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def imported_modules(name: str) -> Iterator[str]:
    """Every module of the package that module `name` imports, at its top or inside a function."""
    package = name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            targets = [
                alias.name.partition(".")[2] for alias in node.names if alias.name.startswith("fasrgan_hub")
            ]
        elif isinstance(node, ast.ImportFrom) and node.level:
            above = package.split(".")[: package.count(".") + 2 - node.level] if package else []
            base = ".".join([*above, *filter(None, [node.module])])
            targets = [f"{base}.{alias.name}".lstrip(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "fasrgan_hub":
            base = (node.module or "").partition(".")[2]
            targets = [f"{base}.{alias.name}".lstrip(".") for alias in node.names]
        else:
            continue
        for target in targets:
            yield target if target in MODULES else target.rpartition(".")[0]


EDGES = {name: set(imported_modules(name)) - {name, ""} for name in MODULES if name}


def circle(edges: dict[str, set[str]]) -> list[str]:
    """Some circle of a graph, or nothing."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for target in sorted(edges.get(name, ())):
            if ring := visit(target, [*path, name]):
                return ring
        done.add(name)
        return []

    return next(filter(None, (visit(name, []) for name in sorted(edges))), [])


def folder_edges(depth: int) -> dict[str, set[str]]:
    """Which folder imports from which, where a module at the top counts as a folder."""
    edges: dict[str, set[str]] = {}
    for name, targets in EDGES.items():
        folder = ".".join(name.split(".")[:depth])
        edges.setdefault(folder, set()).update(".".join(target.split(".")[:depth]) for target in targets)
    return {folder: targets - {folder} for folder, targets in edges.items()}


def test_the_reader_of_imports_sees_them():
    """Of each kind of import one that is there: without this the tests below could pass on nothing."""
    assert "errors" in EDGES["hub.model_files"] and "hub.mixin" in EDGES["models.generators"]
    assert any(name.startswith("apps.cli.") for name in EDGES["apps.cli.main"])
    assert sum(map(len, EDGES.values())) > 200


def test_every_place_has_a_floor():
    assert {name.split(".")[0] for name in MODULES if name} == set(FLOOR_OF)


@pytest.mark.parametrize("name", EDGES)
def test_imports_run_downwards(name):
    place = name.split(".")[0]
    upward = [target for target in EDGES[name] if FLOOR_OF[target.split(".")[0]] > FLOOR_OF[place]]
    assert not upward, f"{name} imports {', '.join(upward)}, which stand above it"


def test_networks_import_the_mixin_and_nothing_else():
    places = {target.split(".")[0] for name in EDGES if name.startswith("models") for target in EDGES[name]}
    assert places <= {"models", "hub", "errors"}


def test_no_circle_between_files():
    assert circle(EDGES) == []


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_no_circle_between_folders(depth):
    assert circle(folder_edges(depth)) == []


def test_a_circle_is_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == ["a", "b", "c", "a"]
    assert circle({"a": {"b", "c"}, "b": {"c"}}) == []


SOURCES = {**MODULES, **{f"scripts/{path.stem}": path for path in sorted(SCRIPTS.rglob("*.py"))}}


def test_files_read_in_one_sitting():
    lines = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in SOURCES.items()}
    assert {name for name, count in lines.items() if count > LONGEST_FILE} == set()


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        lines -= (docstring.end_lineno or 0) - docstring.lineno + 1
    return lines


def test_functions_fit_in_one_look():
    lengths = {
        f"{name}.{node.name}": length(node)
        for name, path in SOURCES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}


def test_names_of_test_files_are_unique():
    """Pytest imports a test file by its name alone."""
    names = Counter(path.name for path in Path(__file__).parent.rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
