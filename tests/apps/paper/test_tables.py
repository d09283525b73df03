"""The paper's tables end to end, with tiny networks and a tiny set."""

import csv
import io
import json
import re

import pytest
import torch
from conftest import photo
from huggingface_hub import ModelCard
from PIL import Image

from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.apps.paper import tables
from fasrgan_hub.apps.paper.printed_tables import TABLES
from fasrgan_hub.apps.paper.tables import paper_table
from fasrgan_hub.errors import UserError
from fasrgan_hub.evaluation.cards import record_scores
from fasrgan_hub.evaluation.score_table import Column, Row, ScoreTable
from fasrgan_hub.systems import ESRGAN

SCORES = ScoreTable(
    "A_title",
    (Column("psnr", "PSNR", 2, True), Column("lpips", "LPIPS", 4, False)),
    (
        Row("Set5", "a&b", {"psnr": 30.001, "lpips": 0.2}, {"psnr": 31.0}),
        Row("Set5", "b", {"psnr": 30.004, "lpips": 0.1}),
        Row("Set5", "c", {"psnr": 29.0, "lpips": float("nan")}),
        Row("Set5", "d", None, {"psnr": 30.5}),
        Row("Set14", "a&b", {"psnr": 25.0, "lpips": float("inf")}),
    ),
    ("A note.",),
)


def cells(text):
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if "|" in line
    ]


def test_markdown_marks_what_is_best_as_printed():
    head, _, *body = cells(SCORES.markdown())
    assert head == ["", "", "PSNR", "paper", "LPIPS"]
    assert body[0] == ["Set5", "a&b", "**30.00**", "**31.00**", "<u>0.2000</u>"]
    assert body[1] == ["", "b", "**30.00**", "", "**0.1000**"]  # equal as printed: both are best
    assert body[2] == ["", "c", "<u>29.00</u>", "", "nan"]
    assert body[3] == ["", "d", "not given", "<u>30.50</u>", ""]
    assert body[4] == ["Set14", "a&b", "25.00", "", "inf"]  # alone in its set: nothing to mark
    assert "A note." in SCORES.markdown()


def test_text_is_aligned_and_marked():
    lines = SCORES.text().splitlines()
    assert len({len(line) for line in lines[3:5]}) == 1
    assert "*30.00" in lines[3] and "+29.00" in lines[5] and "not given" in lines[6]


