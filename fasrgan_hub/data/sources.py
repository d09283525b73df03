"""Where training pictures come from: a streamed `datasets.IterableDataset` of encoded files, one shard a picture.

Rows are {"name": str, "bytes": bytes}; decoding is left to the reader. One shard a picture lets `datasets` shuffle
whole epochs without a buffer, hand every picture to exactly one worker and one process, and resume exactly.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError

if TYPE_CHECKING:
    from datasets import IterableDataset

PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}


def open_source(spec: str, seed: int) -> "IterableDataset":
    """The pictures that `spec` names, shuffled anew each epoch (`set_epoch`).

    Args:
        spec: `folder:DIR` (or just DIR): every picture below a folder.
        seed: of the shuffling.
    """
    from datasets import IterableDataset

    kind, _, rest = spec.rpartition(":")
    if kind not in {"", "folder"}:
        raise UserError(f"there is no data source '{kind}:'; use folder:DIR")
    shards = {"paths": [str(path) for path in list_pictures(Path(rest))]}
    source = IterableDataset.from_generator(_read_files, gen_kwargs=shards)
    return source.shuffle(seed=seed, buffer_size=1, max_buffer_input_shards=1)


def list_pictures(folder: Path) -> list[Path]:
    """Every picture file below `folder`, sorted; UserError if there is none."""
    if not folder.is_dir():
        raise UserError(f"there is no folder '{folder}'")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)
    if not paths:
        raise UserError(f"there are no pictures in '{folder}' ({', '.join(sorted(PICTURES))})")
    return paths


def _read_files(paths: list[str]) -> Iterator[dict[str, Any]]:
    for path in paths:
        yield {"name": Path(path).name, "bytes": Path(path).read_bytes()}
