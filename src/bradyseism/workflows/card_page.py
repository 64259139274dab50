"""A model card as a page for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

# Tables of the card that are for machines, and what has a section of its own on the page.
_LEFT_OUT = ("false_alarm", "detectable", "certainty_settings", "bins")
_SECTIONS = ("name", "purpose", "history", "limits", "settings")
_INTERVALS = ("expected_calibration_error", "brier")


def card_markdown(card: Mapping[str, Any]) -> str:
    """Card as a page for people: one row a fact, the training history as a table."""
    lines = [f"# {card['name']}", "", f"This model {card['purpose']}.", ""]
    lines += ["| fact | value |", "|---|---|"]
    history = card.get("history") or []
    for key, value in card.items():
        if key not in _SECTIONS:
            lines += [f"| {name} | {_cell(said)} |" for name, said in _rows(key, value)]
    lines += ["", "## Limits", "", *(f"- {limit}" for limit in card.get("limits", []))]
    if history and isinstance(history[0], Mapping):
        lines += ["", "## Training", "", f"| {' | '.join(history[0])} |"]
        lines.append("|" + "---|" * len(history[0]))
        lines += [f"| {' | '.join(_plain(v) for v in row.values())} |" for row in history]
    settings = json.dumps(card.get("settings", {}), indent=2)
    return "\n".join([*lines, "", "## Settings", "", "```json", settings, "```", ""])


def _rows(key: str, value: object) -> Iterator[tuple[str, str]]:
    """Names and values of a fact, each of its parts a row."""
    name = key.replace("_", " ")
    if key in _LEFT_OUT:
        return
    if interval := _interval(key, value):
        estimate, low, high = interval
        yield name, f"{estimate:.3g} (95 % interval {low:.3g} to {high:.3g})"
    elif isinstance(value, Mapping):
        for part, inner in value.items():
            yield from ((f"{name}, {of}", said) for of, said in _rows(part, inner))
    else:
        yield name, _plain(value)


def _interval(key: str, value: object) -> list[float]:
    """Estimate and both ends of a fact that has an interval; empty if it has none."""
    if isinstance(value, Mapping) and set(value) == {"estimate", "low", "high"}:
        return [value["estimate"], value["low"], value["high"]]
    return value if isinstance(value, list) and key in _INTERVALS else []


def _cell(said: str) -> str:
    """Text that breaks no table, whatever a path in it holds."""
    return " ".join(said.split()).replace("|", "\\|")


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
