"""Sill: one gently dipping rectangle: what two orbits see of it in a year.

python docs/gallery/source_sill.py FOLDER
"""

import sys
from pathlib import Path

from plates import source_plate

from bradyseism import CDM

TITLE = "Sill: one gently dipping rectangle"
SOURCE = CDM.sill(0.0, 0.0, 4e3, length=6e3, width=3e3, opening=0.08, strike=30.0, dip=20.0)

if __name__ == "__main__":
    source_plate(Path(sys.argv[1]) / "source_sill.png", TITLE, SOURCE)
