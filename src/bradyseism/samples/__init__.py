"""Floor 4: labelled arrays. One encoding turns a map into network input, in training and in detection."""

from __future__ import annotations

from bradyseism.samples.encoding import Encoding, NormalisedWindow, WrappedPatch, encoding_from

__all__ = ["Encoding", "NormalisedWindow", "WrappedPatch", "encoding_from"]
