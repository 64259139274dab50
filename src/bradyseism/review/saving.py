"""Figures for print: PNG and SVG side by side, the same bytes each time."""

from __future__ import annotations

from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from bradyseism.maps.writers.atomic import atomic_path

PRINT_DOTS_PER_INCH = 300


def save_figure(figure: Figure, stem: Path) -> tuple[Path, Path]:
    """Write a figure as ``STEM.png`` (300 dots an inch) and ``STEM.svg``, each whole or not at all.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    png, svg = (stem.with_name(f"{stem.name}.{suffix}") for suffix in ("png", "svg"))
    with atomic_path(png) as temporary:
        figure.savefig(temporary, dpi=PRINT_DOTS_PER_INCH, metadata={"Software": None})
    # The names inside an SVG are random, and its date is that of today, unless told otherwise.
    with atomic_path(svg) as temporary, rc_context({"svg.hashsalt": "bradyseism"}):
        figure.savefig(temporary, format="svg", metadata={"Date": None})
    return png, svg
