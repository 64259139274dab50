"""What all tests share."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from bradyseism.detection.runtime import Detector

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared"

# Models and training are torch: without it their tests cannot even be collected.
collect_ignore_glob = [] if find_spec("torch") else ["50_*", "60_*"]


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of reference values and real maps beside the repository; it is never part of it."""
    if not SHARED.is_dir():
        pytest.skip(f"reference material is not there: {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def detector() -> Detector:
    """What the package ships; tests that change a card load their own."""
    return Detector.load()
