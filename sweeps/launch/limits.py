"""Which corners of a space break ``search.limits``, before a sweep is run: one network of each architecture that they reach is built and measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.costs import broken_limits
from sweeps.errors import SweepInputError
from sweeps.launch.whole_space import offending, points_of
from sweeps.sweep_file.configuration import absolute_config, train_config
from trainer.config import TrainConfig
from trainer.network.compile_key import architecture_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from search_spaces.conditions import PointValue
    from sweeps.launch.model_probe import MeasuredNetwork
    from sweeps.sweep_file import SweepFile

MOST_NETWORKS = 12
"""Built for a check; each takes seconds."""


@dataclass(frozen=True)
class Corner:
    """An architecture that corners of a space have.

    Attributes:
        config: of the first of them.
        points: all of them.
    """

    config: TrainConfig
    points: tuple[Mapping[str, PointValue], ...]


@dataclass(frozen=True)
class Broken:
    """What some corners break.

    Attributes:
        reason: which limits, with figures; or why the network cannot be built.
        reached_with: values, or pairs of values, that lead there; empty where every corner does.
    """

    reason: str
    reached_with: tuple[str, ...]


@dataclass(frozen=True)
class LimitCheck:
    """A space beside its limits.

    Attributes:
        networks: how many were built.
        left_out: architectures of corners that were not.
        broken: what was found.
        all_broken: whether no network that was built keeps the limits.
    """

    networks: int
    left_out: int
    broken: tuple[Broken, ...]
    all_broken: bool

    @property
    def lines(self) -> list[str]:
        """In words, a line each."""
        kept = f"{self.networks} of the space's networks built and measured here: " + (
            "every one breaks search.limits" if self.all_broken else "some break search.limits" if self.broken else "all keep search.limits"
        )
        lines = [kept, *(f"{' or '.join(each.reached_with) or 'every corner'}: {each.reason}" for each in self.broken)]
        more = f"{self.left_out} further ones were not built; a trial is refused before its first epoch where a limit is broken"
        return [*lines, more] if self.left_out else lines


def corners_of(sweep: SweepFile, base: Path) -> list[Corner]:
    """The architectures at the corners of a sweep's space, in the order in which they are reached; its own settings where nothing is varied."""
    found: dict[str, tuple[TrainConfig, list[Mapping[str, PointValue]]]] = {}
    for point in list(points_of(sweep.space)) or [{}]:
        try:
            config = TrainConfig(**absolute_config(train_config(sweep, point, sweep.search.seed).model_dump(mode="json"), base))
        except SweepInputError:
            continue  # settings that contradict each other: such a trial fails with that message
        found.setdefault(architecture_key(config), (config, []))[1].append(point)
    return [Corner(config, tuple(points)) for config, points in found.values()]


def judge_limits(limits: Mapping[str, float], corners: Sequence[Corner], networks: Sequence[MeasuredNetwork]) -> LimitCheck:
    """Name the values that lead to networks above a limit.

    Args:
        limits: cost to limit.
        corners: all architectures.
        networks: of the first of them, those that were built.
    """
    built = list(zip(corners, networks, strict=False))
    looked_at = [point for corner, _ in built for point in corner.points]
    reasons: dict[str, list[Mapping[str, PointValue]]] = {}
    for corner, network in built:
        if reason := network.problem or broken_limits(network.figures, limits):
            reasons.setdefault(reason, []).extend(corner.points)
    broken = []
    for reason, points in reasons.items():
        causes = offending(points, looked_at) if len(points) < len(looked_at) else []
        broken.append(Broken(reason, tuple(" with ".join(f"{name}: {value}" for name, value in cause) for cause in causes)))
    return LimitCheck(
        len(built), len(corners) - len(built), tuple(broken), bool(built) and sum(map(len, reasons.values())) == len(looked_at)
    )
