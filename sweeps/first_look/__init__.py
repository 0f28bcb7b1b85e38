"""From a folder of images to a sweep file that fits it: what ``steadysweep init`` sees, says, proposes and writes."""

from __future__ import annotations

from sweeps.first_look.observations import count, observations, refusal
from sweeps.first_look.proposal import Proposal, file_text, propose

__all__ = ["Proposal", "count", "file_text", "observations", "propose", "refusal"]
