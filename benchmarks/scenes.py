"""How fast whole training scenes are simulated, beside their own kernels, and in how much memory.

    python benchmarks/scenes.py [--json]

A scene is 256 x 256 pixels with relief, look, turbulence, pixel noise, nuisances, gaps, and half of
the time a source. Prints scenes a second for 1, 2, 4, ... processes up to the number of cores; how
many times longer a scene takes than its kernels (relief, turbulence, random fields, nuisances,
gaps, what is seen of a source) that are called alone with the very arguments of those scenes; and
the peak memory of a process after 50 and after 500 scenes.
"""

# ruff: noqa: E402  (numpy and numba count threads when they are imported: the limit comes first)

from __future__ import annotations

import argparse
import copy
import json
import os
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from typing import Any
from unittest.mock import patch

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

from bradyseism.scenes import synthesis
from bradyseism.scenes.gaps import Gaps
from bradyseism.scenes.nuisances import NUISANCES
from bradyseism.scenes.synthesis import SceneSettings, random_scene

SETTINGS = SceneSettings(shape=(256, 256))
SCENES, PAIRED = 200, 60
FEW, MANY = 50, 500
KERNELS = ("synthetic_relief", "turbulent_field", "power_law_field", "seen_smoothly")
METHODS = (
    (Gaps, "draw"),
    (Gaps, "pixelate"),
    *((kind, "effect") for kind in {type(nuisance) for nuisance in NUISANCES.values()}),
)
Call = tuple[Callable[..., object], tuple[Any, ...], dict[str, Any]]


def simulate_share(job: tuple[int, int]) -> None:
    """Simulate the first scenes of a seed."""
    seed, count = job
    for index in range(count):
        random_scene(seed, index, SETTINGS)


def per_second(processes: int) -> float:
    """Count scenes a second, once each process has compiled its kernels."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        list(pool.map(simulate_share, [(n, 20) for n in range(processes)]))
        start = time.perf_counter()
        list(pool.map(simulate_share, [(99, SCENES) for _ in range(processes)]))
        return processes * SCENES / (time.perf_counter() - start)


def recorder(kernel: Callable[..., object], calls: list[Call]) -> Callable[..., object]:
    """Return the kernel, made to note its arguments as they are before the call."""

    def called(*arguments: object, **named: object) -> object:
        calls.append((kernel, copy.deepcopy(arguments), copy.deepcopy(named)))
        return kernel(*arguments, **named)

    return called


def kernel_calls(index: int) -> list[Call]:
    """Calls of kernels that one scene makes; those that a kernel makes itself are left out."""
    calls: list[Call] = []
    with ExitStack() as stack:
        for name in KERNELS:
            kernel = getattr(synthesis, name)
            stack.enter_context(patch.object(synthesis, name, recorder(kernel, calls)))
        for kind, name in METHODS:
            stack.enter_context(patch.object(kind, name, recorder(getattr(kind, name), calls)))
        random_scene(99, index, SETTINGS)
    return calls


def over_kernels() -> float:
    """Time scenes over their kernels alone; the two take turns."""
    simulate_share((98, 40))
    whole = alone = 0.0
    for index in range(PAIRED):
        calls = kernel_calls(index)
        start = time.perf_counter()
        random_scene(99, index, SETTINGS)
        middle = time.perf_counter()
        for kernel, arguments, named in calls:
            kernel(*arguments, **named)
        whole, alone = whole + middle - start, alone + time.perf_counter() - middle
    return whole / alone


def peak_memory(count: int) -> float:
    """Peak resident memory (MiB) of this process after so many scenes."""
    simulate_share((97, count))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory() -> list[float]:
    """Peak memory (MiB) of one process after few and after many scenes."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return list(pool.map(peak_memory, (FEW, MANY)))


def process_counts() -> list[int]:
    """1, 2, 4, ... up to the cores that this process may use, 16 at most."""
    cores = len(os.sched_getaffinity(0))
    return [count for count in (1, 2, 4, 8, 16) if count <= cores]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    arguments = parser.parse_args()
    figures = {f"scenes_per_second_{n}": round(per_second(n), 1) for n in process_counts()}
    few, many = memory()
    figures |= {
        "scene_over_kernels": round(over_kernels(), 2),
        f"peak_mebibytes_{FEW}_scenes": round(few),
        f"peak_mebibytes_{MANY}_scenes": round(many),
    }
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:28} {value:10.2f}")


if __name__ == "__main__":
    main()
