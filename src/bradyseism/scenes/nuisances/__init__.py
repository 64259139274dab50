"""What is mistaken for a volcano: frozen records, each drawing one effect on a scenery.

`effect(scenery, rng)` returns an `Effect`: LOS velocity in m/yr, the truth mask, and the mask of
data lost. A new nuisance is one record and one line in `NUISANCES`.
"""

from __future__ import annotations

from bradyseism.scenes.nuisances.artefacts import (
    PatchyTurbulence,
    Ramp,
    StratifiedResidual,
    UnwrappingJump,
)
from bradyseism.scenes.nuisances.effect import Effect, Nuisance
from bradyseism.scenes.nuisances.faults import FaultStep
from bradyseism.scenes.nuisances.losses import LayoverShadow, Snow, Vegetation, Water
from bradyseism.scenes.nuisances.plains import AquiferSubsidence, MineSubsidence, SaltFlat
from bradyseism.scenes.nuisances.slopes import LocalMotion, RockGlacier, SlopeCreep

__all__ = [
    "NUISANCES",
    "AquiferSubsidence",
    "Effect",
    "FaultStep",
    "LayoverShadow",
    "LocalMotion",
    "MineSubsidence",
    "Nuisance",
    "PatchyTurbulence",
    "Ramp",
    "RockGlacier",
    "SaltFlat",
    "SlopeCreep",
    "Snow",
    "StratifiedResidual",
    "UnwrappingJump",
    "Vegetation",
    "Water",
]

NUISANCES: dict[str, Nuisance] = {
    "slope creep": SlopeCreep(),
    "rock glacier": RockGlacier(),
    "local motion": LocalMotion(),
    "salt flat": SaltFlat(),
    "aquifer subsidence": AquiferSubsidence(),
    "mine subsidence": MineSubsidence(),
    "fault step": FaultStep(),
    "stratified residual": StratifiedResidual(),
    "ramp": Ramp(),
    "unwrapping jump": UnwrappingJump(),
    "patchy turbulence": PatchyTurbulence(),
    "layover and shadow": LayoverShadow(),
    "vegetation": Vegetation(),
    "snow": Snow(),
    "water": Water(),
}
"""Every nuisance with its default priors, for `SceneSettings` and for pictures."""
