"""Dyke: one steep rectangle that opens: what two orbits see of it in a year.

python docs/gallery/source_dyke.py FOLDER
"""

import sys
from pathlib import Path

from plates import source_plate

from bradyseism import Okada

TITLE = "Dyke: one steep rectangle that opens"
SOURCE = Okada(0.0, 0.0, 3e3, length=6e3, width=3e3, strike=20.0, dip=80.0, opening=0.1)

if __name__ == "__main__":
    source_plate(Path(sys.argv[1]) / "source_dyke.png", TITLE, SOURCE)
