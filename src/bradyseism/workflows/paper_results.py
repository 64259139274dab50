"""What a run folder of the paper's experiment says: settings, and answers of the models."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bradyseism.evaluation.patch_scores import PatchScores, Statistics, statistics_of
from bradyseism.evaluation.resampling import place_weights
from bradyseism.workflows.run_folder import PREDICTION_COLUMNS, read_run

SUBSET_WIDTH = 51_200.0  # m: a patch of the paper
_MOST_DRAWS, _FEWEST_DRAWS, _DRAWN_SAMPLES = 2000, 200, 2_000_000


@dataclass(frozen=True, eq=False)
class Run:
    """A run folder that has been begun.

    Attributes
    ----------
    folder : Path
        Where it lies.
    card : mapping
        Content of ``run.json``.
    stages : tuple of mapping
        Lines of ``stages.csv``; empty where no stage is finished.
    """

    folder: Path
    card: Mapping[str, Any]
    stages: tuple[Mapping[str, str], ...]

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings of the run."""
        settings: Mapping[str, Any] = self.card.get("settings", {})
        return settings

    def pixel_size(self, side: int) -> float:
        """Pixel size (m) of patches of `side` pixels: as set, or that of the paper's ground."""
        return float(self.settings.get("pixel_size", SUBSET_WIDTH / side))

    @property
    def test_words(self) -> dict[str, str]:
        """What each test set is, in words that every table which uses it carries."""
        own = "frames" in (self.card.get("inputs") or {})
        parts = self.settings.get("factors", {}).items()
        changed = [f"{part} x {factor:g}" for part, factor in parts if factor != 1]
        analogue = f"analogue frames ({', '.join(['simulated', *changed])})"
        return {
            "synthetic": "held-out synthetic set (simulated)",
            "frames": "the user's frames" if own else analogue,
            "injection": "simulated sources injected into volcano-free maps",
            "field": "real maps with known truth",
        }


