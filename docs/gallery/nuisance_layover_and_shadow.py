"""Layover and shadow: ground that the look cannot tell apart or see; ground, view and truth mask.

python docs/gallery/nuisance_layover_and_shadow.py FOLDER
"""

import sys
from pathlib import Path

from plates import nuisance_plate

from bradyseism.scenes.nuisances import LayoverShadow

TITLE = "Layover and shadow: ground that the look cannot tell apart or see"
NUISANCE = LayoverShadow()

if __name__ == "__main__":
    nuisance_plate(Path(sys.argv[1]) / "nuisance_layover_and_shadow.png", TITLE, NUISANCE)
