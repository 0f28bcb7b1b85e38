"""The Jinja environment: escaping on, unknown names are errors."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports.html import assets

if TYPE_CHECKING:
    from reports.flags.flag import EvidenceValue


@cache
def environment() -> Environment:
    """One environment a process."""
    env = Environment(
        loader=PackageLoader("reports.html", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    env.filters["words"] = words
    env.filters["evidence"] = evidence
    return env


def frame(title: str, sections: list[tuple[str, str]], *, payload: str = "", refresh_seconds: int | None = None) -> dict[str, object]:
    """What the frame of every page needs; our own styles, scripts and the escaped payload are the only marked-safe texts."""
    return {
        "title": title,
        "sections": [{"id": identifier, "label": label} for identifier, label in sections],
        "policy": assets.security_policy(),
        "styles": Markup(assets.styles()),  # noqa: S704 - our own files
        "scripts": Markup(assets.scripts()),  # noqa: S704 - our own files
        "payload": Markup(payload),  # noqa: S704 - escaped by `payload.script_safe`
        "refresh_seconds": refresh_seconds,
    }


def words(name: str) -> str:
    """``bn_gap`` as ``bn gap``."""
    return name.replace("_", " ")


def evidence(value: EvidenceValue) -> str:
    """A figure of a flag's evidence, readable."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return f"{value[0]} to {value[1]}" if len(value) == 2 else ", ".join(map(str, value[:30]))  # noqa: PLR2004 - first and last
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else "not finite"
    return f"{value:,}" if isinstance(value, int) else value
