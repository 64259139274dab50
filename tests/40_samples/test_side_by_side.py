"""Jobs side by side give what they give one after the other."""

import os

import pytest

from bradyseism.samples.side_by_side import side_by_side


def test_results_come_in_the_order_of_the_jobs_from_other_processes():
    assert list(side_by_side(abs, [-3, 1, -2], 2)) == [3, 1, 2]
    assert os.getpid() not in side_by_side(_process, [0, 1], 2)
    assert list(side_by_side(abs, [-3, 1, -2], 2, chunksize=2)) == [3, 1, 2]


def test_jobs_of_a_chunk_are_done_by_one_process():
    first, second, *_ = side_by_side(_process, [0, 1, 2, 3], 2, chunksize=2)
    assert first == second


def test_one_process_or_one_job_is_done_here():
    assert list(side_by_side(_process, [0, 1], 1)) == [os.getpid()] * 2
    assert list(side_by_side(_process, [0], 2)) == [os.getpid()]
    assert list(side_by_side(_process, [], 2)) == []


def test_no_process_is_refused():
    with pytest.raises(ValueError, match="processes 0 is below 1: give at least one"):
        list(side_by_side(_process, [0], 0))


def _process(_: int) -> int:
    return os.getpid()
