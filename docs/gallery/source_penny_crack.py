"""Fialko: a penny-shaped crack: what two orbits see of it in a year.

python docs/gallery/source_penny_crack.py FOLDER
"""

import sys
from pathlib import Path

from plates import source_plate

from bradyseism import PennyCrack

TITLE = "Fialko: a penny-shaped crack"
SOURCE = PennyCrack(0.0, 0.0, 3e3, radius=3e3, pressure_ratio=2e-5)

if __name__ == "__main__":
    source_plate(Path(sys.argv[1]) / "source_penny_crack.png", TITLE, SOURCE)
