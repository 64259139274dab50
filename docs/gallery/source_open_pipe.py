"""Open pipe: only the wall moves: what two orbits see of it in a year.

python docs/gallery/source_open_pipe.py FOLDER
"""

import sys
from pathlib import Path

from plates import source_plate

from bradyseism import Pipe

TITLE = "Open pipe: only the wall moves"
SOURCE = Pipe(0.0, 0.0, 4e3, length=5e3, radius=150.0, pressure_ratio=6e-3, opened=True)

if __name__ == "__main__":
    source_plate(Path(sys.argv[1]) / "source_open_pipe.png", TITLE, SOURCE)
