"""Mogi: a point of pressure: what two orbits see of it in a year.

python docs/gallery/source_mogi.py FOLDER
"""

import sys
from pathlib import Path

from plates import source_plate

from bradyseism import Mogi

TITLE = "Mogi: a point of pressure"
SOURCE = Mogi(0.0, 0.0, 5e3, volume_change=1.5e6)

if __name__ == "__main__":
    source_plate(Path(sys.argv[1]) / "source_mogi.png", TITLE, SOURCE)
