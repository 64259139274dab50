"""Fine-tuning sets: simulated volcanoes on real volcano-free background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bradyseism.samples.encoding import WrappedPatch
from bradyseism.samples.low_pass import low_passed
from bradyseism.samples.real import Background
from bradyseism.samples.synthetic import (
    NO_PLACE,
    Sample,
    Selection,
    beside_samples,
    stratified_split,
)
from bradyseism.scenes.priors import GEOMETRIES, Geometry, PaperPrior

# FT1 holds no volcano below 1.5 cm, whatever the track.
FT1_VOLCANOES = replace(PaperPrior(), least_descending=PaperPrior().least_ascending)
FT1_GEOMETRIES = tuple(g for g in GEOMETRIES if g.direction == "ascending")


@dataclass(frozen=True, eq=False)
class FT1:
    """Half of the backgrounds with a simulated volcano, the other half as they are.

    The volcano is added before wrapping; what is missing in the background stays missing.

    Parameters
    ----------
    backgrounds : sequence of Background
        At least two, of the size of the encoding.
    seed : int
        Seed of the choice of the positives and of their volcanoes, not negative.
    volcanoes : PaperPrior
        What is added: a peak above 1.5 cm.
    geometries : sequence of Geometry
        Lines of sight, one drawn for each background that does not know its own.
    encoding : WrappedPatch
        How displacement becomes network input.
    low_pass : {"no", "background", "sum"}
        What goes through the low-pass filter before wrapping: nothing, the background alone, or
        the background with its volcano.
    """

    backgrounds: Sequence[Background]
    seed: int = 0
    volcanoes: PaperPrior = FT1_VOLCANOES
    geometries: Sequence[Geometry] = FT1_GEOMETRIES
    encoding: WrappedPatch = field(default_factory=WrappedPatch)
    low_pass: Literal["no", "background", "sum"] = "no"

    def __post_init__(self) -> None:
        if len(self.backgrounds) < 2:
            raise ValueError(
                f"{len(self.backgrounds)} backgrounds cannot be halved: give at least 2"
            )
        shapes = {background.displacement.shape for background in self.backgrounds}
        if shapes != {(self.encoding.size, self.encoding.size)}:
            raise ValueError(
                f"backgrounds of shapes {sorted(shapes)} do not fit patches of "
                f"{self.encoding.size} pixels: cut them with the same encoding"
            )

    @property
    def labels(self) -> NDArray[np.intp]:
        """1 for the half with a volcano, 0 for the rest; of an odd number the rest is larger."""
        rng = beside_samples(self.seed, 0)
        labels = np.zeros(len(self.backgrounds), dtype=np.intp)
        labels[rng.permutation(len(labels))[: len(labels) // 2]] = 1
        return labels

    def __len__(self) -> int:
        return len(self.backgrounds)

    def __getitem__(self, index: int) -> Sample:
        image = self.encoding.encode(self.displacement(index)[None])[0]
        return {"image": image, "label": int(self.labels[index]), "place": NO_PLACE}

    def displacement(self, index: int) -> NDArray[np.float64]:
        """Cumulative LOS displacement (m) before wrapping, (size, size), NaN missing."""
        if not self.labels[index]:
            return self.background(index)
        background = self.backgrounds[index]
        rng = np.random.default_rng([self.seed, index])
        drawn = self.geometries[int(rng.integers(len(self.geometries)))].look
        look = drawn if background.look is None else background.look
        volcano = self.volcanoes.displacement(look, self.encoding, rng)
        if self.low_pass == "sum":
            both = background.displacement.astype(np.float64) + volcano
            return low_passed(both, self.encoding.pixel_size).astype(np.float64)
        return self.background(index) + volcano

    def background(self, index: int) -> NDArray[np.float64]:
        """Cumulative LOS displacement (m) without a volcano, filtered if the set is."""
        displacement = self.backgrounds[index].displacement
        if self.low_pass != "no":
            displacement = low_passed(displacement, self.encoding.pixel_size)
        return displacement.astype(np.float64)

    def split(self, validation: float = 0.2) -> tuple[Selection, Selection]:
        """Divide by background into training and validation, the same share of both classes.

        Parameters
        ----------
        validation : float
            Share (0-1) for validation.
        """
        rng = beside_samples(self.seed, 1)
        training, held = stratified_split(self.labels, validation, rng)
        return Selection(self, training), Selection(self, held)
