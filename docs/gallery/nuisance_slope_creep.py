"""Slope creep: patches of steep ground that move downhill; ground, view and truth mask.

python docs/gallery/nuisance_slope_creep.py FOLDER
"""

import sys
from pathlib import Path

from plates import nuisance_plate

from bradyseism.scenes.nuisances import SlopeCreep

TITLE = "Slope creep: patches of steep ground that move downhill"
NUISANCE = SlopeCreep()

if __name__ == "__main__":
    nuisance_plate(Path(sys.argv[1]) / "nuisance_slope_creep.png", TITLE, NUISANCE)
