"""Yang: an inclined prolate spheroid: what two orbits see of it in a year.

python docs/gallery/source_yang.py FOLDER
"""

import sys
from pathlib import Path

from plates import source_plate

from bradyseism import Yang

TITLE = "Yang: an inclined prolate spheroid"
SOURCE = Yang(
    0.0, 0.0, 5e3, semi_major=3e3, semi_minor=1e3, pressure_ratio=2e-4, plunge=40.0, trend=60.0
)

if __name__ == "__main__":
    source_plate(Path(sys.argv[1]) / "source_yang.png", TITLE, SOURCE)
