"""The gallery: a script for each source that there is, and pictures that are drawn."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from bradyseism.physics.half_space import BuriedSource, Sources
from bradyseism.scenes.nuisances import NUISANCES

GALLERY = Path(__file__).resolve().parents[2] / "docs" / "gallery"
SCRIPTS = sorted(path.stem for path in GALLERY.glob("source_*.py"))


@pytest.fixture
def script(monkeypatch):
    """Function that imports a script as python runs it: with its own folder in the path."""
    monkeypatch.syspath_prepend(GALLERY)
    return importlib.import_module


def coloured(path: Path) -> float:
    """Share of the pixels of a picture that are not grey."""
    red, _, blue = np.moveaxis(imread(path)[..., :3], -1, 0)
    return float(np.mean(np.abs(red - blue) > 0.1))


def test_every_source_has_a_script_and_a_place_on_the_sheet(script) -> None:
    shown = {type(script(name).SOURCE) for name in SCRIPTS}
    assert shown == {*BuriedSource.__subclasses__(), Sources}
    assert sorted(script("sources").SCRIPTS) == SCRIPTS
    titles = [script(name).TITLE for name in SCRIPTS]
    assert len(set(titles)) == len(titles)


def test_a_source_is_drawn(script, tmp_path) -> None:
    module = script("source_mogi")
    script("plates").source_plate(tmp_path / "mogi.png", module.TITLE, module.SOURCE)
    assert coloured(tmp_path / "mogi.png") > 0.03


def test_every_nuisance_has_a_script_and_a_place_on_the_sheet(script) -> None:
    found = sorted(path.stem for path in GALLERY.glob("nuisance_*.py"))
    sheet = script("nuisances")
    assert sorted(sheet.SCRIPTS) == found
    for name, nuisance in zip(sheet.SCRIPTS, NUISANCES.values(), strict=True):
        assert nuisance == script(name).NUISANCE


def test_a_nuisance_is_drawn_under_its_title(script, tmp_path, monkeypatch) -> None:
    module, titles, save = script("nuisance_ramp"), [], Figure.savefig

    def saved(figure: Figure, path: Path) -> None:
        titles.append(figure.get_suptitle())
        save(figure, path)

    monkeypatch.setattr(Figure, "savefig", saved)
    script("plates").nuisance_plate(tmp_path / "ramp.png", module.TITLE, module.NUISANCE)
    assert titles == [module.TITLE]
    assert coloured(tmp_path / "ramp.png") > 0.1
