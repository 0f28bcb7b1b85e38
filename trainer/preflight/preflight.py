"""All checks over one set-up."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from trainer.errors import ConfigError
from trainer.preflight.checks import CHECKS
from trainer.preflight.findings import Setup

if TYPE_CHECKING:
    from trainer.config import TrainConfig
    from trainer.data.images import ImageData
    from trainer.network.inspect import ModelFacts
    from trainer.preflight.findings import Finding

_ORDER = {"error": 0, "warning": 1, "info": 2}


def preflight(config: TrainConfig, data: ImageData, model_facts: ModelFacts | None = None) -> tuple[Finding, ...]:
    """What would spoil this training, most severe first; nothing on a healthy set-up.

    Args:
        config: all settings; findings named in `allow` are left out.
        data: the loaded images.
        model_facts: of the built model; without them the checks that need a model are silent.

    Raises:
        ConfigError: `allow` names a finding that does not exist.
    """
    known = finding_names()
    for name in config.allow:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(f"allow: no finding is called {name!r}{hint}; known: {', '.join(known)}")
    setup = Setup(config, data, model_facts)
    found = [finding for check in CHECKS for finding in check.find(setup) if finding.name not in config.allow]
    return tuple(sorted(found, key=lambda finding: _ORDER[finding.severity]))


def finding_names() -> dict[str, str]:
    """Every finding there can be, with a sentence about it."""
    return {name: text for check in CHECKS for name, text in check.FINDINGS.items()}
