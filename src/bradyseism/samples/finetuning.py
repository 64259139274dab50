"""The four fine-tuning sets of the paper, composed of six constituents.

Each set is one record of `FINETUNING_SETS`: which constituents it takes, whole or in part. What
several sets share is made, and run through the frozen network, once.

=================  =====================================================================  ======
constituent        what                                                                   label
=================  =====================================================================  ======
background         every background as it is                                              0
filtered           every background through the low-pass filter                           0
hybrid             half of the backgrounds, each with a simulated volcano                 1
hybrid_filtered    the same through the filter (setting `filtered`: what goes through)    1
volcano            simulated descending volcanoes with simulated descending noise         1
noise              simulated descending noise                                             0
=================  =====================================================================  ======
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bradyseism.samples.hybrid import FT1
from bradyseism.samples.real import Background
from bradyseism.samples.synthetic import (
    NO_PLACE,
    PaperSet,
    Sample,
    SampleSet,
    Selection,
    beside_samples,
    stratified_split,
)

CONSTITUENTS = {
    "background": 0,
    "filtered": 0,
    "hybrid": 1,
    "hybrid_filtered": 1,
    "volcano": 1,
    "noise": 0,
}
"""Names of the constituents, with their label."""

SEEDLESS = ("background", "filtered")
"""Constituents that are the same for every seed."""


@dataclass(frozen=True)
class Part:
    """What a fine-tuning set takes of one constituent.

    Parameters
    ----------
    constituent : str
        Key of `CONSTITUENTS`.
    rest : bool
        Only the backgrounds that got no volcano; False: all of the constituent.
    """

    constituent: str
    rest: bool = False

    def __post_init__(self) -> None:
        if self.constituent not in CONSTITUENTS:
            raise ValueError(
                f"constituent {self.constituent!r} is not known: "
                f"choose one of {', '.join(CONSTITUENTS)}"
            )


_FT1 = (Part("hybrid"), Part("background", rest=True))
_FT2 = (*_FT1, Part("hybrid_filtered"), Part("filtered", rest=True))

FINETUNING_SETS: dict[str, tuple[Part, ...]] = {
    "FT1": _FT1,
    "FT2": _FT2,
    "FT3": (Part("volcano"), Part("background")),
    "FT4": (*_FT2, Part("volcano"), Part("noise")),
}
"""Of 836 backgrounds these are 836, 1,672, 1,672 and 3,344 samples, half of them positive."""


@dataclass(frozen=True, eq=False)
class Members:
    """Some samples of one constituent in a fine-tuning set.

    Parameters
    ----------
    constituent : str
        Key of `CONSTITUENTS`.
    positions : array of int, shape (m,)
        Which samples of the constituent.
    held : array of bool, shape (m,)
        Which of them are for validation.
    """

    constituent: str
    positions: NDArray[np.intp]
    held: NDArray[np.bool_]

    @property
    def label(self) -> int:
        """1 with deformation, 0 without."""
        return CONSTITUENTS[self.constituent]


@dataclass(frozen=True, eq=False)
class Material:
    """Backgrounds and simulations of which the fine-tuning sets are made.

    Parameters
    ----------
    backgrounds : sequence of Background
        836 in the paper, at least two.
    synthetic : Selection
        Training part of the synthetic set, of which descending samples are drawn.
    seed : int
        Seed of every choice.
    filtered : {"background", "sum"}
        What goes through the low-pass filter: the background before a volcano is added, as the
        caption of the paper's Fig. 3 says, or their sum, as its text says.
    """

    backgrounds: Sequence[Background]
    synthetic: Selection
    seed: int = 0
    filtered: Literal["background", "sum"] = "background"
    hybrid: FT1 = field(init=False)

    def __post_init__(self) -> None:
        encoding = self._whole.encoding
        object.__setattr__(self, "hybrid", FT1(self.backgrounds, seed=self.seed, encoding=encoding))
        for label in (0, 1):
            found = len(self._descending(label))
            if found < len(self.backgrounds):
                raise ValueError(
                    f"the synthetic set holds {found} descending samples of label {label}, but "
                    f"FT3 and FT4 need {len(self.backgrounds)}, one for each background: "
                    "give a larger synthetic set or fewer backgrounds"
                )

    def constituent(self, name: str) -> SampleSet:
        """Samples of a constituent, in the order of `positions`."""
        Part(name)
        if name in ("volcano", "noise"):
            return Selection(self._whole, self._drawn(CONSTITUENTS[name]))
        if name in SEEDLESS:
            low_pass: Literal["no", "background"] = "background" if name == "filtered" else "no"
            return _Backgrounds(replace(self.hybrid, low_pass=low_pass))
        hybrid = self.hybrid
        if name == "hybrid_filtered":
            hybrid = replace(hybrid, low_pass=self.filtered)
        return Selection(hybrid, np.flatnonzero(hybrid.labels))

    def members(self, name: str, validation: float = 0.2) -> tuple[Members, ...]:
        """Which samples of which constituents a fine-tuning set holds.

        Parameters
        ----------
        name : str
            Key of `FINETUNING_SETS`.
        validation : float
            Share (0-1) of backgrounds and of simulations that is held out. A background is held
            out of all constituents alike, and the same ones of all sets.

        Raises
        ------
        ValueError
            If there is no such set.
        """
        if name not in FINETUNING_SETS:
            raise ValueError(
                f"fine-tuning set {name!r} is not known: choose one of {', '.join(FINETUNING_SETS)}"
            )
        return tuple(self._part(part, validation) for part in FINETUNING_SETS[name])

    @property
    def _whole(self) -> PaperSet:
        if not isinstance(self.synthetic.samples, PaperSet):
            raise ValueError(
                f"synthetic samples are a selection of {type(self.synthetic.samples).__name__}: "
                "give a selection of a PaperSet"
            )
        return self.synthetic.samples

    def _descending(self, label: int) -> NDArray[np.intp]:
        whole, indices = self._whole, self.synthetic.indices
        each = 2 * whole.sources
        descending = np.array([g.direction == "descending" for g in whole.geometries])
        positive = indices % each < whole.sources
        return np.asarray(indices[descending[indices // each] & (positive == bool(label))])

    def _drawn(self, label: int) -> NDArray[np.intp]:
        rng = beside_samples(self.seed, 10 + label)
        return rng.permutation(self._descending(label))[: len(self.backgrounds)]

    def _part(self, part: Part, validation: float) -> Members:
        labels = self.hybrid.labels
        if part.constituent in ("volcano", "noise"):
            positions = np.arange(len(self.backgrounds))
            held = positions < round(validation * len(positions))
            return Members(part.constituent, positions, held)
        rng = beside_samples(self.seed, 1)
        _, held_backgrounds = stratified_split(labels, validation, rng)
        numbers = np.arange(len(labels))
        if part.rest:
            numbers = np.flatnonzero(labels == 0)
        elif CONSTITUENTS[part.constituent]:
            numbers = np.flatnonzero(labels)
        held = np.isin(numbers, held_backgrounds)
        positions = np.arange(len(numbers)) if CONSTITUENTS[part.constituent] else numbers
        return Members(part.constituent, positions, held)


@dataclass(frozen=True, eq=False)
class _Backgrounds:
    """All backgrounds of a hybrid set, without its volcanoes."""

    hybrid: FT1

    def __len__(self) -> int:
        return len(self.hybrid)

    def __getitem__(self, index: int) -> Sample:
        image = self.hybrid.encoding.encode(self.hybrid.background(index)[None])[0]
        return {"image": image, "label": 0, "place": NO_PLACE}