@dataclass(frozen=True, eq=False)
class SetResult:
    """Answers of all models on one test set.

    Attributes
    ----------
    cycle : str
        "half" or "whole".
    test : str
        "synthetic", "frames", "injection" or "field".
    low_pass : bool
        Whether the maps went through the low-pass filter.
    scores : mapping of str to PatchScores
        By model; of a comparison of networks, by network.
    """

    cycle: str
    test: str
    low_pass: bool
    scores: Mapping[str, PatchScores]

    @property
    def stem(self) -> str:
        """Part of the names of its files, such as ``frames-half`` or ``frames-half-low_pass``."""
        return f"{self.test}-{self.cycle}" + ("-low_pass" if self.low_pass else "")

    @property
    def resamples(self) -> int:
        """How often places are drawn: 2,000 times, less often for sets of very many patches."""
        count = next(iter(self.scores.values())).label.size
        return int(np.clip(_DRAWN_SAMPLES // max(count, 1), _FEWEST_DRAWS, _MOST_DRAWS))

    def statistics(self) -> dict[str, Statistics]:
        """Numbers of every model, with the same resamples of places for all."""
        first = next(iter(self.scores.values()))
        rng = np.random.default_rng(0)
        weights = place_weights(first.label, first.place, rng, self.resamples)
        return {model: statistics_of(scores, weights) for model, scores in self.scores.items()}


def open_results(folder: str | PathLike[str]) -> Run:
    """Read settings and stages of a run.

    Raises
    ------
    ValueError
        If the folder holds no run, or one of another version.
    """
    card = read_run(Path(folder))
    stages = Path(folder) / "stages.csv"
    rows: list[dict[str, str]] = []
    if stages.is_file():
        with stages.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    return Run(Path(folder), card, tuple(rows))


def read_results(run: Run) -> tuple[SetResult, ...]:
    """Answers of the models on every test set of a run, each with and without the filter.

    Raises
    ------
    ValueError
        If a table of predictions lacks a column, or models judge different patches.
    """
    by_network = run.card.get("kind") == "networks"
    parts: dict[tuple[str, str, bool], dict[str, PatchScores]] = {}
    for path in sorted(run.folder.glob("predictions/*/*/*.parquet")):
        for low_pass, scores in _read_predictions(path).items():
            cycle, network = path.parts[-3:-1]
            named = {network if by_network else name: one for name, one in scores.items()}
            parts.setdefault((cycle, path.stem, low_pass), {}).update(named)
    return tuple(_checked(SetResult(*key, scores)) for key, scores in parts.items())


def _checked(result: SetResult) -> SetResult:
    """Refuse models that judge different patches."""
    first = next(iter(result.scores.values()))
    for model, one in result.scores.items():
        if not one.same_patches(first):
            raise ValueError(
                f"model {model!r} judges other patches of {result.stem} than "
                f"{next(iter(result.scores))!r}: remove the predictions and let the run make "
                "them again"
            )
    return result


def _read_predictions(path: Path) -> dict[bool, dict[str, PatchScores]]:
    """Answers of all models of a table, without and with the filter, where any patch counts."""
    columns = _columns(path)
    found: dict[bool, dict[str, PatchScores]] = {}
    for low_pass in (False, True):
        chosen = np.flatnonzero((columns["low_pass"] == low_pass) & (columns["label"] >= 0))
        key = columns["model"][chosen]
        for model in dict.fromkeys(key.tolist()):
            rows = {name: values[chosen[key == model]] for name, values in columns.items()}
            scores = _patch_scores(rows, f"model {model!r} of {path}")
            found.setdefault(low_pass, {})[model] = scores
    return found


def _columns(path: Path) -> dict[str, NDArray[Any]]:
    """Columns of a table of predictions."""
    from pyarrow import parquet  # of the extra `train`

    present = parquet.read_schema(path).names
    lacking = sorted(PREDICTION_COLUMNS.keys() - set(present))
    if lacking:
        raise ValueError(
            f"{path} lacks the columns {', '.join(lacking)}: it comes from another version; "
            "remove it and let the run make its predictions again"
        )
    table = parquet.read_table(path, columns=list(PREDICTION_COLUMNS))
    return {name: _array(table.column(name).combine_chunks()) for name in table.column_names}


def _array(column: Any) -> NDArray[Any]:  # noqa: ANN401  (pyarrow has no types)
    """Array of a column; texts, which repeat, are brought over once each."""
    if str(column.type) not in ("string", "large_string"):
        return np.asarray(column.to_numpy(zero_copy_only=False))
    coded = column.dictionary_encode()
    words = np.array(coded.dictionary.to_pylist(), dtype=np.str_)
    return words[coded.indices.to_numpy()] if len(words) else np.zeros(0, dtype=np.str_)


def _patch_scores(rows: Mapping[str, NDArray[Any]], name: str) -> PatchScores:
    """One model: rows of all its seeds become one row of logits a seed."""
    order = np.lexsort((rows["patch"], rows["frame"], rows["seed"]))
    seeds, counts = np.unique(rows["seed"], return_counts=True)
    if len(set(counts.tolist())) != 1:
        raise ValueError(
            f"{name} has {dict(zip(seeds.tolist(), counts.tolist(), strict=True))} patches by "
            "seed, not as many for each: remove the file and let the run make it again"
        )
    folded = {n: column[order].reshape(len(seeds), -1) for n, column in rows.items()}
    for column in ("frame", "patch", "label"):
        if (folded[column] != folded[column][0]).any():
            raise ValueError(
                f"{name} differs in column {column!r} between its seeds: "
                "remove the file and let the run make it again"
            )
    return PatchScores(
        label=folded["label"][0].astype(np.int64),
        frame=folded["frame"][0],
        place=folded["place"][0],
        rate=folded["rate"][0].astype(np.float64),
        logit=folded["logit"].astype(np.float64),
        seeds=tuple(int(seed) for seed in seeds),
    )
