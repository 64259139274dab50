"""Aquifer subsidence: a plain that sinks around pumped wells; ground, view and truth mask.

python docs/gallery/nuisance_aquifer_subsidence.py FOLDER
"""

import sys
from pathlib import Path

from plates import nuisance_plate

from bradyseism.scenes.nuisances import AquiferSubsidence

TITLE = "Aquifer subsidence: a plain that sinks around pumped wells"
NUISANCE = AquiferSubsidence()

if __name__ == "__main__":
    nuisance_plate(Path(sys.argv[1]) / "nuisance_aquifer_subsidence.png", TITLE, NUISANCE)
