"""How fast scenes are simulated, beside the peers, in one run on one core.

    python benchmarks/simulation.py [--json]

Prints how many times faster one CDM scene of 256 x 256 pixels is than vmod-geodesy, and how many
times faster one turbulent field of the same size is than GSTools. Ours and theirs take turns, so
that other load on the machine falls on both; the medians are compared. Last, whole training scenes
of that size a second on two processes, of which `benchmarks/scenes.py` tells more.
"""

# ruff: noqa: E402  (numpy and numba count threads when they are imported: the limit comes first)

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import gstools
import numpy as np
from scenes import per_second
from vmod.source.cdm import Cdm

from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.physics.sources import CDM

SIZE, PIXEL_SIZE, LENGTH = 256, 200.0, 5000.0


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ratio(ours: Callable[[], object], peer: Callable[[], object], repetitions: int) -> float:
    """Return how many times faster ours is: the medians of runs that took turns."""
    ours(), peer()  # compile, plan and fill caches
    pairs = [(seconds(ours), seconds(peer)) for _ in range(repetitions)]
    mine, theirs = zip(*pairs, strict=True)
    return statistics.median(theirs) / statistics.median(mine)


def cdm_over_vmod() -> float:
    """Compare one CDM scene: three rectangles, three rotations, three components."""
    axis = (np.arange(SIZE) - (SIZE - 1) / 2) * PIXEL_SIZE
    easting, northing = np.meshgrid(axis, axis)
    place, axes = (-1200.0, 800.0, 4200.0), (600.0, 1100.0, 350.0)
    rotations, opening = (20.0, -35.0, 70.0), 0.8
    source = CDM(*place, semi_axes=axes, opening=opening, rotations=rotations)
    points, peer = (easting.ravel(), northing.ravel()), Cdm.__new__(Cdm)
    return ratio(
        lambda: source.displacement(easting, northing),
        lambda: peer.model(*points, *place, *rotations, *axes, opening),
        repetitions=15,
    )


def turbulence_over_gstools() -> float:
    """Compare one turbulent field of exponential covariance with GSTools' randomization method."""
    axis = np.arange(SIZE) * PIXEL_SIZE
    law = ExponentialModel(1.0, LENGTH)
    model = gstools.Exponential(dim=2, var=1.0, len_scale=LENGTH)
    peer, rng = gstools.SRF(model), np.random.default_rng(1)
    return ratio(
        lambda: turbulent_field(law, (SIZE, SIZE), PIXEL_SIZE, rng),
        lambda: peer.structured([axis, axis], seed=1),
        repetitions=5,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    arguments = parser.parse_args()
    figures = {
        "cdm_over_vmod": round(cdm_over_vmod(), 2),
        "turbulence_over_gstools": round(turbulence_over_gstools(), 1),
        "scenes_per_second": round(per_second(2), 1),
    }
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:24} {value:10.2f}")


if __name__ == "__main__":
    main()
