"""The page of a run: claims, tables and figures in order, and how they came about."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bradyseism.workflows.paper_results import Run, SetResult


@dataclass
class Section:
    """A heading and what stands under it."""

    heading: str
    parts: list[str] = field(default_factory=list)


def report_text(
    run: Run,
    results: Sequence[SetResult],
    sections: Mapping[str, Section],
    skipped: Sequence[tuple[str, str]],
) -> str:
    """Compose ``report.md``.

    Parameters
    ----------
    run : Run
        Says how it was made.
    results : sequence of SetResult
        What was tested.
    sections : mapping of str to Section
        Parts in their order.
    skipped : sequence of (str, str)
        What could not be drawn, and why.
    """
    lines = ["# The paper's experiment", "", *_facts(run, results), ""]
    for heading, section in sections.items():
        if section.parts:
            lines += [f"## {heading}", "", *section.parts]
    if skipped:
        lines += ["## Not drawn", "", *(f"- {what}: {reason}." for what, reason in skipped), ""]
    settings = json.dumps(run.settings, indent=2, sort_keys=True, default=str)
    lines += ["## Settings", "", "```json", settings, "```", ""]
    return "\n".join(lines)


def _facts(run: Run, results: Sequence[SetResult]) -> list[str]:
    card = run.card
    facts: dict[str, object] = {
        "command": card.get("command"),
        "commit": card.get("commit"),
        "seed": run.settings.get("seed"),
        "started": card.get("started"),
        "hardware": _hardware(card.get("environment") or {}),
        "time of all stages": _duration(run.stages),
        "environment": _plain(card.get("environment")),
        "inputs": _plain(card.get("inputs")),
        "runs": _runs(results),
    }
    rows = [f"| {name} | {value} |" for name, value in facts.items() if value not in (None, "")]
    return ["| fact | value |", "|---|---|", *rows]


def _hardware(environment: Mapping[str, object]) -> str:
    parts = (
        f"{environment.get('cores')} cores",
        environment.get("machine"),
        environment.get("gpu"),
    )
    return ", ".join(str(part) for part in parts if part)


def _runs(results: Sequence[SetResult]) -> str:
    """Say how many seeds stand behind the rows."""
    seeds: dict[str, int] = {}
    for result in results:
        for model, scores in result.scores.items():
            seeds[model] = max(seeds.get(model, 0), len(scores.seeds))
    return ", ".join(f"{model}: {count}" for model, count in seeds.items())


def _duration(stages: Sequence[Mapping[str, str]]) -> str:
    seconds = sum(float(stage.get("seconds") or 0.0) for stage in stages)
    return f"{seconds / 60:.1f} min" if seconds else ""


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        known = {name: item for name, item in value.items() if item is not None}
        return ", ".join(f"{name} {_plain(item)}" for name, item in known.items())
    return "" if value is None else str(value)
