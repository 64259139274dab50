"""Jobs side by side in processes of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


def side_by_side(
    function: Callable[[Job], Result],
    jobs: Sequence[Job],
    processes: int,
    *,
    chunksize: int = 1,
) -> Iterator[Result]:
    """Results in the order of the jobs, as they are done.

    Parameters
    ----------
    function : callable
        Importable by its name, as processes are started afresh.
    jobs : sequence
        One argument of `function` each.
    processes : int
        How many work at most. One, or one job, needs no process but this.
    chunksize : int
        Jobs that a process is given at a time: many where each is short.

    Raises
    ------
    ValueError
        If there is no process.
    """
    if processes < 1:
        raise ValueError(f"processes {processes} is below 1: give at least one")
    workers = min(processes, len(jobs))
    if workers <= 1:
        yield from map(function, jobs)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(function, jobs, chunksize=chunksize)
