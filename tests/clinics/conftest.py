"""The clinics' own modules, imported as their scripts import them."""

from __future__ import annotations

import sys
from pathlib import Path

CLINICS = Path(__file__).parents[2] / "examples" / "clinics"
sys.path.insert(0, str(CLINICS))
