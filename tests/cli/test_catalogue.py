"""What ships."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Shell


def test_catalogues_are_listed_as_text_and_json(shell: Shell) -> None:
    for command, key, expected in (
        ("spaces", "spaces", "transfer"),
        ("models", "models", "resnet50"),
        ("augmentations", "augmentations", "cutmix"),
    ):
        assert expected in shell.run(command).stdout
        document = json.loads(shell.ask(command, "--format", "json").stdout)
        assert expected in {entry["name"] for entry in document[key]}


def test_layer_table_tells_what_can_be_frozen(shell: Shell) -> None:
    done = shell.ask("models", "--layers", "small_resnet", "--image-size", "8", "--format", "json")
    layers = json.loads(done.stdout)["layers"]
    assert layers[-1]["share"] == 1.0
    assert any(layer["block"] for layer in layers)


def test_schema_is_json_schema(shell: Shell) -> None:
    schema = json.loads(shell.run("schema").stdout)
    assert schema["$schema"].startswith("https://json-schema.org/draft/2020-12")
    assert "study" in schema["properties"]
