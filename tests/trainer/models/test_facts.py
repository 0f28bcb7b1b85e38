from __future__ import annotations

import pytest

from trainer.config import TrainConfig
from trainer.network.inspect import model_facts


def facts_of(**model: object) -> object:
    config = TrainConfig.model_validate({"data": {"source": "digits"}, "model": model})
    return model_facts(config, (8, 8, 1), 10)


def test_facts_describe_the_model_that_would_be_trained() -> None:
    whole, frozen = facts_of(), facts_of(frozen_layers="all", bn_momentum=0.5, head_bn=True)
    assert whole.has_batchnorm
    assert whole.max_bn_momentum == pytest.approx(0.9)
    assert whole.parameters > whole.trainable_parameters > 0.9 * whole.parameters, "all but the moving statistics"
    assert whole.backbone_blocks == 7
    assert (whole.output_units, whole.output_activation, whole.loss) == (10, "softmax", "categorical_crossentropy")
    assert frozen.max_bn_momentum == 0.5, "the head's"
    assert frozen.trainable_parameters == 64 * 10 + 10 + 2 * 64
    assert frozen.estimated_memory_bytes < whole.estimated_memory_bytes


def test_a_boundary_that_cannot_be_is_a_fact_not_an_error() -> None:
    assert "beyond the backbone" in facts_of(frozen_layers="40 blocks").frozen_problem
    assert facts_of(frozen_layers="40%").frozen_problem is None
