"""Unwrapping jump: a region that is off by a cycle; ground, view and truth mask.

python docs/gallery/nuisance_unwrapping_jump.py FOLDER
"""

import sys
from pathlib import Path

from plates import nuisance_plate

from bradyseism.scenes.nuisances import UnwrappingJump

TITLE = "Unwrapping jump: a region that is off by a cycle"
NUISANCE = UnwrappingJump()

if __name__ == "__main__":
    nuisance_plate(Path(sys.argv[1]) / "nuisance_unwrapping_jump.png", TITLE, NUISANCE)
