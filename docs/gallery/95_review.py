"""The report of the demonstration, one page that holds its own pictures, and the README's picture.

python docs/gallery/95_review.py FOLDER
"""

import sys
from pathlib import Path

from bradyseism import Detector, detect
from bradyseism.review.overview import velocity_overview
from bradyseism.review.report import write_report
from bradyseism.scenes.demo import demo


def write(folder: Path) -> None:
    """Write `95_review.html` and `demo.png`."""
    made, detector = demo(seed=1), Detector.load()
    result = detect(made.map, detector, made.catalogue)
    write_report(
        folder / "95_review.html",
        [result],
        model=detector.name,
        model_sha256=detector.sha256,
        prior=detector.calibration.prior,
    )
    figure = velocity_overview(
        made.map.velocity, made.map.grid, result.detections, result.volcanoes
    )
    figure.savefig(folder / "demo.png", dpi=100)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
