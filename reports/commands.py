"""What a reader pastes: a configuration's settings as YAML and as options, and the commands that train it again and export its file."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

from reports.records import StudySettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.ranking import RankedConfiguration
    from reports.records import ParameterValue, StudyRecord

PLAIN_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*|\d+%")
RESERVED = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""Words that YAML 1.1 reads as something else."""


def yaml_value(value: object) -> str:
    """A value as YAML that reads back as exactly this value, on one line: JSON, without quotes where a plain word needs none."""
    if isinstance(value, str):
        plain = PLAIN_WORD.fullmatch(value) is not None and value.lower() not in RESERVED
        return value if plain else json.dumps(value, ensure_ascii=False)
    if isinstance(value, float):
        mantissa, exponent, power = repr(value).partition("e")  # YAML 1.1 takes 1e-05 for a word, 1.0e-05 for a number
        return f"{mantissa if '.' in mantissa or not exponent else mantissa + '.0'}{exponent}{power}"
    return json.dumps(value, ensure_ascii=False)


def settings_of(study: StudyRecord, params: Mapping[str, ParameterValue]) -> dict[str, object]:
    """The searched settings of a configuration, each with the value that its label stands for."""
    return StudySettings(study).values(params)


def settings_yaml(study: StudyRecord, params: Mapping[str, ParameterValue]) -> str:
    """One line a setting: as an entry of ``starting_points``, or with the values put in place of a space's."""
    return "\n".join(f"{yaml_value(name)}: {yaml_value(value)}" for name, value in settings_of(study, params).items())


def set_options(study: StudyRecord, params: Mapping[str, ParameterValue]) -> str:
    """``--set NAME=VALUE`` for each setting, quoted for a shell."""
    return " ".join(f"--set {shlex.quote(f'{name}={yaml_value(value)}')}" for name, value in settings_of(study, params).items())


def sweep_file_name(study: StudyRecord) -> str:
    """The sweep file as the study's command named it; ``sweep.yaml`` where it named none."""
    try:
        words = shlex.split(study.facts.get("command", ""))
    except ValueError:
        words = []
    return next((word for word in words[1:] if word.endswith((".yaml", ".yml"))), "sweep.yaml")


def train_command(study: StudyRecord, params: Mapping[str, ParameterValue]) -> str:
    """Trains the configuration once more, as a study of its own."""
    return f"steadysweep train {shlex.quote(sweep_file_name(study))} {set_options(study, params)}".rstrip()


def export_command(study: StudyRecord, row: RankedConfiguration) -> str:
    """Writes the configuration's model, settings and card into a new folder; empty where no training of it was completed."""
    if row.exported_by is None:
        return ""
    folder = shlex.quote(f"{study.name}-{row.short}")
    return study_command(study, "export", f"--configuration {shlex.quote(row.short)}", f"-o {folder}")


def study_command(study: StudyRecord, verb: str, *options: str) -> str:
    """A command on a study; `options` are quoted already."""
    return " ".join(["steadysweep", verb, shlex.quote(study.name), *storage_option(study), *options])


def new_study_command(study: StudyRecord, name: str, *changes: str) -> str:
    """A new study from this one's sweep file, with ``KEY=VALUE`` changes, that begins with its trials."""
    given = [f"--set {shlex.quote(change)}" for change in (f"study={name}", *changes)]
    return " ".join(["steadysweep run", f"--from {shlex.quote(study.name)}", *storage_option(study), *given])


def storage_option(study: StudyRecord) -> list[str]:
    """The storage as the sweep file names it, where it is not the one that the command looks for by itself."""
    storage = StudySettings(study).entry("storage")
    if not isinstance(storage, str) or storage in {f"sqlite:///{study.name}.db", f"sqlite:///./{study.name}.db"}:
        return []
    return [f"--storage {shlex.quote(storage)}"]


def own_sweep(study: StudyRecord) -> bool:
    """Whether the study is one of ours, which the commands can read."""
    return study.kind == "study" and bool(study.sweep_file)
