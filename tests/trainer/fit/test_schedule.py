from __future__ import annotations

import keras
import numpy as np
import pytest

from trainer.config import TrainingConfig
from trainer.fit.optimizers import epoch_rates, plateaus


def rates(steps: int = 10, val_losses: list[float] | None = None, **settings: object) -> np.ndarray:
    training = TrainingConfig.model_validate({"learning_rate": 0.1, "epochs": 4, **settings})
    losses = val_losses or [1.0] * training.epochs
    return np.concatenate([epoch_rates(training, epoch, steps, losses[: epoch - 1]) for epoch in range(1, training.epochs + 1)])


def test_constant_is_constant() -> None:
    assert rates() == pytest.approx(np.full(40, 0.1))


def test_cosine_falls_from_the_peak_to_nearly_nothing_and_never_below_the_minimum() -> None:
    curve = rates(schedule="cosine")
    assert curve[0] == pytest.approx(0.1)
    assert curve[20] == pytest.approx(0.05)
    assert 0 < curve[-1] < 1e-3
    assert np.all(np.diff(curve) < 0)
    assert rates(schedule="cosine", min_learning_rate=0.02).min() == pytest.approx(0.02)


def test_warm_up_rises_by_steps_over_a_fraction_of_an_epoch_too() -> None:
    curve = rates(warmup_epochs=0.5, schedule="cosine")
    assert np.all(np.diff(curve[:6]) > 0)
    assert curve[4] < curve[5] == pytest.approx(0.1)


def test_step_multiplies_every_so_many_epochs() -> None:
    curve = rates(schedule="step", schedule_patience=2, schedule_factor=0.1)
    assert curve == pytest.approx(np.repeat([0.1, 0.01], 20))


@pytest.mark.parametrize("patience", [1, 2, 3])
def test_plateaus_are_those_of_keras(patience: int) -> None:
    losses = [1.0, 0.9, 0.95, 0.93, 0.92, 0.89995, 0.5, 0.6, 0.6, 0.6, 0.6, 0.4, 0.4, 0.41]
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(1.0))
    callback = keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=patience)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, loss in enumerate(losses):
        callback.on_epoch_end(epoch, {"val_loss": loss})
        assert 0.5 ** plateaus(losses[: epoch + 1], patience) == pytest.approx(float(model.optimizer.learning_rate))
