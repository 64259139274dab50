"""The two tables of Beker et al. (2022), as counts from which every printed figure follows.

The paper prints rates. With 142 patches with deformation and 633 without, each rate is the
quotient of whole numbers, which are kept here. The area under the curve follows from no count.
"""

from __future__ import annotations

from dataclasses import dataclass

from bradyseism.evaluation.scores import Confusion

APPROACHES = ("synthetic", "FT1 last", "FT1 -1last", "FT1 last2", "FT1 -1&last1")
"""Rows of table 1: how the network is fine-tuned."""

SETS = ("synthetic", "FT1 last", "FT2 last", "FT3 last", "FT4 last")
"""Rows of table 2: what it is fine-tuned on."""


@dataclass(frozen=True)
class PublishedRow:
    """One row of the paper's tables.

    Attributes
    ----------
    counts : Confusion
        Patches of the paper's test set, right and wrong at a probability of 0.5.
    auc : float
        Area under the ROC curve as printed, brought from percent to 0-1.
    found, volcanic : int
        Frames with deformation of which a positive patch is flagged, and all of them.
    """

    counts: Confusion
    auc: float
    found: int
    volcanic: int = 10

    @property
    def measures(self) -> dict[str, float]:
        """The seven columns of the paper by the names of `patch_scores.MEASURES`, each 0-1."""
        return {
            "true_positive_rate": self.counts.true_positive_rate,
            "false_positive_rate": self.counts.false_positive_rate,
            "auc": self.auc,
            "accuracy": self.counts.accuracy,
            "precision": self.counts.precision,
            "f1": self.counts.f1,
            "volcanoes": self.found / self.volcanic,
        }


PUBLISHED: dict[str, PublishedRow] = {
    "synthetic": PublishedRow(Confusion(142, 627, 0, 6), 0.5545, 10),
    "FT1 last": PublishedRow(Confusion(134, 201, 8, 432), 0.86442, 10),
    "FT1 -1last": PublishedRow(Confusion(64, 90, 78, 543), 0.75724, 10),
    "FT1 last2": PublishedRow(Confusion(80, 51, 62, 582), 0.84849, 10),
    "FT1 -1&last1": PublishedRow(Confusion(0, 0, 142, 633), 0.26549, 0),
    "FT2 last": PublishedRow(Confusion(106, 146, 36, 487), 0.81017, 9),
    "FT3 last": PublishedRow(Confusion(0, 0, 142, 633), 0.32991, 0),
    "FT4 last": PublishedRow(Confusion(108, 92, 34, 541), 0.88195, 10),
}
"""Rows by model; the text besides gives 57.92 % for the area of the first, the tables 55.45 %."""
