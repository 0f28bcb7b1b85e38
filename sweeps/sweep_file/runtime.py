"""The section ``runtime`` of a sweep file: the user's code, variables and packages on the workers. And durations: ``8h``, ``5m``, ``90s``, ``1h30m``, ``2d``."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from sweeps.variables import VARIABLE, has_literal_password
from trainer.config.settings import Settings, setting

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_CREDENTIALS = re.compile(r"://[^\s/@]+@")
_SECRET_WORDS = {"PASSWORD", "PASSWD", "SECRET", "TOKEN", "APIKEY"}
_SECRET_PAIRS = ("API_KEY", "ACCESS_KEY", "PRIVATE_KEY")
_RESERVED = {
    "CUDA_VISIBLE_DEVICES": "the executor sets it to the GPUs of the trial; see resources.gpu",
    "PYTHONPATH": "use runtime.working_dir or runtime.py_modules",
}
_TOO_LATE = "it is read when a process starts, and these variables are set in a process that runs; set it on the nodes"


def _folder(place: str) -> str:
    if "://" in place:
        raise ValueError("expected a folder that the driver can read; Ray packs it and sends it to every node")
    return place


def _module(place: str) -> str:
    if "://" in place:
        raise ValueError(
            "expected the folder of a package, or a .whl file, that the driver can read; name a package of an index under runtime.pip"
        )
    return place


def _requirement(line: str) -> str:
    if not line.strip():
        raise ValueError("expected a requirement such as 'timm==1.0.9', got an empty text")
    if _CREDENTIALS.search(line) or VARIABLE.search(line):
        raise ValueError(
            "a requirement holds no secret and no ${VARIABLE}: Ray writes it to its logs; put the credentials of an index into pip.conf or .netrc of the nodes"
        )
    return line


def _environment(given: Any) -> Any:  # noqa: ANN401 - unchecked input
    """Check names and values; values are texts that hold no secret in the clear."""
    if not isinstance(given, dict):
        return given
    for name, value in given.items():
        if not isinstance(name, str) or not _NAME.match(name):
            raise ValueError(f"{name!r} is no name of an environment variable; expected letters, digits and underscores")
        if name in _RESERVED:
            raise ValueError(f"{name} cannot be given: {_RESERVED[name]}")
        if name.startswith(("RAY_", "LD_")):
            raise ValueError(f"{name} cannot be given: {_TOO_LATE}")
        if (_names_secret(name) and VARIABLE.sub("", str(value))) or (isinstance(value, str) and has_literal_password(value)):
            raise ValueError(
                f"{name}: a secret stands here in the clear and would be stored with the study; write {name}: ${{{name}}} and set it in the environment"
            )
        if not isinstance(value, str):
            raise ValueError(f"{name}: expected text, got {value!r}; write it in quotes: {name}: '{value}'")  # noqa: TRY004 - pydantic's way
    return given


def _names_secret(name: str) -> bool:
    upper = name.upper()
    if upper.endswith(("_FILE", "_PATH", "_DIR")):
        return False
    return bool(_SECRET_WORDS & set(upper.split("_"))) or any(pair in upper for pair in _SECRET_PAIRS)


def _place(place: str) -> str:
    if has_literal_password(place):
        raise ValueError("a password stands here in the clear and would be stored with the study; expected a folder or URL without one")
    return place


def _reference(name: str) -> str:
    module, _, attribute = name.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), attribute)):
        raise ValueError(f"expected package.module:Class, got {name!r}; write e.g. my_callbacks:Notes")
    return name


_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?\Z")
_SECONDS = (86_400, 3_600, 60, 1)
PATTERN = r"^(\d+(\.\d+)?d)?(\d+(\.\d+)?h)?(\d+(\.\d+)?m)?(\d+(\.\d+)?s)?$"


def parse_duration(given: object) -> object:
    """Seconds of a duration given as text, e.g. ``1h30m``; everything else is passed on to be judged as a number of seconds.

    Raises:
        ValueError: text that is no duration.
    """
    if not isinstance(given, str):
        return given
    match = _DURATION.match(given.replace(" ", ""))
    if not given.strip() or match is None:
        raise ValueError(f"expected a duration such as 8h, 30m, 90s or 1h30m, or a number of seconds, got {given!r}")
    return sum(float(amount) * seconds for amount, seconds in zip(match.groups(), _SECONDS, strict=True) if amount)


def duration_text(seconds: float) -> str:
    """`seconds` in the form of the file, e.g. ``1h30m``."""
    whole = round(seconds)
    if whole != seconds or whole <= 0:
        return f"{seconds:g}s"
    text = ""
    for unit, length in zip("dhms", _SECONDS, strict=True):
        amount, whole = divmod(whole, length)
        text += f"{amount}{unit}" if amount else ""
    return text


def _silent_after(given: object) -> object:
    """Seconds, or the words ``auto`` and ``off``."""
    return given if given in ("auto", "off") else parse_duration(given)


SilentAfter = Annotated[
    Literal["auto", "off"] | Annotated[float, BeforeValidator(parse_duration), Field(gt=0)], BeforeValidator(_silent_after)
]


class TuneSettings(Settings):
    """What Ray Tune keeps, and whom it tells of every epoch. Used by ``--executor ray-tune`` alone."""

    folder: Annotated[str, AfterValidator(_place)] | None = setting(None, min_length=1)
    """Folder that keeps one Tune experiment per run, ``STUDY-TIME``, with each trial's ``params.json``, ``progress.csv``, ``result.json`` and TensorBoard events.
    Default: nothing is kept."""
    callbacks: tuple[Annotated[str, AfterValidator(_reference)], ...] = setting(())
    """Callbacks of Ray Tune, each ``package.module:Class`` (or a function that makes one), called without arguments, e.g.
    ``[ray.air.integrations.mlflow:MLflowLoggerCallback]``."""


class RuntimeSettings(Settings):
    """Your own code, variables and packages, where trials run. All of it may change when a study is resumed."""

    working_dir: Annotated[str, AfterValidator(_folder)] | None = setting(None, min_length=1)
    """Folder of your own modules, sent to every worker as it is when the run starts. Installed packages come before it, so give your modules names of their own."""
    py_modules: tuple[Annotated[str, AfterValidator(_module)], ...] = setting(())
    """Folders of packages, or ``.whl`` files, that workers can import besides."""
    env: Annotated[dict[str, str], BeforeValidator(_environment)] = setting(default_factory=dict)
    """Environment variables of driver and workers, as texts. A secret is given as ``${VARIABLE}``, taken from the driver's environment and never stored."""
    pip: tuple[Annotated[str, AfterValidator(_requirement)], ...] = setting(())
    """Requirements that Ray installs on each node before the first trial, e.g. ``[timm==1.0.9]``; they come on top of what the node has."""
    silent_after: SilentAfter = setting("auto")
    """How long a running trial may tell nothing. Then its process is ended and the trial is tried again once; silent again, it fails. It is named after half that time.
    ``auto``: twenty times the longest that a trial took from one epoch to the next, 30 minutes at least; 12 hours while nothing is known.
    Or a duration such as ``2h``, or ``off``. Trials of ``--executor inline`` and of ``train`` have no process of their own: they are named alone."""
    tune: TuneSettings = setting(default_factory=TuneSettings)
    """Experiment folder and callbacks of Ray Tune."""
