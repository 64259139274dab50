"""What decides a run of the paper's experiment, and the three sizes that it comes in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from bradyseism.models.network import NETWORKS
from bradyseism.physics.atmosphere import NoiseReading
from bradyseism.samples.encoding import WrappedPatch
from bradyseism.samples.labelled import PositiveRule
from bradyseism.samples.synthetic import PaperSet
from bradyseism.scenes.analogue import AS_FROZEN, FRAMES, Factors
from bradyseism.scenes.analogue_background import BACKGROUNDS
from bradyseism.training.learner import TrainingSettings
from bradyseism.training.stages import FINETUNING
from bradyseism.workflows.run_folder import CYCLES

PRETRAINING = TrainingSettings(
    epochs=100,
    batch_size=64,
    learning_rate=1e-3,
    patience=10,
    place_weight=0.0,
    tensorboard=True,
)


@dataclass(frozen=True)
class ReproduceSettings:
    """One run of the paper's experiment.

    Parameters
    ----------
    network : str
        Key of `models.network.NETWORKS`; the paper's is InceptionResNet v2.
    size, pixel_size : int, float
        Side of a patch in pixels, and pixel size (m): 51.2 km together.
    cycles : tuple of str
        Keys of `CYCLES`.
    channels : {1, 3}
        Channels of an image, all the same wrapped phase.
    samples : int
        How many of the 330,834 synthetic samples are used, drawn at random.
    synthetic_test : int
        Samples of another synthetic set, of another seed, for testing.
    backgrounds : int
        Background patches of the fine-tuning sets.
    frames, background_maps : tuple of int
        Which analogue frames and background maps are simulated where none are given.
    injections : int
        Sources hidden in real volcano-free maps.
    seed : int
        Seed of the synthetic set, the first weights and the choice of backgrounds.
    seeds : tuple of int
        Seeds of the fine-tunings: choice of positives, volcanoes, held-out backgrounds, order.
    rates : tuple of float
        Learning rates to choose from by synthetic validation; one alone is taken as it is.
    trial : float, trial_epochs : int
        Share (0-1) of the samples, and epochs, of each trial.
    positive_rule : {"peak", "middle"}
        When a patch is positive, see `samples.labelled`.
    filtered : {"background", "sum"}
        What FT2 filters, see `samples.finetuning`.
    noise_level : {"peak", "sill"}
        How the published noise amplitude is read.
    factors : Factors
        By which the parts of analogue frames and background are multiplied, where none are given.
    store : bool
        Make the synthetic set once, on disk, mapped into memory; else samples are made as asked.
    loop, finetuning : TrainingSettings
        Settings of training and of each fine-tuning step.
    """

    network: str = "inception_resnet_v2"
    size: int = 256
    pixel_size: float = 200.0
    cycles: tuple[str, ...] = ("half", "whole")
    channels: Literal[1, 3] = 1
    samples: int = 330_834
    synthetic_test: int = 10_000
    backgrounds: int = 836
    frames: tuple[int, ...] = tuple(range(len(FRAMES)))
    background_maps: tuple[int, ...] = tuple(range(BACKGROUNDS))
    injections: int = 528
    seed: int = 0
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    rates: tuple[float, ...] = (1e-3, 3e-4)
    trial: float = 0.05
    trial_epochs: int = 1
    positive_rule: PositiveRule = "peak"
    filtered: Literal["background", "sum"] = "background"
    noise_level: NoiseReading = "peak"
    factors: Factors = AS_FROZEN
    store: bool = True
    loop: TrainingSettings = PRETRAINING
    finetuning: TrainingSettings = FINETUNING

    def __post_init__(self) -> None:
        if self.network not in NETWORKS:
            raise ValueError(
                f"network {self.network!r} is not known: choose one of {', '.join(NETWORKS)}"
            )
        if self.size < NETWORKS[self.network].smallest:
            raise ValueError(
                f"size {self.size} px is below {NETWORKS[self.network].smallest} px, the least "
                f"that {self.network} takes: give larger patches"
            )
        unknown = [cycle for cycle in self.cycles if cycle not in CYCLES]
        if unknown or not self.cycles:
            raise ValueError(f"cycles {self.cycles} are not all of {', '.join(CYCLES)}: give them")
        if not 20 <= self.samples <= len(PaperSet()):
            raise ValueError(f"samples {self.samples} is outside 20 to {len(PaperSet())}")
        # Of three with and three without a volcano one each is held out.
        if self.backgrounds < 6:
            raise ValueError(
                f"backgrounds {self.backgrounds} are too few to halve and hold a fifth out: "
                "give at least 6, the paper used 836"
            )
        if not self.seeds or not self.rates or min(self.rates) <= 0 or not 0 < self.trial <= 1:
            raise ValueError(
                f"seeds {self.seeds}, rates {self.rates}, trial {self.trial:g}: "
                "give at least one seed, positive rates and a share of 0-1"
            )

    def encoding(self, cycle: str) -> WrappedPatch:
        """How displacement becomes network input, for a cycle by name."""
        return WrappedPatch(self.size, self.pixel_size, CYCLES[cycle], channels=self.channels)


SIZES = {
    # The real network on patches of the real extent: minutes are spent, nothing is learnt.
    "smoke": ReproduceSettings(
        size=128,
        pixel_size=400.0,
        cycles=("half",),
        samples=24,
        synthetic_test=8,
        backgrounds=10,
        frames=(0, 1),
        background_maps=(0,),
        injections=12,
        seeds=(0,),
        rates=(1e-4,),
        store=False,
        loop=replace(PRETRAINING, epochs=1, batch_size=16, patience=1),
        finetuning=replace(FINETUNING, epochs=2),
    ),
    # An hour of training at five samples a second, see docs.
    "cpu": ReproduceSettings(
        size=128,
        pixel_size=400.0,
        cycles=("half",),
        samples=3_000,
        synthetic_test=600,
        seeds=(0, 1, 2),
        rates=(3e-4,),
        store=True,
        loop=replace(PRETRAINING, epochs=6, batch_size=32, checkpoint_steps=20),
    ),
    "full": ReproduceSettings(
        loop=replace(
            PRETRAINING,
            batch_size=256,
            checks=4,
            patience=40,  # checks: the 10 epochs of the paper
            checkpoint_steps=200,
            precision="bf16-mixed",
            workers=12,
        )
    ),
}
