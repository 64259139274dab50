"""The page of a run: claims, tables and figures in order, and how they came about."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bradyseism.workflows.paper_results import Run, SetResult


@dataclass
class Section:
    """A heading, what stands under it, and the verdicts that the first table gathers."""

    heading: str
    parts: list[str] = field(default_factory=list)
    verdicts: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)


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
        Parts in their order; "Claims" gathers the verdicts of all test sets.
    skipped : sequence of (str, str)
        What could not be drawn, and why.
    """
    lines = ["# The paper's experiment", "", *_facts(run, results), ""]
    if "Claims" in sections:
        lines += ["## Claims", "", *_claims(sections["Claims"].verdicts), ""]
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


def _claims(verdicts: Mapping[str, tuple[tuple[str, str], ...]]) -> list[str]:
    """Table of one row a claim and one column a test set."""
    if not verdicts:
        return []
    claims = [words for words, _ in next(iter(verdicts.values()))]
    rows = [
        " | ".join([words, *(column[number][1] for column in verdicts.values())])
        for number, words in enumerate(claims)
    ]
    heading = " | ".join(["claim", *verdicts])
    return [f"| {heading} |", "|" + "---|" * (len(verdicts) + 1), *(f"| {row} |" for row in rows)]


def _duration(stages: Sequence[Mapping[str, str]]) -> str:
    seconds = sum(float(stage.get("seconds") or 0.0) for stage in stages)
    return f"{seconds / 60:.1f} min" if seconds else ""


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(item)}" for name, item in value.items())
    return "" if value is None else str(value)
