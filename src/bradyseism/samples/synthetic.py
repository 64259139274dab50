"""The paper's synthetic set, by index: nothing stored, sample i is always the same bits.

Half of the samples are compound dislocation models plus turbulent atmosphere, half atmosphere
alone, for seven lines of sight (Beker et al. 2022, section 2.2). What the paper does not print is
a named field with a default.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, TypedDict

import numpy as np
from numpy.typing import NDArray

from bradyseism.physics.atmosphere import (
    NOISE_LEVELS,
    NoiseReading,
    scale_noise,
    turbulent_field,
)
from bradyseism.physics.covariance import ExponentialModel
from bradyseism.samples.encoding import WrappedPatch
from bradyseism.scenes.priors import GEOMETRIES, Geometry, LogUniform, PaperPrior

NO_PLACE = -1
# No sample has an index as large. (A key [seed, index, 0] would be that of [seed, index].)
_BEYOND = 2**48


def beside_samples(seed: int, purpose: int) -> np.random.Generator:
    """Randomness of a set that no sample of any index shares, one stream for each purpose.

    Parameters
    ----------
    seed : int
        Of the set.
    purpose : int
        0: split of a synthetic set, or halves of an FT set; 1: its split; 2: choice of samples for
        a run; 3 and 4: backgrounds and injections of the paper's experiment; 5: trials of learning
        rates; 6: its samples; 10 and 11: synthetic samples of FT4 without and with deformation.
    """
    return np.random.default_rng([seed, _BEYOND + purpose])


class Sample(TypedDict):
    """One labelled image.

    `image`: float32 (channels, size, size). `label`: 1 with deformation, 0 without. `place`: -1,
    for these sets do not say where.
    """

    image: NDArray[np.float32]
    label: int
    place: int


class SampleSet(Protocol):
    """Samples by index."""

    def __len__(self) -> int:
        """Return the number of samples."""
        ...

    def __getitem__(self, index: int) -> Sample:
        """Return one sample."""
        ...


@dataclass(frozen=True, eq=False)
class Selection:
    """Some samples of a set.

    Parameters
    ----------
    samples : SampleSet
        The whole set.
    indices : array of int, shape (n,)
        Which, in order.
    """

    samples: SampleSet
    indices: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[int(self.indices[index])]


@dataclass(frozen=True)
class PaperSet:
    """The synthetic set of the paper: 330,834 samples, ordered by geometry, then by class.

    Within a geometry the first `sources` samples hold deformation and noise, the others noise.

    Parameters
    ----------
    seed : int
        Seed of the set, not negative.
    geometries : tuple of Geometry
        Lines of sight.
    sources : int
        Samples with deformation for each geometry, and as many without.
    volcanoes : PaperPrior
        What deforms.
    noise_level : {"peak", "sill"}
        How the published noise amplitude is read, see `physics.atmosphere.scale_noise`.
    noise_length : LogUniform
        e-folding distance (m) of the noise.
    encoding : WrappedPatch
        How displacement becomes network input.
    """

    seed: int = 0
    geometries: tuple[Geometry, ...] = GEOMETRIES
    sources: int = 23_631
    volcanoes: PaperPrior = field(default_factory=PaperPrior)
    noise_level: NoiseReading = "peak"
    noise_length: LogUniform = field(default_factory=lambda: LogUniform(2_000.0, 15_000.0))
    encoding: WrappedPatch = field(default_factory=WrappedPatch)

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"seed {self.seed} is negative: give 0 or more")
        if self.sources < 1 or not self.geometries:
            raise ValueError(
                f"{self.sources} sources for {len(self.geometries)} geometries make no set: "
                "give at least one of each"
            )

    def __len__(self) -> int:
        return 2 * self.sources * len(self.geometries)

    def __getitem__(self, index: int) -> Sample:
        image = self.encoding.encode(self.displacement(index)[None])[0]
        return {"image": image, "label": self.label(index), "place": NO_PLACE}

    def label(self, index: int) -> int:
        """1 if the sample holds deformation, else 0."""
        return int(self._checked(index) % (2 * self.sources) < self.sources)

    def geometry(self, index: int) -> Geometry:
        """Line of sight of the sample."""
        return self.geometries[self._checked(index) // (2 * self.sources)]

    def displacement(self, index: int) -> NDArray[np.float64]:
        """Cumulative LOS displacement (m) of the sample before wrapping, (size, size)."""
        noise, deformation = self._parts(index)
        return noise if deformation is None else noise + deformation

    def peak(self, index: int) -> float:
        """Signed peak LOS displacement (m) of the deformation in the sample; 0 without."""
        deformation = self._parts(index)[1]
        if deformation is None:
            return 0.0
        return float(deformation.flat[np.argmax(np.abs(deformation))])

    def split(self, validation: float = 0.1) -> tuple[Selection, Selection]:
        """Divide at random, the same share of each geometry.

        Parameters
        ----------
        validation : float
            Share of the samples for validation, rounded down for each geometry: 0.1 gives the
            paper's 297,752 and 33,082.

        Returns
        -------
        training, validation : Selection
            Every sample in one of the two; the same for the same seed.
        """
        if not 0 < validation < 1:
            raise ValueError(f"validation share {validation:g} is outside 0-1: give 0.1")
        each = 2 * self.sources
        held = int(each * validation)
        rng = beside_samples(self.seed, 0)
        orders = [rng.permutation(each) + each * k for k in range(len(self.geometries))]
        training = np.sort(np.concatenate([order[held:] for order in orders]))
        validated = np.sort(np.concatenate([order[:held] for order in orders]))
        return Selection(self, training), Selection(self, validated)

    def _parts(self, index: int) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Noise, and deformation where there is any, both in metres."""
        rng = np.random.default_rng([self.seed, self._checked(index)])
        geometry = self.geometry(index)
        noise = self._noise(geometry, rng)
        if not self.label(index):
            return noise, None
        return noise, self.volcanoes.displacement(geometry.look, self.encoding, rng)

    def _noise(self, geometry: Geometry, rng: np.random.Generator) -> NDArray[np.float64]:
        """Turbulent atmosphere (m) of the amplitude of the track."""
        shape = (self.encoding.size, self.encoding.size)
        length = self.noise_length.draw(rng)
        noise = turbulent_field(ExponentialModel(1.0, length), shape, self.encoding.pixel_size, rng)
        return scale_noise(noise, NOISE_LEVELS[geometry.direction].draw(rng), self.noise_level)

    def _checked(self, index: int) -> int:
        """Refuse indices outside the set; python stops iterating at an IndexError."""
        if not 0 <= index < len(self):
            raise IndexError(f"index {index} is outside 0 to {len(self) - 1}")
        return index


def stratified_split(
    labels: NDArray[np.intp], validation: float, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices for training and validation, the same share of both classes, each sorted.

    Parameters
    ----------
    labels : array of int, shape (n,)
        1 or 0 for each sample.
    validation : float
        Share (0-1) for validation, rounded for each class.
    rng : numpy.random.Generator
        Source of randomness.
    """
    if not 0 < validation < 1:
        raise ValueError(f"validation share {validation:g} is outside 0-1: give 0.2")
    training, held = [], []
    for label in (0, 1):
        order = rng.permutation(np.flatnonzero(labels == label))
        count = round(len(order) * validation)
        held.append(order[:count])
        training.append(order[count:])
    return np.sort(np.concatenate(training)), np.sort(np.concatenate(held))
