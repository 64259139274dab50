"""Patchy turbulence: turbulent delay that is stronger in places; ground, view and truth mask.

python docs/gallery/nuisance_patchy_turbulence.py FOLDER
"""

import sys
from pathlib import Path

from plates import nuisance_plate

from bradyseism.scenes.nuisances import PatchyTurbulence

TITLE = "Patchy turbulence: turbulent delay that is stronger in places"
NUISANCE = PatchyTurbulence()

if __name__ == "__main__":
    nuisance_plate(Path(sys.argv[1]) / "nuisance_patchy_turbulence.png", TITLE, NUISANCE)
