"""`fasrgan push`: Publish models."""

from dataclasses import dataclass

from .options import argument, option


@dataclass
class Options:
    source: str = argument("RUN_OR_DIR")
    """a run folder or a model folder"""
    repository: str = argument("ORG/NAME")
    """the repository, created if absent"""
    private: bool = False
    """create the repository as private"""
    revision: str | None = option("R", exclusive=True)
    """the branch, created if absent (default: main)"""
    pr: bool = option(default=False, exclusive=True)
    """open a pull request instead"""
    message: str | None = option("M")
    """the commit message"""
    dry_run: bool = False
    """list the files and send nothing"""
    overwrite_card: bool = False
    """also replace a README.md that was written by hand"""
    endpoint: bool = False
    """add handler.py and requirements.txt, with which Inference Endpoints serve the model"""


def run(options: Options) -> int:
    """Publish a run or a model folder on the Hub, in one commit, and print the URL of the commit."""
    from ..publish.publishing import prepared, publish

    if options.dry_run:
        with prepared(options.source, options.repository, options.endpoint) as files:
            sizes = {name: path.stat().st_size for name, path in files.items()}
        for name, size in [*sizes.items(), ("total", sum(sizes.values()))]:
            print(f"{size:>13,} bytes  {name}")
        kept = "" if options.overwrite_card else " A README.md there that was written by hand would be kept."
        print(f"These files would be sent to {options.repository} in one commit.{kept} Nothing was sent.")
        return 0
    url = publish(
        options.source,
        options.repository,
        private=options.private,
        revision=options.revision,
        message=options.message,
        create_pr=options.pr,
        overwrite_card=options.overwrite_card,
        endpoint=options.endpoint,
    )
    print(url)
    return 0
