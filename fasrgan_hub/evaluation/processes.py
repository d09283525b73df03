"""Work spread over processes with accelerate: those of `accelerate launch`, or some that are started here."""

import os
import pickle
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from ..errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")


def spread(
    work: Callable[[Sequence[Item]], list[Result]], items: Sequence[Item], processes: int = 1
) -> list[Result]:
    """`work(items)`, each process doing every n-th item, in the order of the items.

    Args:
        work: maps items to as many results; it and they can be pickled where `processes` is more than 1.
        processes: how many to start on this machine. Inside `accelerate launch` those of the launch share the work
            instead, and all of them get all results.

    UserError as `work` raises it.
    """
    if processes < 1:
        raise UserError(f"the number of processes is {processes}; it must be 1 or more")
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        return _share(work, items)
    processes = min(processes, len(items))
    if processes <= 1:
        return work(items)
    return _launch(work, items, processes)


def _share(work: Callable[[Sequence[Item]], list[Result]], items: Sequence[Item]) -> list[Result]:
    """This process's part of the work, and the results of all."""
    from accelerate import PartialState
    from accelerate.utils import gather_object

    state = PartialState()
    # Every n-th instead of stretches: neighbors of a set resemble one another in size.
    mine = list(range(state.process_index, len(items), state.num_processes))
    try:
        results: list[Any] = [*zip(mine, work([items[place] for place in mine]), strict=True)]
    except UserError as error:
        results = [(-1, error)]
    gathered = sorted(gather_object(results), key=lambda pair: pair[0])
    if gathered and gathered[0][0] < 0:
        raise gathered[0][1]
    return [result for _, result in gathered]


def _launch(
    work: Callable[[Sequence[Item]], list[Result]], items: Sequence[Item], processes: int
) -> list[Result]:
    from torch import multiprocessing

    try:
        pickle.dumps((work, items))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise UserError("a function or module of your own is scored in one process") from error
    with TemporaryDirectory() as folder:
        outcome = Path(folder, "outcome")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        multiprocessing.start_processes(
            _process, (processes, port, outcome, work, items), nprocs=processes, start_method="spawn"
        )
        result = pickle.loads(outcome.read_bytes())  # written by the process that was just started
    if isinstance(result, UserError):
        raise result
    return result


def _process(
    rank: int,
    processes: int,
    port: int,
    outcome: Path,
    work: Callable[[Any], list[Any]],
    items: Sequence[Any],
) -> None:
    import torch

    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    if not torch.cuda.is_available():
        os.environ["ACCELERATE_USE_CPU"] = "true"
        torch.set_num_threads(max(1, torch.get_num_threads() // processes))
    try:
        result: Any = _share(work, items)
    except UserError as error:
        result = error
    if rank == 0:
        outcome.write_bytes(pickle.dumps(result))
    torch.distributed.destroy_process_group()
