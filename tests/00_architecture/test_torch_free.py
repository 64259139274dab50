"""Everything but models and training works where nothing of the extra `train` is installed."""

import json
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "bradyseism"
FREE = ("physics", "maps", "scenes", "samples", "detection", "evaluation", "review")
ADAPTATION = ("bradyseism.workflows.adapt", "bradyseism.workflows.adapt_maps")
BLOCKED = (
    *("torch", "torchvision", "timm", "lightning", "safetensors"),
    *("pyarrow", "tensorboardX"),
)

# Runs in a fresh interpreter in which the extra cannot be found, even where it is installed.
PROLOGUE = f"""
import importlib, importlib.abc, json, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {BLOCKED!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}} (blocked)", name=name)

sys.meta_path.insert(0, Blocked())
"""


def run(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", PROLOGUE + code, *arguments],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def modules(floor):
    names = []
    for path in sorted((SOURCE / floor).rglob("*.py")):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


IMPORT_ALL = """
failed = {}
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        failed[name] = str(error)
print(json.dumps(failed))
"""


def test_floors_and_adaptation_import_without_torch():
    free = {floor: modules(floor) for floor in FREE}
    assert all(free.values()), free
    names = [name for floor in free.values() for name in floor] + list(ADAPTATION)
    answer = run(IMPORT_ALL, "torch", "timm", *names)
    assert answer.returncode == 0, answer.stderr
    # These two show that the block blocks.
    assert set(json.loads(answer.stdout)) == {"torch", "timm"}


def test_command_line_works_without_torch():
    code = "from bradyseism.cli import main; sys.argv = ['bradyseism', '--help']; main()"
    answer = run(code)
    assert answer.returncode == 0, answer.stderr
    assert "detect" in answer.stdout


def test_training_without_torch_says_what_to_install(tmp_path):
    code = "from bradyseism.cli import main; main()"
    answer = run(code, "train", "shipped", "-o", str(tmp_path / "run"))
    assert answer.returncode == 2
    assert "bradyseism[train]" in answer.stderr
    assert "Traceback" not in answer.stderr
