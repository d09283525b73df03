"""`fasrgan tables`: The paper's tables."""

import argparse

from .evaluate import add_computing, scoring_options


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--paper",
        required=True,
        metavar="TABLE",
        help="table1 quantitative, table2 opinions, table3 recognition, table4 ablation, table5 lambda 2, "
        "table6 SRGAN, table7 RealSR",
    )
    command.add_argument(
        "--row",
        action="append",
        default=[],
        dest="rows",
        metavar="METHOD=MODEL",
        help="what stands for a method: a model, or a folder of finished images; may be repeated (default: bicubic "
        "and the bundled models, in rows of their own)",
    )
    command.add_argument(
        "--set",
        action="append",
        default=[],
        dest="sets",
        metavar="SET",
        help="a set, or NAME=FOLDER; may be repeated (default: the paper's)",
    )
    command.add_argument("--ratings", metavar="PATH", help="file or folder of `fasrgan study`, for table2")
    command.add_argument("--recognition", metavar="FILE", help="results of recognition, for table3")
    command.add_argument("-o", "--output", metavar="DIR", help="write it there: .md, .csv, .json, .tex")
    add_computing(command)


def run(args: argparse.Namespace) -> int:
    """Measure what a table of the paper measures and print it beside the paper's figures."""
    from pathlib import Path

    from ..paper.tables import paper_table

    table = paper_table(
        args.paper,
        args.rows,
        args.sets,
        ratings=args.ratings,
        recognition=args.recognition,
        options=scoring_options(args),
    )
    print(table.text())
    if args.output:
        for path in table.write(Path(args.output), args.paper):
            print(path)
    return 0
