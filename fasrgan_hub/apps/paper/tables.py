"""The paper's tables, measured here beside what the paper prints; and tables of any methods on any sets."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import FileAccessError, UserError
from ...evaluation.benchmarks import Benchmark, open_benchmark
from ...evaluation.methods import Method, open_method
from ...evaluation.report import Report
from ...evaluation.score_table import Column, Row, Table, columns
from ...evaluation.scoring import score
from ...hub.model_files import bundled_models
from ...metrics.named import MetricOptions
from ...metrics.perceptual_index import why_no_ma
from .opinions import agreement, opinion_scores, read_opinions
from .paper import EXTRA, TABLES, PaperTable
from .recognition import BASELINE, errors

ORIGINALS = "Baseline"
"""What Table III calls the originals; nothing is better or worse than they are."""


@dataclass(frozen=True)
class Run:
    """How scores are computed: the options of `scoring.score`."""

    settings: MetricOptions = field(default_factory=MetricOptions)
    cache: Path | None = None
    processes: int = 1
    progress: bool = False

    def report(self, who: Method, on: Benchmark, metrics: Sequence[str]) -> Report:
        return score(
            who,
            on,
            metrics,
            self.settings,
            cache=self.cache,
            processes=self.processes,
            progress=self.progress,
        )


def reports(
    methods: Sequence[Method], sets: Sequence[Benchmark], metrics: Sequence[str], run: Run
) -> dict[tuple[str, str], Report]:
    """(set, method) -> its scores. UserError for two of one name, which no table could tell apart."""
    for names in ([who.name for who in methods], [on.name for on in sets]):
        if twice := [name for name in names if names.count(name) > 1]:
            raise UserError(f"'{twice[0]}' is there twice; name one of them: OTHER={twice[0]}")
    return {(on.name, who.name): run.report(who, on, metrics) for on in sets for who in methods}


def compare(found: Mapping[tuple[str, str], Report], metrics: Sequence[str], told: str = "") -> Table:
    """A row for each set and method."""
    rows = tuple(Row(on, who, report.means) for (on, who), report in found.items())
    return Table(f"x4 super-resolution{told and ': '}{told}", columns(metrics), rows)


def paper_table(
    name: str,
    rows: Sequence[str] = (),
    sets: Sequence[str] = (),
    *,
    ratings: str | Path | None = None,
    recognition: str | Path | None = None,
    run: Run = Run(),
) -> Table:
    """One of the paper's tables.

    Args:
        name: "table1" to "table7".
        rows: methods, as METHOD=WHAT for a method of the paper, see `open_method`; what has another name gets a
            row of its own. Default bicubic and the bundled models.
        sets: see `open_benchmark`; default the paper's own, and those that cannot be had are told under the table.
        ratings: for table2, a file of `opinions`.
        recognition: for table3: the predictions that `recognize` keeps (.jsonl), or the errors it returns (.json).

    Raises UserError for a mistake in what was given.
    """
    if name not in TABLES:
        raise UserError(f"there is no '{name}' in the paper; there are {', '.join(TABLES)}")
    printed = TABLES[name]
    if name == "table3":
        found, told = _recognized(recognition)
        return _beside(printed, {"ImageNet": found}, printed.metrics, told)
    notes: list[str] = []
    metrics = [metric for metric in printed.metrics if metric not in EXTRA]
    if "pi" in metrics and (reason := why_no_ma()):
        metrics[metrics.index("pi")] = "niqe"
        notes.append(f"NIQE is measured instead of PI: {reason}.")
    methods = [open_method(row) for row in rows or ("bicubic", *bundled_models())]
    measured: dict[str, dict[str, dict[str, float]]] = {}
    for (on, who), report in reports(methods, _sets(printed, sets, notes), metrics, run).items():
        measured.setdefault(on, {})[_method(printed, who)] = report.means
    table = _beside(printed, measured, metrics, notes)
    return _with_opinions(table, printed, ratings) if name == "table2" else table


def _sets(printed: PaperTable, given: Sequence[str], notes: list[str]) -> list[Benchmark]:
    """The sets that are given; else those of the paper that can be had."""
    if given:
        return [open_benchmark(spec) for spec in given]
    found = []
    for spec in printed.sets:
        try:
            found.append(open_benchmark(spec))
        except UserError as error:
            notes.append(f"{spec} was not measured: {error}.")
    return found


def _beside(
    printed: PaperTable,
    measured: Mapping[str, Mapping[str, dict[str, float]]],
    metrics: Sequence[str],
    notes: Sequence[str],
) -> Table:
    """The paper's rows, then those of other methods; the paper's sets, then others."""
    rows = []
    for group in dict.fromkeys([*printed.sets, *measured]):
        scores = measured.get(group, {})
        paper_methods = printed.methods if group in printed.sets else ()
        for method in dict.fromkeys([*paper_methods, *scores]):
            figures = printed.figures(group, method)
            rows.append(Row(group, method, scores.get(method), figures, ranked=method != ORIGINALS))
    # What stands in for a metric that cannot be measured follows it.
    keys = dict.fromkeys(key for pair in zip(printed.metrics, metrics, strict=False) for key in pair)
    keys |= dict.fromkeys(printed.metrics)
    return Table(printed.title, tuple(map(_column, keys)), tuple(rows), (*printed.notes, *notes))


def _column(key: str) -> Column:
    return Column(key, *EXTRA[key]) if key in EXTRA else columns([key])[0]


def _method(printed: PaperTable, name: str) -> str:
    """The paper's method of that name, whatever the case and punctuation; or the name itself."""
    return {_plain(m): m for m in printed.methods}.get(_plain(name), name)


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]|^(λ|lambda)[ _]?2(?=\D)", "", name.lower())


