"""Where every seed of a study comes from: hashes of the study's seed and of what the seed is for, never a trial number."""

from __future__ import annotations

import hashlib

from reports.records import SEARCHED

SEED_BITS = 31  # fits NumPy's, Optuna's and Keras' seeds alike


def proposal_seed(study_seed: int, proposal: int, draw: int = 0) -> int:
    """Seed of a proposal, in [0, 2³¹).

    Args:
        study_seed: the sweep file's ``search.seed``.
        proposal: how many search configurations are on record before this one.
        draw: counts the draws of one proposal: 0, then one more for every duplicate.
    """
    return _hashed("proposal", study_seed, proposal, draw)


BY_TRAINING, SEEDS = "by training", "training_seeds"
"""The value and the name of the fact on record of studies in which search trials that differ in BatchNorm momentum alone have one training seed, so that one training
gives all of them; studies begun before have no such fact, and a seed for each configuration."""


def training_seed(study_seed: int, configuration: str, replicate: int = 0) -> int:
    """Seed of a training, in [0, 2³¹).

    Args:
        study_seed: the sweep file's ``search.seed``.
        configuration: ID of the configuration; in the search of a study with the fact `SEEDS`, without what changes no weight (BatchNorm momentum).
        replicate: 0 in the search, and -1, -2, ... for its duplicates; 1, 2, ... for fresh trainings of the same configuration.
    """
    return _hashed("training", study_seed, configuration, replicate)


def validation_seed(study_seed: int, replicate: int) -> int:
    """Seed of the training and validation images of a fresh training, in [0, 2³¹); shared by all configurations, so that they are compared on the same images.

    Args:
        study_seed: the sweep file's ``search.seed``.
        replicate: 1, 2, ... for the fresh trainings of a configuration.
    """
    return _hashed("validation images", study_seed, replicate)


def race_seed(study_seed: int, trainings: int) -> int:
    """Seed of the choice of the next fresh training, in [0, 2³¹).

    Args:
        study_seed: the sweep file's ``search.seed``.
        trainings: fresh trainings on record before it.
    """
    return _hashed("race", study_seed, trainings)


COMMON, STREAMS = "common", "streams"
"""The value and the name of the fact on record of studies whose search trials share their data's streams; studies begun before have no such fact."""


def data_seed(study_seed: int, role: str, replicate: int, streams: str | None) -> int | None:
    """Seed of a training's data order and augmentation; None: its training seed.

    In the search it depends on the study and the replicate alone, so that every configuration sees the same augmented images in the same epochs and what is
    computed of them can be shared. A confirmation draws its own, as a new training would. Dropout and initial weights always follow the training seed.

    Args:
        study_seed: the sweep file's ``search.seed``.
        role: why the trial is trained.
        replicate: of the trial.
        streams: the study's fact `STREAMS`.
    """
    return _hashed("data", study_seed, replicate) if streams == COMMON and role in SEARCHED else None


def _hashed(*parts: str | int) -> int:
    """The first 31 bits of the BLAKE2b hash of `parts`."""
    digest = hashlib.blake2b("\x1f".join(str(part) for part in parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> (64 - SEED_BITS)
