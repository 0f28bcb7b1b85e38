"""Pre-flight checks: what would spoil a training, found before it starts. No TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.errors import ConfigError, nearest
from trainer.preflight import batchnorm, idle, inputs, model, own_code, training
from trainer.preflight import data as data_checks
from trainer.preflight.findings import Check, Finding, NoImagesError, Setup, Severity
from trainer.records import ModelFacts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.config import TrainConfig
    from trainer.data.images import ImageData

__all__ = ["CHECKS", "SETTING_CHECKS", "Finding", "ModelFacts", "Severity", "finding_names", "preflight"]

CHECKS = (
    inputs.input_scaling,
    inputs.per_image_max,
    model.loss_output,
    training.validation_coverage,
    training.training_coverage,
    data_checks.shared_images,
    data_checks.two_labels,
    data_checks.missing_class,
    data_checks.imbalance,
    data_checks.near_constant_images,
    data_checks.contradicting_names,
    data_checks.skipped_files,
    batchnorm.bn_updates,
    batchnorm.single_image_batches,
    inputs.image_size,
    model.frozen_layers,
    batchnorm.frozen_batch_statistics,
    training.precomputed_features,
    own_code.metrics,
    own_code.class_weights,
    model.memory,
    idle.without_effect,
)
"""Every check, in the order in which findings of the same severity are shown. A new check is registered here."""

SETTING_CHECKS = tuple(
    each
    for each in CHECKS
    if each
    not in (
        data_checks.shared_images,
        data_checks.two_labels,
        data_checks.missing_class,
        data_checks.near_constant_images,
        data_checks.contradicting_names,
        data_checks.skipped_files,
        inputs.image_size,
        own_code.metrics,
        own_code.class_weights,
    )
)
"""Those that settings decide which a space may vary; the others look at the images alone."""
_ORDER = {"error": 0, "warning": 1, "info": 2}


def preflight(
    config: TrainConfig, data: ImageData | None, model_facts: ModelFacts | None = None, *, settings: bool | None = None
) -> tuple[Finding, ...]:
    """What would spoil this training, most severe first; nothing on a healthy set-up.

    Args:
        config: all settings; findings named in `allow` are left out.
        data: the loaded images; without them, the checks that look at settings alone are made.
        model_facts: of the built model; the checks that need them are silent without.
        settings: True: only `SETTING_CHECKS`; False: only the others; None: all.

    Raises:
        ConfigError: `allow` names a finding that does not exist.
    """
    known = finding_names()
    for name in config.allow:
        if name not in known:
            raise ConfigError(f"allow: no finding is called {name!r}{nearest(name, known)}; known: {', '.join(known)}")
    setup = Setup(config, data, model_facts)
    checks = [check for check in CHECKS if settings is None or (check in SETTING_CHECKS) == settings]
    findings = [finding for check in checks for finding in _found(check, setup) if finding.name not in config.allow]
    return tuple(sorted(findings, key=lambda finding: _ORDER[finding.severity]))


def _found(check: Check, setup: Setup) -> Iterator[Finding]:
    """What a check finds, until it asks for images where there are none."""
    try:
        yield from check.find(setup)
    except NoImagesError:
        return


def finding_names() -> dict[str, str]:
    """Every finding there can be, with a sentence about it."""
    return {name: text for check in CHECKS for name, text in check.findings.items()}
