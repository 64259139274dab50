"""Local motion: a few landslides, dumps and dams; ground, view and truth mask.

python docs/gallery/nuisance_local_motion.py FOLDER
"""

import sys
from pathlib import Path

from plates import nuisance_plate

from bradyseism.scenes.nuisances import LocalMotion

TITLE = "Local motion: a few landslides, dumps and dams"
NUISANCE = LocalMotion()

if __name__ == "__main__":
    nuisance_plate(Path(sys.argv[1]) / "nuisance_local_motion.png", TITLE, NUISANCE)
