"""How fast and how large `detect` is on a frame of 512 x 512 pixels of 200 m, and on a region.

    python benchmarks/detection.py --json

prints these numbers:

frame_seconds
    `detect` on a frame without a source, median of several runs after a first one, in one process.
place_seconds
    How much longer it takes with one that is flagged: second look, source and reasons.
startup_seconds
    A fresh process that imports, loads the shipped detector and looks at a map of 64 x 64 pixels,
    from its start to its end; median of five.
peak_mb
    Largest resident memory of a fresh process of `bradyseism detect FRAME -o OUT`, report included,
    in units of 10^6 bytes.
region_seconds, region_mb
    `detect` on 250 x 300 km (1250 x 1500 pixels) without a source, median of three runs after a
    first one, and the largest resident memory of that process.

Every number comes from a process of its own: the one that measures imports nothing heavy, because a
child's peak memory counts from that of its parent.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STARTS, RUNS = 5, 5
# ru_maxrss is in kB on Linux.
RESIDENT_UNIT = (1 if sys.platform == "darwin" else 1024) / 1e6

FRAME = """
import sys
import numpy as np
from affine import Affine
from pyproj import CRS
from bradyseism.maps.velocity_map import Grid, VelocityMap
from bradyseism.physics.atmosphere import turbulent_field
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.physics.line_of_sight import look_vector, project
from bradyseism.physics.sources import Mogi

def frame(rows, columns, peak):
    crs = CRS.from_dict({"proj": "aeqd", "lon_0": -67.18, "lat_0": -22.27, "datum": "WGS84"})
    grid = Grid((rows, columns), Affine(200, 0, -100 * columns, 0, -200, 100 * rows), crs)
    rng = np.random.default_rng(1)
    noise = turbulent_field(ExponentialModel(0.002**2, 8e3), grid.shape, 200.0, rng)
    look = look_vector(-168.0, 39.0)
    easting, northing = np.meshgrid(*grid.eastings_northings())
    los = project(Mogi(10e3, -5e3, 6e3, volume_change=1e6).displacement(easting, northing), look)
    velocity = (noise + peak * los / los.max()).astype(np.float32)
    return VelocityMap(velocity, grid, 5.0, look.astype(np.float32), "frame")
"""
WRITE = (
    FRAME
    + """
from bradyseism.maps.writers.map_files import write_map
write_map(sys.argv[1], frame(512, 512, 0.02))
"""
)
TIME = (
    FRAME
    + """
import time
from bradyseism.detection.detect import detect
from bradyseism.detection.runtime import Detector
detector, frames = Detector.load(), (frame(512, 512, 0.0), frame(512, 512, 0.02))
for _ in range(int(sys.argv[1]) + 1):
    for count, one in enumerate(frames):
        start = time.perf_counter()
        found = detect(one, detector)
        print(time.perf_counter() - start)
        assert len(found.detections) == count
"""
)
REGION = (
    FRAME
    + """
import resource
import time
from bradyseism.detection.detect import detect
from bradyseism.detection.runtime import Detector
detector, region = Detector.load(), frame(1250, 1500, 0.0)
for _ in range(4):
    start = time.perf_counter()
    detect(region, detector)
    print(time.perf_counter() - start)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
)
START = """
import numpy as np
from affine import Affine
from pyproj import CRS
import bradyseism
from bradyseism.detection.detect import detect
from bradyseism.detection.runtime import Detector
from bradyseism.maps.velocity_map import Grid, VelocityMap
rng = np.random.default_rng(1)
grid = Grid((64, 64), Affine(200, 0, 5e5, 0, -200, 5e6), CRS.from_epsg(32633))
velocity = 1e-3 * rng.standard_normal(grid.shape).astype(np.float32)
detect(VelocityMap(velocity, grid, 5.0), Detector.load())
"""


def python(code: str, *arguments: str) -> str:
    """Standard output of a fresh interpreter that runs `code`."""
    command = [sys.executable, "-c", code, *arguments]
    # Where bytecode may not be written, every start would be a first one.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=environment
    ).stdout


def startup_seconds() -> float:
    """Median wall time of fresh processes from start to first answer."""
    python(START)  # files into the cache, kernels compiled
    seconds = []
    for _ in range(STARTS):
        start = time.perf_counter()
        python(START)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def frame_and_place_seconds() -> tuple[float, float]:
    """Median times, after a first call, of `detect` on quiet ground and for a flagged place."""
    seconds = [float(line) for line in python(TIME, str(RUNS)).split()]
    quiet, flagged = (statistics.median(seconds[first::2]) for first in (2, 3))
    return quiet, flagged - quiet


def peak_mb(folder: Path) -> float:
    """Peak resident memory of the command on a frame that lies on disk."""
    path = folder / "frame.tif"
    python(WRITE, str(path))
    command = [sys.executable, "-m", "bradyseism", "detect", str(path), "-o", str(folder / "out")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} ended with exit code {child.returncode}")
    return usage.ru_maxrss * RESIDENT_UNIT


def region_seconds_and_mb() -> tuple[float, float]:
    """Median time, after a first call, and peak resident memory on a region without a source."""
    _, *seconds, resident = (float(line) for line in python(REGION).split())
    return statistics.median(seconds), resident * RESIDENT_UNIT


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one line for machines")
    as_json = parser.parse_args().json
    with tempfile.TemporaryDirectory() as folder:
        peak = peak_mb(Path(folder))
    frame, place = frame_and_place_seconds()
    region, region_mb = region_seconds_and_mb()
    numbers = {
        "frame_seconds": round(frame, 4),
        "place_seconds": round(place, 4),
        "startup_seconds": round(startup_seconds(), 3),
        "peak_mb": round(peak, 1),
        "region_seconds": round(region, 3),
        "region_mb": round(region_mb, 1),
    }
    if as_json:
        print(json.dumps(numbers))
        return
    print(f"{os.cpu_count()} processors")
    for name, value in numbers.items():
        print(f"{name:<16} {value:g}")


if __name__ == "__main__":
    main()
