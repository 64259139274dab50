"""Water: the lowest ground, which is no ground; ground, view and truth mask.

python docs/gallery/nuisance_water.py FOLDER
"""

import sys
from pathlib import Path

from plates import nuisance_plate

from bradyseism.scenes.nuisances import Water

TITLE = "Water: the lowest ground, which is no ground"
NUISANCE = Water()

if __name__ == "__main__":
    nuisance_plate(Path(sys.argv[1]) / "nuisance_water.png", TITLE, NUISANCE)
