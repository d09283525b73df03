"""`fasrgan tables`: The paper's tables."""

import argparse

from .evaluate import add_scoring_options, scoring_options


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
        help="the model, or the folder of SR images, for a method of the table; may be repeated (default: bicubic "
        "and the bundled models, in rows of their own)",
    )
    command.add_argument(
        "--set",
        action="append",
        default=[],
        dest="sets",
        metavar="SET",
        help="a benchmark, or NAME=FOLDER; may be repeated (default: those of the paper)",
    )
    command.add_argument(
        "--ratings", metavar="PATH", help="for table2: file or folder written by `fasrgan study`"
    )
    command.add_argument(
        "--recognition", metavar="FILE", help="for table3: file written by `fasrgan recognition`"
    )
    command.add_argument(
        "-o", "--output", metavar="DIR", help="write the table to this folder: .md, .csv, .json, .tex"
    )
    add_scoring_options(command)


def run(args: argparse.Namespace) -> int:
    """Measure the scores of a table of the paper and print them beside the printed ones."""
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
