"""Several sources in one, each with its share of the images: "folder:A=0.7;pairs:LR,HR=0.2;rendered:=0.1".

An epoch shows every image of each source at least once; a source that is too small for its share is repeated. All
of it is one list of shards, so that shuffling, workers and resuming are those of a single source.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..errors import UserError
from .archives import Row, RowGroup, TarStretch

FORM = "SOURCE=SHARE;SOURCE=SHARE"


class Shard(Protocol):
    """A part of a source that is read at once, mostly one image."""

    def rows(self) -> Iterator[Row]: ...


@dataclass(frozen=True)
class Repeated:
    """A shard that an epoch shows again. Its images have names of their own, and so crops of their own."""

    shard: Shard
    turn: int

    def rows(self) -> Iterator[Row]:
        for row in self.shard.rows():
            yield {**row, "name": f"{row['name']} (again {self.turn})"}


def split_shares(spec: str) -> list[tuple[str, float]]:
    """(source, share) for each source of `spec`; a single source needs no share.

    Raises UserError for a share that is missing or no number from 0 to 1, and if they do not add up to 1.
    """
    parts = [part.strip() for part in spec.split(";")]
    if len(parts) == 1:
        return [(spec, 1.0)]
    shares = []
    for part in parts:
        source, _, word = part.rpartition("=")
        try:
            share = float(word)
        except ValueError:
            share = math.nan
        if not source or not 0 < share <= 1:
            raise UserError(f"'{part}' needs a share above 0 and up to 1: {FORM}")
        shares.append((source, share))
    if not math.isclose(total := sum(share for _, share in shares), 1, abs_tol=1e-6):
        raise UserError(f"the shares of '{spec}' add up to {total:g}; they must add up to 1")
    return shares


def mix_shards(sources: Sequence[tuple[str, float, Sequence[Shard]]]) -> list[Shard]:
    """The shards of an epoch in which each source has its share of the images.

    Args:
        sources: (name, share, shards) of each. UserError for one whose images cannot be counted.
    """
    sizes = [sum(_size(name, shard) for shard in shards) for name, _, shards in sources]
    images = max(size / share for size, (_, share, _) in zip(sizes, sources, strict=True))
    mixed: list[Shard] = []
    for size, (_, share, shards) in zip(sizes, sources, strict=True):
        turns, rest = divmod(share * images / size, 1)
        mixed += shards
        for turn in range(1, int(turns)):
            mixed += [Repeated(shard, turn) for shard in shards]
        last = round(rest * len(shards))
        mixed += [Repeated(shards[n * len(shards) // last], int(turns)) for n in range(last)]
    return mixed


def _size(name: str, shard: Shard) -> int:
    if isinstance(shard, TarStretch):
        raise UserError(
            f"the images of '{name}' cannot be counted before they are read, so it has no share; unpack the tar"
        )
    return shard.images if isinstance(shard, RowGroup) else 1
