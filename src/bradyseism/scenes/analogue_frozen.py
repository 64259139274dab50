"""What version of the analogue frames this is, from `analogue_frozen.json` beside this file.

`benchmarks/analogue.py --freeze` writes that file.
"""

from __future__ import annotations

import json
from importlib.resources import files

FROZEN = "analogue_frozen.json"
_FROZEN = json.loads((files("bradyseism.scenes") / FROZEN).read_text(encoding="utf-8"))

VERSION: int = _FROZEN["version"]
SEED: int = _FROZEN["seed"]
SHA256: str = _FROZEN["sha256"]
FINGERPRINTS: dict[str, str] = _FROZEN["fingerprints"]
