"""Fine-tuning approaches of the paper by name (without torch)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Approach:
    """Which layers of the head learn, one step after the other.

    Attributes
    ----------
    steps : tuple of tuple of str
        For each step the layers that learn in it: "hidden" (second last), "last".
    """

    steps: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        unknown = {layer for step in self.steps for layer in step} - {"hidden", "last"}
        if unknown or not all(self.steps) or not self.steps:
            raise ValueError(
                f"steps {self.steps} do not each name a layer of the head: "
                "give hidden, last or both"
            )


APPROACHES: dict[str, Approach] = {
    "last": Approach((("last",),)),
    "-1last": Approach((("hidden",),)),
    "last2": Approach((("hidden", "last"),)),
    "-1&last1": Approach((("last",), ("hidden",), ("last",))),
}
