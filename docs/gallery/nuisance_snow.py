"""Snow: high ground that is lost under snow; ground, view and truth mask.

python docs/gallery/nuisance_snow.py FOLDER
"""

import sys
from pathlib import Path

from plates import nuisance_plate

from bradyseism.scenes.nuisances import Snow

TITLE = "Snow: high ground that is lost under snow"
NUISANCE = Snow()

if __name__ == "__main__":
    nuisance_plate(Path(sys.argv[1]) / "nuisance_snow.png", TITLE, NUISANCE)
