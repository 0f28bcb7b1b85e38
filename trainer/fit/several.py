"""Several trainings at once in one process, their heads in one program where that is possible."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from trainer.fit.entrance import train
from trainer.network.compile_key import SLOTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trainer.config import TrainConfig
    from trainer.data import ImageData
    from trainer.records import EpochRecord, TrainResult


def train_together(
    configs: Sequence[TrainConfig],
    on_epoch_end: Callable[[int, EpochRecord], object] | None = None,
    *,
    at_once: int = SLOTS,
    checkpoint_dirs: Sequence[Any] | None = None,
    data: ImageData | None = None,
    **options: Any,  # noqa: ANN401 - those of `train`
) -> list[TrainResult | Exception]:
    """Train configurations whose heads stand on the same frozen part in one program; those that cannot take part are trained one after another.

    Each result is that of a training alone, up to rounding, and does not depend on the others: neither on what they are nor on when they begin and end. Where one
    ends, fails or is stopped, the next takes its place at an epoch's end.

    Args:
        configs: the trainings.
        on_epoch_end: called with a training's place in `configs` and its epoch, in that training's thread; returning True ends that training.
        at_once: trainings that are under way at a time, at least 1; more than `SLOTS` of one kind wait for each other.
        checkpoint_dirs: of each training, see `trainer.train`.
        data: loaded images, the same for all; default: of each configuration.
        options: others of `trainer.train`, the same for all.

    Returns:
        Of each training its result, or the error that ended it.
    """

    def one(place: int) -> TrainResult | Exception:
        listen = None if on_epoch_end is None else lambda record: on_epoch_end(place, record)
        folder = None if checkpoint_dirs is None else checkpoint_dirs[place]
        settings = {"trainings": len(configs), **options}
        try:
            return train(configs[place], listen, checkpoint_dir=folder, data=data, together=True, **settings)
        except Exception as error:  # noqa: BLE001 - one training's failure is no other's
            return error

    with ThreadPoolExecutor(at_once, thread_name_prefix="training") as threads:
        return list(threads.map(one, range(len(configs))))
