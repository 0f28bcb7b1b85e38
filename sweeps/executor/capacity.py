"""How many trials fit at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.errors import SweepInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweeps.sweep_file.settings import ResourceSettings

TOLERANCE = 1e-9


def slots(resources: ResourceSettings, *, autoscaling: bool = False) -> int:
    """Trials at a time: at most ``resources.concurrent``, and as many as the cluster has room for.

    Args:
        resources: what one trial gets.
        autoscaling: whether the cluster grows on demand; then `resources.concurrent` alone counts when it is given.

    Raises:
        SweepInputError: not even one trial fits.
    """
    import ray

    if autoscaling and resources.concurrent is not None:
        return resources.concurrent
    fitting = fit(resources, [node["Resources"] for node in ray.nodes() if node["Alive"]])
    if fitting == 0:
        have = ray.cluster_resources()
        raise SweepInputError(
            f"resources: a trial asks for cpu {resources.cpu:g} and gpu {resources.gpu:g} on one machine, but Ray has "
            f"{have.get('CPU', 0):g} CPUs and {have.get('GPU', 0):g} GPUs over {sum(node['Alive'] for node in ray.nodes())} machine(s). "
            "Ask for less, or join a larger cluster with --address."
        )
    return fitting if resources.concurrent is None else min(resources.concurrent, fitting)


def fit(resources: ResourceSettings, nodes: list[Mapping[str, float]]) -> int:
    """Trials that fit on `nodes` at once; a trial never spans two of them."""
    count = 0
    for node in nodes:
        by_cpu = int(node.get("CPU", 0.0) / resources.cpu + TOLERANCE)
        by_gpu = int(node.get("GPU", 0.0) / resources.gpu + TOLERANCE) if resources.gpu else by_cpu
        count += min(by_cpu, by_gpu)
    return count
