"""The resolved sweep file as YAML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from search_spaces import space_to_mapping
from search_spaces.located_yaml import scalar
from sweeps.sweep_file.searchable import setting_path

if TYPE_CHECKING:
    from sweeps.sweep_file.settings import SweepFile


def sweep_to_yaml(sweep: SweepFile) -> str:
    """Every setting spelled out but those that the space varies; the space inline."""
    data: dict[str, Any] = sweep.model_dump(mode="json", exclude={"space"})
    for name in sweep.space.parameters:
        path = setting_path(name)
        if path is not None:
            data[path[0]].pop(path[1], None)
    ordered = {key: space_to_mapping(sweep.space) if key == "space" else data[key] for key in type(sweep).model_fields}
    return yaml_text(ordered)


def yaml_text(data: Any) -> str:  # noqa: ANN401 - plain data
    """Plain data as YAML that `search_spaces.load_yaml` reads back unchanged."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)


class _Dumper(yaml.SafeDumper):
    """Quotes text that YAML 1.2 would read as something else, which PyYAML, writing YAML 1.1, leaves plain (``1e-5``)."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - PyYAML's signature
        return True


def _text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
    style = None if isinstance(scalar(data), str) else "'"
    if not data.isprintable():  # line breaks of all kinds would be folded
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _text)
