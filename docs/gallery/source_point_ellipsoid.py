"""Point ellipsoid: three unequal axes: what two orbits see of it in a year.

python docs/gallery/source_point_ellipsoid.py FOLDER
"""

import sys
from pathlib import Path

from plates import source_plate

from bradyseism import PointEllipsoid

TITLE = "Point ellipsoid: three unequal axes"
SOURCE = PointEllipsoid(
    0.0, 0.0, 5e3, semi_axes=(600.0, 2e3, 1e3), pressure_ratio=5e-4, rotations=(25.0, 0.0, 40.0)
)

if __name__ == "__main__":
    source_plate(Path(sys.argv[1]) / "source_point_ellipsoid.png", TITLE, SOURCE)
