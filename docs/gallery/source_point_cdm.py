"""Point CDM: three point dislocations: what two orbits see of it in a year.

python docs/gallery/source_point_cdm.py FOLDER
"""

import sys
from pathlib import Path

from plates import source_plate

from bradyseism import PointCDM

TITLE = "Point CDM: three point dislocations"
SOURCE = PointCDM(0.0, 0.0, 4e3, potencies=(2e6, 2e5, 5e5), rotations=(0.0, 20.0, 120.0))

if __name__ == "__main__":
    source_plate(Path(sys.argv[1]) / "source_point_cdm.png", TITLE, SOURCE)
