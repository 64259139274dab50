"""Rock glacier: lobes that follow the steepest descent; ground, view and truth mask.

python docs/gallery/nuisance_rock_glacier.py FOLDER
"""

import sys
from pathlib import Path

from plates import nuisance_plate

from bradyseism.scenes.nuisances import RockGlacier

TITLE = "Rock glacier: lobes that follow the steepest descent"
NUISANCE = RockGlacier()

if __name__ == "__main__":
    nuisance_plate(Path(sys.argv[1]) / "nuisance_rock_glacier.png", TITLE, NUISANCE)
