"""Fault step: strain across a fault, locked or creeping; ground, view and truth mask.

python docs/gallery/nuisance_fault_step.py FOLDER
"""

import sys
from pathlib import Path

from plates import nuisance_plate

from bradyseism.scenes.nuisances import FaultStep

TITLE = "Fault step: strain across a fault, locked or creeping"
NUISANCE = FaultStep()

if __name__ == "__main__":
    nuisance_plate(Path(sys.argv[1]) / "nuisance_fault_step.png", TITLE, NUISANCE)
