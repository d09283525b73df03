"""The paper's tables: scores measured here beside the printed figures."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ...errors import FileAccessError, UserError
from ...evaluation.benchmarks import Benchmark, open_benchmark
from ...evaluation.methods import open_method
from ...evaluation.score_table import Column, Row, ScoreTable, make_columns
from ...evaluation.scoring import ScoringOptions, score_all
from ...hub.model_files import SCALE, bundled_models, model_files
from ...metrics.perceptual_index import why_no_ma
from .opinions import agreement, opinion_scores, read_opinions
from .printed_tables import EXTRA, NOTES, TABLES, PaperTable
from .recognition import BASELINE, errors

ORIGINALS = "Baseline"
"""Table III's name for the originals, which do not compete with the methods."""


def paper_table(
    name: str,
    rows: Sequence[str] = (),
    benchmarks: Sequence[str] = (),
    *,
    ratings: str | Path | None = None,
    recognition: str | Path | None = None,
    options: ScoringOptions = ScoringOptions(),  # noqa: B008 - it is frozen
) -> ScoreTable:
    """One of the paper's tables.

    Args:
        name: "table1" to "table7".
        rows: methods, as METHOD=WHAT for a method of the paper, see `open_method`; what has another name gets a
            row of its own. Default bicubic and the bundled models of scale 4.
        benchmarks: see `open_benchmark`; default the paper's own; a note under the table names those that cannot
            be opened.
        ratings: for table2, a file of `opinions`.
        recognition: for table3: the predictions that `recognize` keeps (.jsonl), or the errors it returns (.json).

    Raises UserError for a wrong argument.
    """
    if name not in TABLES:
        raise UserError(f"there is no '{name}' in the paper; there are {', '.join(TABLES)}")
    printed = TABLES[name]
    if name == "table3":
        errors_by_method, notes = _read_recognition(printed, recognition)
        return _join(printed, {"ImageNet": errors_by_method}, printed.metrics, notes)
    notes = []
    metrics = [metric for metric in printed.metrics if metric not in EXTRA]
    if "pi" in metrics and (reason := why_no_ma()):
        metrics[metrics.index("pi")] = "niqe"
        notes.append(f"NIQE is measured instead of PI: {reason}.")
    methods = [open_method(row) for row in rows or ("bicubic", *_models_of_the_papers_scale())]
    reports = score_all(methods, _open_benchmarks(printed, benchmarks, notes), metrics, options)
    measured: dict[str, dict[str, dict[str, float]]] = {}
    for (benchmark, method), report in reports.items():
        measured.setdefault(benchmark, {})[_find_method(printed, method)] = report.means
    table = _join(printed, measured, metrics, notes)
    return _add_opinions(table, printed, ratings) if name == "table2" else table


def _models_of_the_papers_scale() -> list[str]:
    return [name for name in bundled_models() if model_files(name).scale == SCALE]


def _open_benchmarks(printed: PaperTable, specs: Sequence[str], notes: list[str]) -> list[Benchmark]:
    """The named benchmarks; else those of the paper that can be opened, with a note for each other."""
    if specs:
        return [open_benchmark(spec) for spec in specs]
    benchmarks = []
    for spec in printed.benchmarks:
        try:
            benchmarks.append(open_benchmark(spec))
        except UserError as error:
            notes.append(f"{spec} was not measured: {error}.")
    return benchmarks


def _join(
    printed: PaperTable,
    measured: Mapping[str, Mapping[str, dict[str, float]]],
    metrics: Sequence[str],
    notes: Sequence[str],
) -> ScoreTable:
    """The paper's rows, then those of other methods; the paper's benchmarks, then others."""
    rows = []
    for benchmark in dict.fromkeys([*printed.benchmarks, *measured]):
        scores = measured.get(benchmark, {})
        methods = printed.methods if benchmark in printed.benchmarks else ()
        for method in dict.fromkeys([*methods, *scores]):
            figures = printed.figures(benchmark, method)
            rows.append(Row(benchmark, method, scores.get(method), figures, ranked=method != ORIGINALS))
    # What stands in for a metric that cannot be measured follows it.
    keys = dict.fromkeys(key for pair in zip(printed.metrics, metrics, strict=False) for key in pair)
    keys |= dict.fromkeys(printed.metrics)
    columns = (Column(key, *EXTRA[key]) if key in EXTRA else make_columns([key])[0] for key in keys)
    return ScoreTable(
        printed.title, tuple(columns), tuple(rows), (*filter(None, [NOTES.get(printed.key)]), *notes)
    )


def _find_method(printed: PaperTable, name: str) -> str:
    """The paper's method of that name, whatever the case and punctuation; or the name itself."""

    def plain(text: str) -> str:
        return re.sub(r"[\s_-]|^(λ|lambda)[ _]?2(?=\D)", "", text.lower())

    return {plain(method): method for method in printed.methods}.get(plain(name), name)


def _add_opinions(table: ScoreTable, printed: PaperTable, path: str | Path | None) -> ScoreTable:
    """Table II with the means of the ratings, their intervals, and how far raters agree."""
    if path is None:
        return replace(table, notes=(*table.notes, "No ratings were given (--ratings FILE)."))
    ratings = read_opinions(path)
    opinions = {_find_method(printed, name): opinion for name, opinion in opinion_scores(ratings).items()}
    (benchmark,) = printed.benchmarks
    known = {row.method for row in table.rows if row.benchmark == benchmark}
    rows = [*table.rows, *(Row(benchmark, method) for method in opinions if method not in known)]
    for index, row in enumerate(rows):
        if row.benchmark == benchmark and (opinion := opinions.get(row.method)):
            measured = {**(row.measured or {}), "mos": opinion.mean}
            notes = {"mos": f"[{opinion.low:.2f}, {opinion.high:.2f}]"}
            rows[index] = replace(row, measured=measured, notes=notes)
    raters, images = (len({getattr(rating, what) for rating in ratings}) for what in ("rater", "image"))
    note = (
        f"MOS: {len(ratings)} ratings of {images} images by {raters} raters, with 95 % bootstrap intervals over "
        f"raters; Krippendorff's alpha {agreement(ratings):.2f}."
    )
    return replace(table, rows=tuple(rows), notes=(*table.notes, note))


def _read_recognition(
    printed: PaperTable, path: str | Path | None
) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Method -> top-1 and top-5 error, out of what `recognize` returns or keeps; and a note on what was measured."""
    if path is None:
        return {}, ["No results of recognition were given (--recognition FILE)."]
    classifier = ""
    try:
        text = Path(path).read_text(encoding="utf-8")
        if str(path).endswith(".jsonl"):
            # An image stands there once more for every run that added a method.
            rows = list({row["name"]: row for row in map(json.loads, text.splitlines())}.values())
            common = [name for name in rows[0]["guesses"] if all(name in row["guesses"] for row in rows)]
            by_method = errors(rows, common)
            classifier = f"{rows[0]['classifier']} on "
        else:
            by_method = json.loads(text)
        scores = {
            ORIGINALS if name == BASELINE else _find_method(printed, name): {
                metric: row[metric] for metric in printed.metrics
            }
            for name, row in by_method.items()
        }
        counts = {row["n"] for row in by_method.values()}
    except OSError as error:
        raise FileAccessError(f"cannot read '{path}': {error.strerror}") from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise UserError(f"'{path}' holds no results of recognition: {error}") from error
    return scores, [f"Measured with {classifier}{' or '.join(map(str, sorted(counts)))} images."]
