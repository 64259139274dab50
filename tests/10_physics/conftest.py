"""Reference values for the physics: one test case for each case in the golden files."""

import json
from pathlib import Path

import pytest

GOLDEN = Path(__file__).resolve().parents[3] / "shared" / "golden"

# Argument of a test -> file and list of cases in it.
TABLES = {
    "cdm_case": ("cdm", "cases"),
    "breach_case": ("cdm_breach", "cases"),
    "mogi_case": ("mogi", "cases"),
    "pcdm_case": ("pcdm", "cases"),
    "okada_case": ("okada_rect", "cases"),
    "okada_identity": ("limits", "cdm_equals_okada"),
    "spike_case": ("limits", "spikes"),
    "los_case": ("los", "table"),
}


def cases(file, table):
    path = GOLDEN / f"{file}.json"
    if not path.is_file():
        return [pytest.param(None, marks=pytest.mark.skip(f"reference value is not there: {path}"))]
    content = json.loads(path.read_text(encoding="utf-8"))
    rows = content["spikes_CDM_m_on_grids"]["rows"] if table == "spikes" else content[table]
    return [
        pytest.param(row, id=str(row.get("id") or row.get("name") or row.get("case") or number))
        for number, row in enumerate(rows)
    ]


def pytest_generate_tests(metafunc):
    for argument in TABLES.keys() & set(metafunc.fixturenames):
        metafunc.parametrize(argument, cases(*TABLES[argument]))


@pytest.fixture(scope="session")
def golden(shared):
    """Function that reads one golden file."""
    return lambda name: json.loads((shared / "golden" / f"{name}.json").read_text("utf-8"))