def test_latex_is_escaped_and_whole():
    text = SCORES.latex()
    assert r"a\&b" in text and r"A\_title" in text
    odd = ScoreTable("~{1}^\\λ", SCORES.columns, ()).latex()
    assert r"\caption{\textasciitilde{}\{1\}\textasciicircum{}\textbackslash{}$\lambda$}" in odd
    assert r"\textbf{30.00}" in text and r"\underline{29.00}" in text
    body = text[text.index(r"\begin{tabular}") : text.index(r"\end{tabular}")]
    rows = [line for line in body.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 6 and {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {4}


def test_csv_and_json_are_unrounded():
    rows = list(csv.DictReader(io.StringIO(SCORES.csv())))
    assert rows[0] == {"set": "Set5", "method": "a&b", "psnr": "30.001", "lpips": "0.2", "paper psnr": "31.0"}
    assert rows[3]["psnr"] == "" and rows[3]["paper psnr"] == "30.5"
    stored = json.loads(json.dumps(SCORES.to_dict(), allow_nan=False))
    assert stored["rows"][2]["measured"]["lpips"] is None and stored["rows"][3]["measured"] is None


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Two tiny networks, a set of two images, and a cache of scores."""
    place = tmp_path_factory.mktemp("tiny")
    for seed in range(2):
        torch.manual_seed(seed)
        ESRGAN(blocks=1, features=8, growth=4).save_pretrained(place / f"net{seed}")
        (place / "hr").mkdir(exist_ok=True)
        Image.fromarray(photo(100, 196, seed)).save(place / "hr" / f"{seed}.png")
    return place


@pytest.mark.parametrize(
    ("name", "rows", "set_name"),
    [
        ("table1", ["FASRGAN", "fs_srgan"], "Set5"),
        ("table4", ["w/o FA", "FASRGAN"], "PIRM test"),
        ("table5", ["0.01", "lambda2 0.005"], "Urban100"),
        ("table6", ["SRGAN", "SRGAN_FA"], "Set14"),
        ("table7", ["ESRGAN (FT)", "ZSSR"], "RealSR v3"),
    ],
)
def test_tables_of_images_end_to_end(tiny, tmp_path, capsys, monkeypatch, name, rows, set_name):
    monkeypatch.setattr(tables, "why_no_ma", lambda: "pyiqa is not here")
    networks = (tiny / "net0", tiny / "net1", "bicubic")
    given = [f"{row}={network}" for row, network in zip([*rows, "extra"], networks, strict=True)]
    arguments = ["tables", "--paper", name, "--set", f"{set_name}={tiny / 'hr'}", "-o", str(tmp_path)]
    arguments += ["--cache", str(tiny / "cache"), *(word for row in given for word in ("--row", row))]
    if main(arguments) == 2 and "weights" in (error := capsys.readouterr().err):
        pytest.skip(f"the weights of LPIPS cannot be had here: {error}")
    printed = capsys.readouterr().out
    assert printed.startswith(TABLES[name].title) and "pyiqa" in printed and "not given" in printed
    stored = json.loads((tmp_path / f"{name}.json").read_text())["rows"]
    measured = {row["method"]: row for row in stored if row["measured"]}
    assert len(measured) == 3 and measured["extra"]["paper"] == {}
    for row in measured.values():
        assert row["set"] == set_name and row["measured"].keys() == {"psnr", "ssim", "niqe", "lpips"}
        assert 5 < row["measured"]["psnr"] < 60 and 0 < row["measured"]["lpips"] < 2
    in_paper = [row for row in measured.values() if row["paper"]]
    assert len(in_paper) == 2 and all(len(row["paper"]) == 4 for row in in_paper)
    assert {row["set"] for row in stored} == {*TABLES[name].benchmarks}
    markdown = (tmp_path / f"{name}.md").read_text()
    assert markdown.count("**") >= 4 and "<u>" in markdown and (tmp_path / f"{name}.tex").stat().st_size


def test_table_2_joins_lpips_and_ratings(tiny, tmp_path):
    file = tmp_path / "ratings.csv"
    scores = {"FASRGAN": (1, 1, 2), "SRGAN": (3, 3, 4), "mine": (0, 0, 0)}
    lines = [f"r{n},p,{m},{score}" for m, given in scores.items() for n, score in enumerate(given)]
    file.write_text("rater,image,method,score\n" + "\n".join(lines))
    try:
        table = paper_table("table2", ["FASRGAN=bicubic"], [f"PIRM val={tiny / 'hr'}"], ratings=file)
    except UserError as error:
        pytest.skip(f"the weights of LPIPS cannot be had here: {error}")
    rows = {row.method: row for row in table.rows}
    assert rows["FASRGAN"].measured["mos"] == pytest.approx(4 / 3) and "lpips" in rows["FASRGAN"].measured
    assert rows["FASRGAN"].published == {"lpips": 0.0685, "mos": 1.46} and rows["FASRGAN"].notes["mos"]
    assert rows["SRGAN"].measured == {"mos": pytest.approx(10 / 3)} and rows["mine"].published == {}
    assert rows["ESRGAN"].measured is None
    assert "9 ratings of 1 images by 3 raters" in table.text() and "alpha" in table.text()


@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_table_3_takes_what_recognition_leaves(tmp_path, kind):
    file = tmp_path / f"results.{kind}"
    if kind == "json":
        results = {"HR": {"top1": 0.25, "top5": 0.0, "n": 4}, "FASRGAN": {"top1": 0.5, "top5": 0.25, "n": 4}}
        file.write_text(json.dumps(results))
    else:
        guesses = [([0, 1], [0, 1]), ([0, 1], [1, 2]), ([0, 1], [1, 0]), ([1, 0], [0, 1])]
        lines = [
            {"name": str(n), "label": 0, "classifier": "c", "guesses": {"HR": a, "FASRGAN": b}}
            for n, (a, b) in enumerate(guesses)
        ]
        earlier = {**lines[0], "guesses": {"HR": [1, 2]}}  # before FASRGAN was added
        file.write_text("\n".join(map(json.dumps, [earlier, *lines])))
    table = paper_table("table3", recognition=file)
    rows = {row.method: row for row in table.rows}
    assert rows["Baseline"].measured == {"top1": 0.25, "top5": 0.0}
    assert rows["FASRGAN"].measured == {"top1": 0.5, "top5": 0.25}
    assert rows["FASRGAN"].published == {"top1": 0.323, "top5": 0.124}
    assert rows["Bicubic"].measured is None
    assert table.notes[-1] == f"Measured with {'c on ' if kind == 'jsonl' else ''}4 images."
    assert (
        "**0.323**" in table.markdown() and "**0.241**" not in table.markdown()
    )  # the originals do not compete
    file.write_text("nonsense")
    with pytest.raises(UserError, match="no results of recognition"):
        paper_table("table3", recognition=file)


def test_sets_that_cannot_be_had_leave_the_papers_figures(monkeypatch):
    def nowhere(spec):
        raise UserError(f"no network for {spec}")

    monkeypatch.setattr(tables, "open_benchmark", nowhere)
    table = paper_table("table6")
    assert all(row.measured is None for row in table.rows) and len(table.rows) == 12
    assert sum("no network for" in note for note in table.notes) == 4
    with pytest.raises(UserError, match="no network"):
        paper_table("table6", benchmarks=["Set5"])


def test_pi_is_measured_where_pyiqa_is(tiny, monkeypatch):
    monkeypatch.setattr(tables, "why_no_ma", lambda: "")
    asked = []
    monkeypatch.setattr(
        tables, "score_all", lambda methods, benchmarks, metrics, options: asked.extend(metrics) or {}
    )
    assert not any("pyiqa" in note for note in paper_table("table4", benchmarks=[str(tiny / "hr")]).notes)
    assert asked == ["psnr", "ssim", "pi", "lpips"]


def test_several_methods_make_one_table(tiny, tmp_path, capsys):
    arguments = ["evaluate", "bicubic", f"A={tiny / 'net0'}", "--set", str(tiny / "hr"), "--no-cache"]
    arguments += ["--metrics", "psnr,ssim"]
    files = ["-o", str(tmp_path), "--json", str(tmp_path / "all.json")]
    assert main([*arguments, *files, "--border", "2", "--rgb"]) == 0
    printed = capsys.readouterr().out
    assert "RGB, border 2" in printed and "bicubic" in printed and "*" in printed
    everything = json.loads((tmp_path / "all.json").read_text())
    assert [(part["set"], part["model"]) for part in everything] == [(tiny.name, "bicubic"), (tiny.name, "A")]
    assert len(everything[0]["images"]) == 2 and (tmp_path / "scores.tex").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evaluate", "bicubic"], "name the images to score on"),
        (["evaluate", "bicubic", "--set", "{hr}", "--hr", "{hr}"], "name the images to score on"),
        (["evaluate", "bicubic", "bicubic", "--set", "{hr}"], "twice"),
        (["evaluate", "bicubic", "--set", "{hr}", "--lr", "{hr}"], "--lr goes with"),
        (["evaluate", "bicubic", "{net}", "--set", "{hr}", "--card", "{net}"], "one model"),
        (
            ["evaluate", "bicubic", "--set", "{hr}", "--card", "{hr}", "--no-cache", "--metrics=psnr"],
            "no README.md",
        ),
        (["tables", "--paper", "table8"], "no 'table8'"),
        (
            ["tables", "--paper", "table2", "--set", "{hr}", "--row", "bicubic", "--ratings", "{hr}"],
            "holds no ratings",
        ),
    ],
)
def test_mistakes_are_one_line(tiny, capsys, arguments, words):
    places = {"hr": tiny / "hr", "net": tiny / "net0"}
    assert main([argument.format(**places) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1


def test_scores_go_into_a_card_and_replace_their_like(tmp_path):
    card = tmp_path / "README.md"
    card.write_text("---\nlicense: apache-2.0\ntags:\n- mine\n---\n# By hand\nText stays.\n")
    record_scores(tmp_path, {"Set5": {"psnr": 28.12345, "lpips": 0.1}})
    record_scores(tmp_path, {"Set5": {"psnr": 29.0, "niqe": float("nan")}, "Set14": {"psnr": 26.0}})
    read = ModelCard.load(card)
    found = {(r.dataset_name, r.metric_type): r.metric_value for r in read.data.eval_results}
    assert found == {("Set5", "lpips"): 0.1, ("Set5", "psnr"): 29.0, ("Set14", "psnr"): 26.0}
    assert read.data.tags == ["mine"] and "# By hand\nText stays." in read.text
    assert read.data.model_name == tmp_path.name
