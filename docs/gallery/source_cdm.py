"""CDM: three rectangles, turned: what two orbits see of it in a year.

python docs/gallery/source_cdm.py FOLDER
"""

import sys
from pathlib import Path

from plates import source_plate

from bradyseism import CDM

TITLE = "CDM: three rectangles, turned"
SOURCE = CDM(
    0.0, 0.0, 4e3, semi_axes=(400.0, 1.5e3, 900.0), opening=0.3, rotations=(20.0, -15.0, 50.0)
)

if __name__ == "__main__":
    source_plate(Path(sys.argv[1]) / "source_cdm.png", TITLE, SOURCE)
