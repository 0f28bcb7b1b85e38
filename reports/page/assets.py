"""Style sheets and scripts, inlined; their hashes are all that the page's security policy allows."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib import resources

STYLES = ("variables", "page", "verdict", "ranking", "curves", "parameters", "diagnosis", "sweep", "reproduce", "comparison", "print")
SCRIPTS = (
    "elements",
    "payload",
    "state",
    "scale",
    "sparkline",
    "rows",
    "series",
    "table",
    "filters",
    "curve_chart",
    "curves",
    "marginals",
    "parallel",
    "heatmap",
    "page",
    "main",
)
"""In the order in which one may use another."""
IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./(\w+)\.js";$', re.MULTILINE)
EXPORT = re.compile(r"^export (async function|function|const) (\w+)", re.MULTILINE)


@cache
def styles() -> str:
    """All style sheets as one text."""
    return "\n".join(_read("css", f"{name}.css") for name in STYLES)


@cache
def scripts() -> str:
    """All scripts as one: each module becomes a function that returns what it exports, so that their private names stay apart."""
    return "\n".join(_as_function(name, _read("scripts", f"{name}.js")) for name in SCRIPTS)


def _as_function(name: str, source: str) -> str:
    """An ECMAScript module, as an expression that names its exports."""
    exported = ", ".join(match.group(2) for match in EXPORT.finditer(source))
    body = EXPORT.sub(r"\1 \2", IMPORT.sub(r"const \1 = module_\2;", source))
    return f"const module_{name} = (() => {{\n{body}\nreturn {{ {exported} }};\n}})();"


@cache
def security_policy() -> str:
    """A Content-Security-Policy that lets our own script and styles run and nothing load from anywhere."""
    return f"default-src 'none'; script-src '{_hash(scripts())}'; style-src '{_hash(styles())}'; img-src data:; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _read(folder: str, name: str) -> str:
    return (resources.files("reports.page") / folder / name).read_text(encoding="utf-8")
