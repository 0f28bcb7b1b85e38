"""Configurations that differ in one parameter alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from reports.records import ParameterValue


def matched_groups(
    params: Sequence[Mapping[str, ParameterValue]], parameter: str, sizes: NDArray[np.float64], worse: NDArray[np.bool_]
) -> tuple[int, int]:
    """Count groups that agree in everything but `parameter` and lie on both sides of an association.

    Args:
        params: of each configuration.
        parameter: the one that may differ.
        sizes: the flag's size, ``(num_configurations,)``.
        worse: whether a configuration lies where the flag is more common, ``(num_configurations,)``.

    Returns:
        How many groups have members on both sides and different mean sizes, and how many of these are larger on the worse side.
    """
    groups: dict[tuple[tuple[str, ParameterValue], ...], list[int]] = {}
    for i, of in enumerate(params):
        others = tuple(sorted((name, value) for name, value in of.items() if name != parameter))
        groups.setdefault(others, []).append(i)
    matched = consistent = 0
    for members in groups.values():
        inside = [float(sizes[i]) for i in members if worse[i]]
        outside = [float(sizes[i]) for i in members if not worse[i]]
        if not inside or not outside:
            continue
        difference = sum(inside) / len(inside) - sum(outside) / len(outside)
        matched += difference != 0.0
        consistent += difference > 0.0
    return matched, consistent
