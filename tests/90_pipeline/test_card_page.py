"""The page of a model card says what people read, and leaves out what is for machines."""

from bradyseism.workflows.card_page import card_markdown

CARD = {
    "name": "mine",
    "purpose": "flags windows",
    "calibration": {"scale": 0.97412, "prior": 0.05},
    "maps": [{"path": "quiet|loud\n.tif", "windows": 30}],
    "reliability": {"brier": [0.13163, 0.12742, 0.13625], "bins": [{"stated": 0.1}]},
    "held_out": {"change": {"auc": {"estimate": 0.01, "low": -0.002, "high": 0.022}}},
    "false_alarm": {"log_odds": [1, 2, 3]},
    "limits": ["none known"],
    "history": [{"epoch": 0, "loss": 1.5}],
    "settings": {"seed": 1},
}


def test_each_part_of_a_fact_is_a_row_and_estimates_have_their_interval():
    page = card_markdown(CARD).splitlines()
    assert "| calibration, scale | 0.9741 |" in page
    assert "| reliability, brier | 0.132 (95 % interval 0.127 to 0.136) |" in page
    assert "| held out, change, auc | 0.01 (95 % interval -0.002 to 0.022) |" in page
    assert "| 0 | 1.5 |" in page
    assert "- none known" in page


def test_tables_for_machines_are_left_out_and_no_path_breaks_a_row():
    page = card_markdown(CARD)
    assert "log_odds" not in page
    assert "stated" not in page
    assert "| maps | path quiet\\|loud .tif, windows 30 |" in page.splitlines()
