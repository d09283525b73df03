"""`fasrgan tables`: The paper's tables."""

from dataclasses import dataclass

from .evaluate import ScoringOptions
from .options import option, repeated


@dataclass
class Options(ScoringOptions):
    paper: str = option("TABLE", required=True)
    """table1 quantitative, table2 opinions, table3 recognition, table4 ablation, table5 lambda 2, table6 SRGAN, table7
    RealSR"""
    rows: list[str] = repeated("METHOD=MODEL", "--row")
    """the model, or the folder of SR images, for a method of the table; may be repeated (default: bicubic and the
    bundled models, in rows of their own)"""
    sets: list[str] = repeated("SET", "--set")
    """a benchmark, or NAME=FOLDER; may be repeated (default: those of the paper)"""
    ratings: str | None = option("PATH")
    """for table2: file or folder written by `fasrgan study`"""
    recognition: str | None = option("FILE")
    """for table3: file written by `fasrgan recognition`"""
    output: str | None = option("DIR", "-o")
    """write the table to this folder: .md, .csv, .json, .tex"""


def run(options: Options) -> int:
    """Measure the scores of a table of the paper and print them beside the printed ones."""
    from pathlib import Path

    from ..paper.tables import paper_table

    table = paper_table(
        options.paper,
        options.rows,
        options.sets,
        ratings=options.ratings,
        recognition=options.recognition,
        options=options.scoring(),
    )
    print(table.text())
    if options.output:
        for path in table.write(Path(options.output), options.paper):
            print(path)
    return 0
