"""Floor 4: labelled arrays; one encoding turns a map into network input, always."""

from __future__ import annotations

from bradyseism.samples.encoding import Encoding, NormalisedWindow, WrappedPatch, encoding_from

__all__ = ["Encoding", "NormalisedWindow", "WrappedPatch", "encoding_from"]
