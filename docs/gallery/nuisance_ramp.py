"""Ramp: a trend across the whole map; ground, view and truth mask.

python docs/gallery/nuisance_ramp.py FOLDER
"""

import sys
from pathlib import Path

from plates import nuisance_plate

from bradyseism.scenes.nuisances import Ramp

TITLE = "Ramp: a trend across the whole map"
NUISANCE = Ramp()

if __name__ == "__main__":
    nuisance_plate(Path(sys.argv[1]) / "nuisance_ramp.png", TITLE, NUISANCE)
