"""A table of scores, measured here beside the paper's, as text, Markdown, LaTeX, CSV and JSON."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import FileAccessError
from ..images.atomic import replace_file
from .report import finite

NOT_GIVEN = "not given"
LATEX = str.maketrans(
    {sign: f"\\{sign}" for sign in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "λ": r"$\lambda$"}
)
FORMATS = (".md", ".csv", ".json", ".tex")


@dataclass(frozen=True)
class Column:
    """A metric: its key in `Row.measured` and `Row.paper`, and how it is printed and compared."""

    key: str
    label: str
    digits: int
    higher: bool


@dataclass(frozen=True)
class Row:
    """A method on a set.

    Args:
        measured: scores from here; None if the method was not given, or not on this set.
        paper: the paper's figures.
        notes: by metric, what stands behind a measured score, such as an interval.
        ranked: whether it competes for best and second best.
    """

    group: str
    method: str
    measured: dict[str, float] | None = None
    paper: dict[str, float] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    ranked: bool = True


@dataclass(frozen=True)
class Table:
    """Rows of scores; the best and the second best of a set are marked, measured ones and the paper's apart."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """For a terminal: * is the best of a set, + the second best."""
        head, body = self._cells(lambda cell, rank: cell + {1: "*", 2: "+"}.get(rank, " "))
        rows = [head, *body]
        widths = [max(len(row[place]) for row in rows) for place in range(len(head))]
        lines = []
        for row in rows:
            cells = [
                cell.ljust(width) if n < 2 else cell.rjust(width)
                for n, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append("  ".join(cells).rstrip())
        return "\n".join([self.title, "", *lines, "", *self._legend("* best, + second best")])

    def markdown(self) -> str:
        """Best bold, second best underlined."""
        head, body = self._cells(_markdown_mark)
        rows = [head, ["---", "---", *["---:"] * (len(head) - 2)], *body]
        lines = [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
        return (
            "\n".join([f"### {self.title}", "", *lines, "", *self._legend("**best**, <u>second best</u>")])
            + "\n"
        )

    def latex(self) -> str:
        """A tabular in a table; best bold, second best underlined."""
        head, body = self._cells(_latex_mark, _escaped)
        lines, group = [], None
        for row in body:
            if group is not None and row[0] not in ("", group):
                lines.append(r"\hline")
            group = row[0] or group
            lines.append(" & ".join(row) + r" \\")
        return "\n".join(
            [
                r"\begin{table}",
                rf"\caption{{{_escaped(self.title)}}}",
                rf"\begin{{tabular}}{{ll{'r' * (len(head) - 2)}}}",
                r"\hline",
                " & ".join(head) + r" \\",
                r"\hline",
                *lines,
                r"\hline",
                r"\end{tabular}",
                *(rf"\par {_escaped(line)}" for line in self.notes),
                r"\end{table}",
                "",
            ]
        )

    def csv(self) -> str:
        """A line for each method and set, unrounded: set, method, each metric, each of the paper's figures."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        keys = [column.key for column in self.columns]
        writer.writerow(["set", "method", *keys, *(f"paper {key}" for key in keys if self._in_paper(key))])
        for row in self.rows:
            measured = [(row.measured or {}).get(key, "") for key in keys]
            paper = [row.paper.get(key, "") for key in keys if self._in_paper(key)]
            writer.writerow([row.group, row.method, *measured, *paper])
        return file.getvalue()

    def to_dict(self) -> dict[str, Any]:
        """For JSON; None stands for infinity and for what is no number."""
        rows = [
            {
                "set": row.group,
                "method": row.method,
                "measured": row.measured and finite(row.measured),
                "paper": row.paper,
                "notes": row.notes,
            }
            for row in self.rows
        ]
        return {"title": self.title, "rows": rows, "notes": list(self.notes)}

    def write(self, folder: Path, name: str) -> list[Path]:
        """NAME.md, .csv, .json and .tex in `folder`, which is made."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileAccessError(f"cannot make the folder '{folder}': {error.strerror}") from error
        contents = (self.markdown(), self.csv(), json.dumps(self.to_dict(), indent=2) + "\n", self.latex())
        paths = [folder / f"{name}{ending}" for ending in FORMATS]
        for path, content in zip(paths, contents, strict=True):
            with replace_file(path) as file:
                file.write(content.encode())
        return paths

    def _in_paper(self, key: str) -> bool:
        return any(key in row.paper for row in self.rows)

    def _cells(
        self, mark: Callable[[str, int], str], plain: Callable[[str], str] = lambda text: text
    ) -> tuple[list[str], list[list[str]]]:
        """Head and body: set, method, then for each metric what was measured and what the paper says.

        A set is named once, and a column in which nothing would stand is left out.
        """
        sides = []  # (column, whether it is the paper's)
        for column in self.columns:
            if column is self.columns[0] or any(column.key in (row.measured or {}) for row in self.rows):
                sides.append((column, False))
            if self._in_paper(column.key):
                sides.append((column, True))
        ranks = {True: self._ranks(lambda row: row.paper), False: self._ranks(lambda row: row.measured or {})}

        def cell(number: int, column: Column, paper: bool) -> str:
            row = self.rows[number]
            scores = row.paper if paper else row.measured
            if scores is None:
                return mark(NOT_GIVEN if column is self.columns[0] else "", 0)
            if column.key not in scores:
                return mark("", 0)
            score = mark(f"{scores[column.key]:.{column.digits}f}", ranks[paper][number].get(column.key, 0))
            return (
                score if paper or column.key not in row.notes else f"{score} {plain(row.notes[column.key])}"
            )

        head = ["", ""]
        for column, paper in sides:
            alone = (column, False) not in sides
            head.append(plain(f"{column.label}, paper" if alone else "paper" if paper else column.label))
        body = []
        for number, row in enumerate(self.rows):
            named = number and self.rows[number - 1].group == row.group
            body.append(["" if named else plain(row.group), plain(row.method)])
            body[-1] += [cell(number, column, paper) for column, paper in sides]
        return head, body

    def _ranks(self, scores: Callable[[Row], dict[str, float]]) -> list[dict[str, int]]:
        """For each row the places 1 and 2 of its metrics within its set, as rounded; equal scores share a place.

        Where a set has one row only there is nothing to mark.
        """
        ranks: list[dict[str, int]] = [{} for _ in self.rows]
        for group in dict.fromkeys(row.group for row in self.rows):
            for column in self.columns:
                found = [
                    (round(value, column.digits) * (-1 if column.higher else 1), number)
                    for number, row in enumerate(self.rows)
                    if row.ranked
                    and row.group == group
                    and not math.isnan(value := scores(row).get(column.key, math.nan))
                ]
                places = sorted({value for value, _ in found})
                for value, number in found:
                    if len(found) > 1:
                        ranks[number][column.key] = places.index(value) + 1
        return ranks

    def _legend(self, marks: str) -> Iterator[str]:
        if any(rank for row in self._ranks(lambda row: row.measured or row.paper) for rank in row.values()):
            apart = " The paper's figures are marked apart." if any(row.paper for row in self.rows) else ""
            yield f"{marks} of a set.{apart}"
        yield from self.notes


def columns(metrics: Sequence[str]) -> tuple[Column, ...]:
    """The columns of metrics by name."""
    from ..metrics.named import METRICS

    return tuple(
        Column(name, METRICS[name].label, METRICS[name].digits, METRICS[name].higher) for name in metrics
    )


def _markdown_mark(cell: str, rank: int) -> str:
    return {1: f"**{cell}**", 2: f"<u>{cell}</u>"}.get(rank, cell)


def _latex_mark(cell: str, rank: int) -> str:
    return {1: rf"\textbf{{{cell}}}", 2: rf"\underline{{{cell}}}"}.get(rank, cell)


def _escaped(text: str) -> str:
    return text.translate(LATEX)
