"""Figures of a run that hang on no test set: its maps, sets, approaches and what networks see."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bradyseism.maps.volcanoes import Volcano, read_catalogue
from bradyseism.review import insight_figures, network_figure, set_figures
from bradyseism.review.model_words import CYCLE_WORDS, model_word
from bradyseism.review.run_book import Book
from bradyseism.samples.encoding import WrappedPatch
from bradyseism.training import approaches
from bradyseism.workflows.paper_exhibits import (
    composition,
    confusing_patterns,
    samples_of_sets,
    sets_of_run,
)
from bradyseism.workflows.paper_latent import latent_plane
from bradyseism.workflows.paper_results import Run
from bradyseism.workflows.run_arrays import load_backgrounds, load_maps
from bradyseism.workflows.run_folder import CYCLES


def draw_sets(book: Book) -> None:
    """Figures 1 to 3: the test frames, samples of the sets, what the sets are made of."""
    data = book.run.folder / "data"
    frames, grounds = data / "frames.npz", data / "backgrounds.npz"
    maps = load_maps(frames) if frames.is_file() else []
    backgrounds = load_backgrounds(grounds) if grounds.is_file() else []
    heading = "Maps and sets"
    side = backgrounds[0].displacement.shape[0] if backgrounds else 0
    if not maps:
        book.skip("figure 1 and 2", "data/frames.npz is not there")
    if not backgrounds:
        book.skip("figures 2 and 3", "data/backgrounds.npz is not there")
    if maps:
        pixel = book.run.pixel_size(side or maps[0].displacement.shape[0] // 2)
        patterns = confusing_patterns(maps, pixel, side or maps[0].displacement.shape[0] // 2)
        figure = set_figures.region_figure(maps, patterns, pixel, _volcanoes(book.run))
        caption = (
            f"Figure 1. {len(maps)} frames ({book.run.test_words['frames']}), "
            f"{sum(bool(len(one.peaks)) for one in maps)} with deformation. Right: patches of "
            "volcano-free frames with the largest 4 km median in the middle (above) and with the "
            "largest median size of what that filter leaves (below)."
        )
        book.add_figure(heading, "figure-1-region", figure, caption)
    if not backgrounds:
        return
    cycle = "half" if (book.run.folder / "predictions/half").is_dir() else _first_cycle(book.run)
    encoding = WrappedPatch(side, book.run.pixel_size(side), CYCLES[cycle])
    whole, material = sets_of_run(book.run.settings, backgrounds, encoding)
    if maps:
        sets = samples_of_sets(whole, material, maps)
        figure = set_figures.samples_figure(sets, CYCLES[cycle])
        caption = f"Figure 2. Samples of the sets, {CYCLE_WORDS[cycle]}."
        book.add_figure(heading, "figure-2-samples", figure, caption)
    figure = set_figures.composition_figure(composition(material), CYCLES[cycle])
    caption = (
        "Figure 3. Constituents of the four fine-tuning sets: how many samples of each, and one "
        f"of them, {CYCLE_WORDS[cycle]}."
    )
    book.add_figure(heading, "figure-3-constituents", figure, caption)


def draw_approaches(book: Book) -> None:
    """Figure 4: which layers each approach tunes."""
    steps = {name: approach.steps for name, approach in approaches.APPROACHES.items()}
    figure = network_figure.approaches_figure(steps)
    caption = "Figure 4. What the four approaches tune: InceptionResNet v2 with its two-layer head."
    book.add_figure("Maps and sets", "figure-4-approaches", figure, caption)


def draw_attribution(book: Book) -> None:
    """Grad-CAM of true and false positives."""
    found = sorted(book.run.folder.glob("attribution/*/*.npz"))
    if not found:
        book.skip("Grad-CAM", "no patch of the frames was flagged, or the run ended before it")
    for path in found:
        cycle = path.parent.name
        with np.load(path, allow_pickle=False) as file:
            explained = {name: file[name] for name in file.files}
        model, test = str(explained["model"]), book.run.test_words["frames"]
        words = f"{model_word(model)}, {test}, {CYCLE_WORDS[cycle]}"
        figure = insight_figures.attribution_figure(explained, words)
        name = f"grad-cam-{path.stem}-{cycle}"
        book.add_figure("What the network looks at", name, figure, f"Grad-CAM: {words}.")


def draw_latent(book: Book) -> None:
    """The plane of latent features of all sets."""
    found = sorted(path for path in book.run.folder.glob("features/*/*") if path.is_dir())
    if not found:
        book.skip("t-SNE", "the run has no stored features")
    for folder in found:
        cycle, network = folder.parts[-2:]
        stored = book.run.folder / "latent" / cycle / f"{network}.npz"
        try:
            plane = latent_plane(folder, stored, seed=int(book.run.settings.get("seed", 0)))
        except ModuleNotFoundError:
            book.skip(f"t-SNE, {cycle}", "scikit-learn is missing: pip install 'bradyseism[train]'")
            continue
        if plane is None:
            book.skip(f"t-SNE, {cycle}", "features of fewer than two sets, or 20 samples")
            continue
        words = f"{network}, {CYCLE_WORDS[cycle]}"
        figure = insight_figures.latent_figure(
            plane, f"Pooled features before fine-tuning: {words}"
        )
        caption = f"t-SNE of the pooled features of all sets, {words}."
        book.add_figure("What the network looks at", f"latent-{network}-{cycle}", figure, caption)


def _volcanoes(run: Run) -> Sequence[Volcano]:
    """The catalogue of the analogue frames; none where it has headings alone, or is not there."""
    path = run.folder / "analogue/volcanoes.csv"
    if not path.is_file() or len(path.read_text(encoding="utf-8").splitlines()) < 2:
        return ()
    return read_catalogue(path).volcanoes


def _first_cycle(run: Run) -> str:
    found: Sequence[Path] = sorted(run.folder.glob("predictions/*"))
    return found[0].name if found else "half"
