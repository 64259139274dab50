"""Tables and figures of a run: written where they belong, and kept for the report."""

from __future__ import annotations

import logging
from pathlib import Path

from matplotlib.figure import Figure

from bradyseism.evaluation.claims import Verdict
from bradyseism.maps.writers.atomic import write_bytes
from bradyseism.review import tables
from bradyseism.review.run_report import Section
from bradyseism.review.saving import save_figure
from bradyseism.workflows.paper_results import Run

logger = logging.getLogger(__name__)


class Book:
    """What has been drawn so far, in the order of the report, and the verdicts of each test set."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.sections: dict[str, Section] = {}
        self.files: list[Path] = []
        self.skipped: list[tuple[str, str]] = []
        self.verdicts: dict[str, tuple[Verdict, ...]] = {}

    def skip(self, what: str, reason: str) -> None:
        """Note what cannot be drawn."""
        logger.info("skipped %s: %s", what, reason)
        self.skipped.append((what, reason))

    def section(self, heading: str) -> Section:
        """Return the section of a heading, new at the end if there is none."""
        return self.sections.setdefault(heading, Section(heading))

    def add_table(self, heading: str, name: str, table: tables.Table) -> None:
        """Write a table in its three forms and show it."""
        stem = self.run.folder / "tables" / name
        forms = {"md": f"{table.caption}\n\n{table.markdown()}", "csv": table.csv()}
        for suffix, text in (forms | {"tex": table.latex()}).items():
            path = stem.with_name(f"{stem.name}.{suffix}")
            write_bytes(path, text.encode())
            self.files.append(path)
        self.section(heading).parts.append(f"{table.caption}\n\n{table.markdown()}")

    def add_figure(self, heading: str, name: str, figure: Figure, caption: str) -> None:
        """Write a figure in its two forms and show it."""
        png, svg = save_figure(figure, self.run.folder / "figures" / name)
        self.files += [png, svg]
        self.section(heading).parts.append(f"![{caption}](figures/{png.name})\n\n{caption}\n")
