"""Fault: one rectangle that slips: what two orbits see of it in a year.

python docs/gallery/source_fault.py FOLDER
"""

import sys
from pathlib import Path

from plates import source_plate

from bradyseism import Okada

TITLE = "Fault: one rectangle that slips"
SOURCE = Okada(0.0, 0.0, 3e3, length=8e3, width=4e3, strike=20.0, dip=60.0, dip_slip=-0.05)

if __name__ == "__main__":
    source_plate(Path(sys.argv[1]) / "source_fault.png", TITLE, SOURCE)
