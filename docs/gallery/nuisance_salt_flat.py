"""Salt flat: brine that swells and sinks within a sharp shore; ground, view and truth mask.

python docs/gallery/nuisance_salt_flat.py FOLDER
"""

import sys
from pathlib import Path

from plates import nuisance_plate

from bradyseism.scenes.nuisances import SaltFlat

TITLE = "Salt flat: brine that swells and sinks within a sharp shore"
NUISANCE = SaltFlat()

if __name__ == "__main__":
    nuisance_plate(Path(sys.argv[1]) / "nuisance_salt_flat.png", TITLE, NUISANCE)
