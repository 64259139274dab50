"""Vegetation: decorrelated ground, frayed; ground, view and truth mask.

python docs/gallery/nuisance_vegetation.py FOLDER
"""

import sys
from pathlib import Path

from plates import nuisance_plate

from bradyseism.scenes.nuisances import Vegetation

TITLE = "Vegetation: decorrelated ground, frayed"
NUISANCE = Vegetation()

if __name__ == "__main__":
    nuisance_plate(Path(sys.argv[1]) / "nuisance_vegetation.png", TITLE, NUISANCE)
