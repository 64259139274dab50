"""How the models, sets and test sets of the paper's experiment are named and coloured."""

from __future__ import annotations

import math

# Okabe and Ito (2008): told apart with any colour vision.
MODEL_COLOURS = {
    "synthetic": "#5b6570",
    "FT1 last": "#0072b2",
    "FT1 -1last": "#e69f00",
    "FT1 last2": "#009e73",
    "FT1 -1&last1": "#cc79a7",
    "FT2 last": "#e69f00",
    "FT3 last": "#cc79a7",
    "FT4 last": "#d55e00",
}

CYCLE_WORDS = {
    "half": "wrapped at \N{GREEK SMALL LETTER LAMDA}/2 (2.77 cm)",
    "whole": "wrapped at \N{GREEK SMALL LETTER LAMDA} (5.55 cm)",
}

SET_WORDS = {
    "synthetic": "synthetic",
    "background": "background",
    "filtered": "background, low-pass",
    "hybrid": "background + volcano",
    "hybrid_filtered": "low-pass + volcano",
    "volcano": "noise + volcano",
    "noise": "noise",
    "frames": "test frames",
    "injection": "injection",
    "field": "real maps",
    "fine-tuning": "fine-tuning (FT1)",
    "test": "test frames",
}


def model_word(model: str) -> str:
    """Name of a model as the paper writes it.

    Examples
    --------
    >>> model_word("FT1 -1&last1"), model_word("synthetic"), model_word("resnet50")
    ('FT1 [-1&last1]', 'Synthetic', 'resnet50')
    """
    if model == "synthetic":
        return "Synthetic"
    if model not in MODEL_COLOURS:
        return model
    name, approach = model.split(" ", 1)
    return f"{name} [{approach}]"


def percent(value: float, digits: int = 1) -> str:
    """Share in percent, or a dash where it is not known.

    Examples
    --------
    >>> percent(0.31754), percent(float("nan")), percent(-1e-9)
    ('31.8', '–', '0.0')
    """
    return "\N{EN DASH}" if math.isnan(value) else f"{100 * value:z.{digits}f}"
