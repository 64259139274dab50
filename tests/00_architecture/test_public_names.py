"""What `import bradyseism` offers is there, with and without torch."""

import importlib.util
from pathlib import Path

import pytest


def test_every_public_name_is_there():
    import bradyseism

    plain = set(bradyseism.__all__)
    if importlib.util.find_spec("torch") is None:
        plain.remove("SceneDataset")
        with pytest.raises(ModuleNotFoundError, match="torch"):
            _ = bradyseism.SceneDataset
    assert all(getattr(bradyseism, name) is not None for name in plain)
    assert Path(bradyseism.__file__).with_name("py.typed").is_file()
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = bradyseism.nothing
