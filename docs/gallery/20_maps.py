"""A map in degrees is written, read back without options, and brought to a metric grid.

python docs/gallery/20_maps.py FOLDER
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from affine import Affine
from matplotlib.figure import Figure
from pyproj import CRS

from bradyseism import Grid, Mogi, VelocityMap, look_vector, open_map, project, write_map


def draw(folder: Path) -> None:
    """Draw the map as it was written (degrees) beside the metric one (km)."""
    grid = Grid((160, 200), Affine(0.002, 0, 14.0, 0, -0.002, 41.0), CRS.from_epsg(4326))
    look = look_vector(heading=-12.0, incidence=39.0)
    # A degree is taken as 100 km: near enough for a picture.
    metres = 1e5 * np.arange(-100, 100) * 0.002 * np.cos(np.radians(41.0)), 1e5 * 0.16
    easting, northing = np.meshgrid(metres[0], np.linspace(metres[1], -metres[1], 160))
    los = project(Mogi(0.0, 0.0, 4e3, volume_change=1e6).displacement(easting, northing), look)
    made = VelocityMap(los.astype(np.float32), grid, years=4.0, look=look.astype(np.float32))
    with tempfile.TemporaryDirectory() as place:
        write_map(Path(place) / "made.tif", made)
        read = open_map(Path(place) / "made.tif")
    metric = read.resampled(read.grid.local(200.0))
    figure = Figure(figsize=(9, 4), layout="constrained")
    for panel, one in zip(figure.subplots(1, 2), (read, metric), strict=True):
        rows, columns = one.grid.shape
        image = panel.imshow(1e3 * one.velocity, cmap="RdBu_r", vmin=-15, vmax=15)
        panel.set_title(f"{rows} x {columns} pixels, {one.grid.pixel_size:.0f} m")
    figure.colorbar(image, ax=figure.axes, label="mm/yr, positive toward the satellite")
    figure.savefig(folder / "20_maps.png", dpi=120)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
