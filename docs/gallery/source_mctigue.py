"""McTigue: a finite sphere: what two orbits see of it in a year.

python docs/gallery/source_mctigue.py FOLDER
"""

import sys
from pathlib import Path

from plates import source_plate

from bradyseism import McTigue

TITLE = "McTigue: a finite sphere"
SOURCE = McTigue(0.0, 0.0, 3e3, radius=1.2e3, pressure_ratio=1.5e-4)

if __name__ == "__main__":
    source_plate(Path(sys.argv[1]) / "source_mctigue.png", TITLE, SOURCE)
