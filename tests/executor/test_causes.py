"""Whose memory was full: TensorFlow's messages as it writes them."""

from __future__ import annotations

import pytest

from sweeps.executor.attempt import cause_of
from sweeps.executor.protocol import Cause


class ResourceExhaustedError(Exception):
    """Named as TensorFlow's own."""


BY_XLA = "Out of memory while trying to allocate 34359738368 bytes. [Op:__inference_step_1234]"


@pytest.mark.parametrize(
    ("message", "on_gpu", "cause"),
    [
        (
            "OOM when allocating tensor with shape[8] on /job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc",
            True,
            Cause.GPU_OUT_OF_MEMORY,
        ),
        (
            "OOM when allocating tensor with shape[8] on /job:localhost/replica:0/task:0/device:CPU:0 by allocator cpu",
            True,
            Cause.OUT_OF_MEMORY,
        ),
        (
            "OOM when allocating tensor with shape[8] on /job:localhost/replica:0/task:0/device:CPU:0 by allocator cpu",
            False,
            Cause.OUT_OF_MEMORY,
        ),
        (BY_XLA, True, Cause.GPU_OUT_OF_MEMORY),
        (BY_XLA, False, Cause.OUT_OF_MEMORY),
    ],
)
def test_the_memory_that_was_full_is_told_from_the_message_and_the_trials_share(message: str, on_gpu: bool, cause: Cause) -> None:  # noqa: FBT001 - a parameter of the test
    assert cause_of(ResourceExhaustedError(message), on_gpu=on_gpu) is cause
