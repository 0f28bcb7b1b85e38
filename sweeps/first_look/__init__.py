"""From a folder of images to a sweep file that fits it: what ``steadysweep init`` sees, says, proposes and writes."""

from __future__ import annotations

from sweeps.first_look.observations import observations
from sweeps.first_look.proposal import Proposal, file_text, propose
from sweeps.first_look.refusals import refusal

__all__ = ["Proposal", "file_text", "observations", "propose", "refusal"]
