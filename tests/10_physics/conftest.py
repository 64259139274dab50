"""Reference values for the physics: one test case for each case in the golden files."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

GOLDEN = Path(__file__).resolve().parents[3] / "shared" / "golden"

# Argument of a test -> file and list of cases in it.
TABLES = {
    "cdm_case": ("cdm", "cases"),
    "breach_case": ("cdm_breach", "cases"),
    "mogi_case": ("mogi", "cases"),
    "pcdm_case": ("pcdm", "cases"),
    "okada_case": ("okada_rect", "cases"),
    "mctigue_case": ("mctigue", "cases"),
    "okada_table": ("okada1985_table2", "rows"),
    "pipe_case": ("pipe", "cases"),
    "pecm_case": ("pecm", "cases"),
    "yang_case": ("yang", "cases"),
    "penny_case": ("penny", "cases"),
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


@pytest.fixture(scope="session")
def agrees():
    """Function that holds a source to the displacement of one golden case."""

    def check(source, case, expected="expected"):
        points = np.array(case["x"], dtype=float), np.array(case["y"], dtype=float)
        values = np.array([case[expected][name] for name in ("ue", "un", "uv")])
        tolerance = case["suggested_tolerance_abs"]
        assert_allclose(source.displacement(*points), values, rtol=0, atol=tolerance)

    return check
