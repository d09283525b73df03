"""Work spread over processes: those of `accelerate launch`, or some that are started here."""

import os
import pickle
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from threading import RLock
from typing import TypeVar

import torch
from tqdm import tqdm

from ..errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")
Work = Callable[[Sequence[Item]], list[Result]]


def spread(work: Work, items: Sequence[Item], processes: int = 1) -> list[Result]:
    """`work(items)`, each process doing every n-th item; results come in no particular order.

    Args:
        work: maps items to as many results; with several processes it and they must be picklable.
        processes: how many to start on this machine. Inside `accelerate launch` those of the launch share the work
            instead, and all of them get all results.

    Raises UserError as `work` raises it.
    """
    if processes < 1:
        raise UserError(f"the number of processes is {processes}; it must be 1 or more")
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        return _share(work, items)
    processes = min(processes, len(items))
    if processes <= 1:
        return work(items)
    try:
        pickle.dumps((work, items))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise UserError("a function or module of your own is scored in one process") from error
    threads = max(1, torch.get_num_threads() // processes)
    with ProcessPoolExecutor(processes, get_context("spawn"), _prepare_process) as pool:
        # Every n-th instead of stretches: neighbors of a benchmark resemble one another in size.
        parts: list[Future[list[Result]]] = [
            pool.submit(_run, work, items[n::processes], n, threads) for n in range(processes)
        ]
        return [result for part in parts for result in part.result()]


def _prepare_process() -> None:
    """Let Ctrl-C end the process without a traceback; without tqdm's semaphore, which would then be left behind."""
    tqdm.set_lock(RLock())
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _run(work: Work, items: Sequence[Item], number: int, threads: int) -> list[Result]:
    """Part `number` of the work, on one of the GPUs or on so many of the CPU's threads."""
    torch.set_num_threads(threads)
    if torch.cuda.is_available():
        torch.cuda.set_device(number % torch.cuda.device_count())
    return work(items)


def _share(work: Work, items: Sequence[Item]) -> list[Result]:
    """This process's part of the work, and the results of all."""
    from accelerate import PartialState
    from accelerate.utils import gather_object

    state = PartialState()
    try:
        results: list = work(items[state.process_index :: state.num_processes])
    except UserError as error:  # gathered too, so that no process waits for this one
        results = [error]
    gathered = gather_object(results)
    if errors := [result for result in gathered if isinstance(result, UserError)]:
        raise errors[0]
    return gathered
