"""Sum: a sill that feeds a sinking chamber: what two orbits see of it in a year.

python docs/gallery/source_sum.py FOLDER
"""

import sys
from pathlib import Path

from plates import source_plate

from bradyseism import CDM, Mogi

TITLE = "Sum: a sill that feeds a sinking chamber"
SOURCE = CDM.sill(-3e3, 2e3, 3e3, length=3e3, width=3e3, opening=0.08) + Mogi(
    5e3, -3e3, 4e3, volume_change=-1.2e6
)

if __name__ == "__main__":
    source_plate(Path(sys.argv[1]) / "source_sum.png", TITLE, SOURCE)
