import math

import pytest

from search_spaces.errors import SpaceError
from search_spaces.located_yaml import load_yaml, load_yaml_file
from search_spaces.space import shipped_names, shipped_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e-5", 1e-5),
        ("1.0e-5", 1e-5),
        (".5", 0.5),
        ("+3", 3),
        ("0x1F", 31),
        ("0o17", 15),
        ("017", 17),
        ("-.inf", -math.inf),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("none", "none"),
        ("null", None),
        ("~", None),
        ("", None),
        ("true", True),
        ("False", False),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("1e", "1e"),
        ("50%", "50%"),
        ("'5'", "5"),
        ('"true"', "true"),
        ("|\n  5\n", "5\n"),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, expected: object) -> None:
    value = load_yaml(f"key: {text}", "f.yaml").value["key"]
    assert value == expected
    assert type(value) is type(expected)


def test_keys_are_text_and_every_key_has_its_line() -> None:
    document = load_yaml("a:\n  b: 1\n  c:\n    - x\n    - {d: 2}\n0.10: y\ntrue: z\n", "f.yaml")
    assert document.value == {"a": {"b": 1, "c": ["x", {"d": 2}]}, "0.10": "y", "true": "z"}
    assert document.where(("a", "b")) == "f.yaml:2"
    assert document.where(("a", "c", 1, "d")) == "f.yaml:5"
    assert document.where(("0.10",)) == "f.yaml:6"
    assert document.where(("a", "c", 1, "missing", "deeper")) == "f.yaml:5", "an unknown key is placed at the nearest known one above it"
    assert document.where(("missing",)) == "f.yaml:1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "f.yaml:3: a: duplicate key, first given in line 1"),
        ("a:\n  b: 1\n  b: 1", "f.yaml:3: a.b: duplicate key, first given in line 2"),
        ("a:\n\tb: 1", "f.yaml:2: a tab in the indentation"),
        ("a: [1, 2\nb: 3", "f.yaml:2: not valid YAML"),
        ("a: b: c", "f.yaml:1: not valid YAML"),
        ("a: 1\n---\nb: 2", "f.yaml:2: not valid YAML"),
        ("a: *b", "f.yaml:1: not valid YAML: found undefined alias 'b'"),
        ("x: 1\na: &b [*b]", "f.yaml:2: a[0]: an alias inside its own anchor"),
        ("a: !!python/object:os.system 1", "f.yaml:1: a: expected no tag"),
        ("a:\n  [b]: 1", "f.yaml:2: a: expected a name before the colon"),
        ("a: \x00", "f.yaml: not valid YAML"),
    ],
)
def test_bad_documents_name_file_line_and_cause(text: str, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        load_yaml(text, "f.yaml")
    assert str(caught.value).startswith(message)


def test_several_problems_are_reported_together() -> None:
    with pytest.raises(SpaceError) as caught:
        load_yaml("a: 1\na: 2\nb: !x 3", "f.yaml")
    assert [problem.where for problem in caught.value.problems] == ["f.yaml:2", "f.yaml:3"]


def test_aliases_cannot_multiply_without_bound() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    with pytest.raises(SpaceError, match="aliases multiply"):
        load_yaml(bomb, "f.yaml")


@pytest.mark.parametrize("text", ["[" * 600 + "]" * 600, "{a: " * 600 + "1" + "}" * 600])
def test_nesting_without_end_is_refused(text: str) -> None:
    with pytest.raises(SpaceError, match="nested too deeply"):
        load_yaml(text, "f.yaml")


def test_files_that_cannot_be_read(tmp_path) -> None:  # noqa: ANN001
    with pytest.raises(SpaceError, match="no such file"):
        load_yaml_file(tmp_path / "missing.yaml")
    with pytest.raises(SpaceError, match="got a folder"):
        load_yaml_file(tmp_path)
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("a: é".encode("latin-1"))
    with pytest.raises(SpaceError, match="not UTF-8"):
        load_yaml_file(latin)
    marked = tmp_path / "bom.yaml"
    marked.write_bytes(b"\xef\xbb\xbfa: 1")
    assert load_yaml_file(marked).value == {"a": 1}


@pytest.mark.parametrize("name", shipped_names())
def test_libyaml_and_python_read_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = load_yaml(shipped_text(name), name)
    monkeypatch.setattr("yaml.__with_libyaml__", False)
    assert load_yaml(shipped_text(name), name) == fast
    assert len(fast.places) > 10
