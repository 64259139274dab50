"""A model card as a page for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

# Tables of the card that are for machines.
_TABLES = ("false_alarm", "detectable", "certainty_settings")


def card_markdown(card: Mapping[str, Any]) -> str:
    """Card as a page for people: one row a fact, the training history as a table."""
    lines = [f"# {card['name']}", "", f"This model {card['purpose']}.", ""]
    lines += ["| fact | value |", "|---|---|"]
    history = card.get("history") or []
    for key, value in card.items():
        if key not in (*_TABLES, "name", "purpose", "history", "limits", "settings"):
            lines.append(f"| {key.replace('_', ' ')} | {_plain(value)} |")
    lines += ["", "## Limits", "", *(f"- {limit}" for limit in card.get("limits", []))]
    if history and isinstance(history[0], Mapping):
        lines += ["", "## Training", "", f"| {' | '.join(history[0])} |"]
        lines.append("|" + "---|" * len(history[0]))
        lines += [f"| {' | '.join(_plain(v) for v in row.values())} |" for row in history]
    settings = json.dumps(card.get("settings", {}), indent=2)
    return "\n".join([*lines, "", "## Settings", "", "```json", settings, "```", ""])


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
