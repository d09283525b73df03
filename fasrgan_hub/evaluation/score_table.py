"""A table of scores, printed as text, Markdown, LaTeX, CSV and JSON, with published figures beside them."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tabulate import tabulate

from ..images.atomic import replace_files
from ..metrics.named import METRICS
from .score_report import ScoreReport, finite

NOT_GIVEN = "not given"


@dataclass(frozen=True)
class Column:
    """A metric: its key in `Row.measured` and `Row.published`, and how it is printed and compared."""

    key: str
    label: str
    digits: int
    higher: bool


@dataclass(frozen=True)
class Row:
    """A method on a benchmark.

    Args:
        measured: scores by metric; None for a method that was not measured on this benchmark.
        published: a paper's figures by metric.
        notes: text after a measured score by metric, such as a confidence interval.
        ranked: whether the method competes for best and second best.
    """

    benchmark: str
    method: str
    measured: dict[str, float] | None = None
    published: dict[str, float] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    ranked: bool = True

    def scores(self, published: bool) -> dict[str, float]:
        return self.published if published else self.measured or {}


@dataclass(frozen=True)
class Style:
    """How one output format marks scores by rank (0: not marked, 1: best, 2: second best) and escapes text."""

    marks: tuple[str, str, str]
    legend: str
    escape: Callable[[str], str] = str


def _escape_latex(text: str) -> str:
    return text.translate(LATEX)


LATEX = str.maketrans(
    {sign: f"\\{sign}" for sign in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "λ": r"$\lambda$"}
)
TEXT_STYLE = Style(("{}", "*{}", "+{}"), "* best, + second best")
MARKDOWN_STYLE = Style(
    ("{}", "**{}**", "<u>{}</u>"), "**best**, <u>second best</u>", lambda text: text.replace("|", "/")
)
LATEX_STYLE = Style(("{}", r"\textbf{{{}}}", r"\underline{{{}}}"), "", _escape_latex)


@dataclass(frozen=True)
class ScoreTable:
    """Rows of scores. The best and the second best of a benchmark are marked, measured and published ones apart."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """For a terminal: * is the best of a benchmark, + the second best."""
        return "\n".join([self.title, "", self._print(TEXT_STYLE, "plain"), "", *self._legend(TEXT_STYLE)])

    def markdown(self) -> str:
        """Best bold, second best underlined."""
        table = self._print(MARKDOWN_STYLE, "pipe")
        return "\n".join([f"### {self.title}", "", table, "", *self._legend(MARKDOWN_STYLE), ""])

    def latex(self) -> str:
        """A tabular in a table; best bold, second best underlined."""
        lines = [
            r"\begin{table}",
            rf"\caption{{{_escape_latex(self.title)}}}",
            self._print(LATEX_STYLE, "latex_raw"),
            *(rf"\par {_escape_latex(note)}" for note in self.notes),
            r"\end{table}",
        ]
        return "\n".join([*lines, ""])

    def csv(self) -> str:
        """A line for each row, unrounded: benchmark, method, each metric, each of the paper's figures."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        keys = [column.key for column in self.columns]
        published = [key for key in keys if self._has(key, published=True)]
        writer.writerow(["set", "method", *keys, *(f"paper {key}" for key in published)])
        for row in self.rows:
            measured = [row.scores(published=False).get(key, "") for key in keys]
            figures = [row.published.get(key, "") for key in published]
            writer.writerow([row.benchmark, row.method, *measured, *figures])
        return file.getvalue()

    def to_dict(self) -> dict[str, Any]:
        """For JSON; None stands for infinity and for what is not a number."""
        rows = [
            {
                "set": row.benchmark,
                "method": row.method,
                "measured": row.measured and finite(row.measured),
                "paper": row.published,
                "notes": row.notes,
            }
            for row in self.rows
        ]
        return {"title": self.title, "rows": rows, "notes": list(self.notes)}

    def write(self, folder: Path, name: str) -> list[Path]:
        """Write NAME.md, .csv, .json and .tex into `folder`, which is made if absent, and return their paths."""
        contents = {
            f"{name}.md": self.markdown(),
            f"{name}.csv": self.csv(),
            f"{name}.json": json.dumps(self.to_dict(), indent=2) + "\n",
            f"{name}.tex": self.latex(),
        }
        with replace_files(folder) as partial:
            for filename, content in contents.items():
                (partial / filename).write_text(content, encoding="utf-8")
        return [folder / filename for filename in contents]

    def _has(self, key: str, published: bool) -> bool:
        return any(key in row.scores(published) for row in self.rows)

    def _print(self, style: Style, table_format: str) -> str:
        """Benchmark, method, then for each metric the measured and the published score.

        A benchmark is named once. A column without any score is left out, except for the first metric's.
        """
        sides = [
            (column, published)
            for column in self.columns
            for published in (False, True)
            if self._has(column.key, published) or (column is self.columns[0] and not published)
        ]
        head = ["", ""]
        for column, published in sides:
            alone = (column, False) not in sides
            label = f"{column.label}, paper" if alone else "paper" if published else column.label
            head.append(style.escape(label))
        body = []
        for before, row in zip((None, *self.rows), self.rows, strict=False):
            first = before is None or before.benchmark != row.benchmark
            rule = r"\hline " if first and before and style is LATEX_STYLE else ""
            names = [rule + style.escape(row.benchmark) if first else "", style.escape(row.method)]
            body.append([*names, *(self._cell(row, *side, style) for side in sides)])
        align = ("left", "left", *["right"] * len(sides))
        return tabulate(body, head, table_format, disable_numparse=True, colalign=align if body else None)

    def _cell(self, row: Row, column: Column, published: bool, style: Style) -> str:
        if not published and row.measured is None:
            return NOT_GIVEN if column is self.columns[0] else ""
        scores = row.scores(published)
        if column.key not in scores:
            return ""
        score = style.marks[self._rank(row, column, published)].format(
            f"{scores[column.key]:.{column.digits}f}"
        )
        note = "" if published else row.notes.get(column.key, "")
        return f"{score} {style.escape(note)}".strip()

    def _rank(self, row: Row, column: Column, published: bool) -> int:
        """1 for the best score of the benchmark as rounded, 2 for the second best, else 0.

        Equal scores share a rank. Without a rival nothing is ranked.
        """

        def rounded(other: Row) -> float:
            score = other.scores(published).get(column.key, math.nan)
            return round(score, column.digits) * (-1 if column.higher else 1)

        rivals = [rounded(other) for other in self.rows if other.ranked and other.benchmark == row.benchmark]
        rivals = [score for score in rivals if not math.isnan(score)]
        best = sorted(set(rivals))[:2]
        if not row.ranked or len(rivals) < 2 or rounded(row) not in best:
            return 0
        return best.index(rounded(row)) + 1

    def _legend(self, style: Style) -> Iterator[str]:
        ranked = any(
            self._rank(row, column, published)
            for row in self.rows
            for column in self.columns
            for published in (False, True)
        )
        if ranked:
            apart = (
                " The paper's figures are marked apart." if any(row.published for row in self.rows) else ""
            )
            yield f"{style.legend} of a set.{apart}"
        yield from self.notes


def make_columns(metrics: Sequence[str]) -> tuple[Column, ...]:
    """The columns of metrics by name."""
    return tuple(
        Column(name, METRICS[name].label, METRICS[name].digits, METRICS[name].higher) for name in metrics
    )


def comparison_table(
    reports: Mapping[tuple[str, str], ScoreReport], metrics: Sequence[str], subtitle: str = "", scale: int = 4
) -> ScoreTable:
    """A row of mean scores for each (benchmark, method)."""
    rows = tuple(Row(benchmark, method, report.means) for (benchmark, method), report in reports.items())
    return ScoreTable(f"x{scale} super-resolution{subtitle and ': '}{subtitle}", make_columns(metrics), rows)
