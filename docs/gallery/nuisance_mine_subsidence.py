"""Mine subsidence: troughs with steep sides over worked panels; ground, view and truth mask.

python docs/gallery/nuisance_mine_subsidence.py FOLDER
"""

import sys
from pathlib import Path

from plates import nuisance_plate

from bradyseism.scenes.nuisances import MineSubsidence

TITLE = "Mine subsidence: troughs with steep sides over worked panels"
NUISANCE = MineSubsidence()

if __name__ == "__main__":
    nuisance_plate(Path(sys.argv[1]) / "nuisance_mine_subsidence.png", TITLE, NUISANCE)
