"""Stratified residual: delay left in proportion to height; ground, view and truth mask.

python docs/gallery/nuisance_stratified_residual.py FOLDER
"""

import sys
from pathlib import Path

from plates import nuisance_plate

from bradyseism.scenes.nuisances import StratifiedResidual

TITLE = "Stratified residual: delay left in proportion to height"
NUISANCE = StratifiedResidual()

if __name__ == "__main__":
    nuisance_plate(Path(sys.argv[1]) / "nuisance_stratified_residual.png", TITLE, NUISANCE)