def _with_opinions(table: Table, printed: PaperTable, ratings: str | Path | None) -> Table:
    """Table II with the means of the ratings, their intervals, and how far raters agree."""
    if ratings is None:
        return Table(
            table.title, table.columns, table.rows, (*table.notes, "No ratings were given (--ratings FILE).")
        )
    read = read_opinions(ratings)
    opinions = {_method(printed, method): found for method, found in opinion_scores(read).items()}
    (group,) = printed.sets
    rows = []
    known = {row.method for row in table.rows if row.group == group}
    others = tuple(Row(group, method) for method in opinions if method not in known)
    for row in table.rows + others:
        if row.group == group and (found := opinions.get(row.method)):
            interval = {"mos": f"[{found.low:.2f}, {found.high:.2f}]"}
            row = Row(group, row.method, {**(row.measured or {}), "mos": found.mean}, row.paper, interval)
        rows.append(row)
    raters, images = (len({getattr(rating, what) for rating in read}) for what in ("rater", "image"))
    note = (
        f"MOS: {len(read)} ratings of {images} images by {raters} raters, with 95 % bootstrap intervals over "
        f"raters; Krippendorff's alpha {agreement(read):.2f}."
    )
    return Table(table.title, table.columns, tuple(rows), (*table.notes, note))


def _recognized(place: str | Path | None) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Method -> top-1 and top-5 error, out of what `recognize` returns or keeps; and a note on what was measured."""
    if place is None:
        return {}, ["No results of recognition were given (--recognition FILE)."]
    printed = TABLES["table3"]
    classifier = ""
    try:
        text = Path(place).read_text(encoding="utf-8")
        if str(place).endswith(".jsonl"):
            # An image stands there once more for every run that added a method.
            rows = list({row["name"]: row for row in map(json.loads, text.splitlines())}.values())
            common = [name for name in rows[0]["guesses"] if all(name in row["guesses"] for row in rows)]
            found = errors(rows, common)
            classifier = f"{rows[0]['classifier']} on "
        else:
            found = json.loads(text)
        scores = {
            ORIGINALS if name == BASELINE else _method(printed, name): {
                "top1": row["top1"],
                "top5": row["top5"],
            }
            for name, row in found.items()
        }
        counts = {row["n"] for row in found.values()}
    except OSError as error:
        raise FileAccessError(f"cannot read '{place}': {error.strerror}") from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise UserError(f"'{place}' holds no results of recognition: {error}") from error
    return scores, [f"Measured with {classifier}{' or '.join(map(str, sorted(counts)))} images."]
