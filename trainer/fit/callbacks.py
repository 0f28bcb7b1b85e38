"""Keras callbacks of a person's own: called at the beginning and end of training, epochs and validation, and watched, so that they look and do not steer.

What they might steer by belongs to the settings, where it is on record and where a resumed training finds it again. Found out are: a changed weight or moving
statistic (by a checksum), a changed learning rate, layers that were frozen or thawed, and ``model.stop_training``.
"""

from __future__ import annotations

import contextlib
import inspect
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from trainer.errors import UserCodeError
from trainer.network.parts import all_layers, digest_of
from trainer.user_code import call_function, import_function

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from trainer.fit.engine import Engine

KEY = "training.callbacks"
UNCALLED = tuple(f"on_{prefix}batch_{moment}" for prefix in ("", "train_", "test_") for moment in ("begin", "end"))
"""Hooks that nobody calls: the steps of an epoch run compiled."""
INSTEAD = {
    "the weights": "use the settings of model and training (ema, weight_decay, precise_bn)",
    "the learning rate": "use training.schedule, training.warmup_epochs and training.learning_rate",
    "which layers are trained": "use model.frozen_layers and training.unfreeze_every",
    "model.stop_training": "use training.early_stopping or search.pruner",
}


def check_callbacks(references: Sequence[str], arguments: Mapping[str, Mapping[str, Any]] = MappingProxyType({})) -> None:
    """Refuse what is no callback, one that does not take its arguments, or one whose hooks would not be called; none is made.

    Args:
        references: ``package.module:Class`` of each.
        arguments: of each that has some, by name.

    Raises:
        UserCodeError: says which and why.
    """
    import keras

    for reference in references:
        found: Any = import_function(reference, KEY)
        if not (isinstance(found, type) and issubclass(found, keras.callbacks.Callback)):
            raise UserCodeError(f"{KEY}: {reference!r} is no subclass of keras.callbacks.Callback")
        given = arguments.get(reference, {})
        try:
            inspect.signature(found).bind(**given)
        except TypeError as error:
            raise UserCodeError(
                f"{KEY}: {reference!r} cannot be made with ({', '.join(given)}): {error}. Its arguments are written in training.arguments"
            ) from None
        uncalled = [hook for hook in UNCALLED if getattr(found, hook) is not getattr(keras.callbacks.Callback, hook)]
        if uncalled:
            raise UserCodeError(
                f"{KEY}: {reference!r} defines {uncalled[0]}, which is not called: the steps of an epoch run compiled. "
                "Called are on_train_begin, on_train_end, on_epoch_begin, on_epoch_end, on_test_begin and on_test_end"
            )


class OwnCallbacks:
    """The callbacks of one training, made by `begin`."""

    def __init__(self, references: Sequence[str], arguments: Mapping[str, Mapping[str, Any]], engine: Engine) -> None:
        self._references, self._arguments, self._engine = tuple(references), arguments, engine
        self._callbacks: list[tuple[str, Any]] = []
        self._ended = False

    def begin(self, epochs: int, steps: int) -> None:
        """Make them, give them the model, and tell them that training begins, or goes on."""
        check_callbacks(self._references, self._arguments)
        for reference in self._references:
            with self._watched(reference, "__init__"):
                callback = call_function(reference, KEY, **self._arguments.get(reference, {}))
                callback.set_params({"epochs": epochs, "steps": steps, "verbose": 0})
                callback.set_model(self._engine.network.built.model)
            self._callbacks.append((reference, callback))
        self.call("on_train_begin")

    def call(self, hook: str, *epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Call a hook of each; epochs count from 0, as Keras counts them.

        Raises:
            UserCodeError: it raised an error, or steered.
        """
        for reference, callback in self._callbacks:
            with self._watched(reference, hook):
                try:
                    getattr(callback, hook)(*epoch, dict(logs or {}))
                except Exception as error:
                    raise UserCodeError(
                        f"{KEY}: {reference!r} raised {type(error).__name__} in {hook}: {error}. The error is in that code, not in Steadysweep"
                    ) from error

    def end(self, logs: Mapping[str, float]) -> None:
        """Tell them once that training is over."""
        if not self._ended:
            self._ended = True
            self.call("on_train_end", logs=logs)

    @contextlib.contextmanager
    def _watched(self, reference: str, hook: str) -> Iterator[None]:
        """Inside, the model has an ``optimizer`` and ``stop_training`` as in ``fit``; what has changed afterwards is told."""
        model, optimizers = self._engine.network.built.model, [group.optimizer for group in self._engine.groups]
        before = self._state(optimizers)
        shown = {"optimizer": optimizers[0], "stop_training": False}
        for name, value in shown.items():
            object.__setattr__(model, name, value)  # Keras would track what is set in the ordinary way, and save it with the model
        try:
            yield
            stopped = bool(model.stop_training)
        finally:
            for name in shown:
                with contextlib.suppress(AttributeError):
                    object.__delattr__(model, name)
        after = self._state(optimizers)
        changed = [what for what in before if before[what] != after[what]] + (["model.stop_training"] if stopped else [])
        if changed:
            verb = "set" if changed[0] == "model.stop_training" else "changed"
            raise UserCodeError(
                f"{KEY}: {reference!r} {verb} {changed[0]} in {hook}. Callbacks may look, but not steer: {INSTEAD[changed[0]]}"
            )

    def _state(self, optimizers: Sequence[Any]) -> dict[str, object]:
        network = self._engine.network
        return {
            "the weights": digest_of(network.variables),
            "the learning rate": [float(optimizer.learning_rate) for optimizer in optimizers],
            "which layers are trained": [layer.trainable for layer in all_layers(network.built.model)],
        }
