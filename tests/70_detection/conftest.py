"""What tests of the detection share."""

import pytest

from bradyseism.scenes.demo import Demo, demo


@pytest.fixture(scope="session")
def made() -> Demo:
    """The demonstration: a map with two hidden volcanoes."""
    return demo(1)
