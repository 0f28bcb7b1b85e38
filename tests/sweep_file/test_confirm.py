"""What `confirm` may say: words, a budget, a fixed number of seeds, and what files of before wrote."""

from __future__ import annotations

import json

import pytest

from sweeps.errors import SweepInputError
from sweeps.sweep_file import sweep_from_text
from sweeps.sweep_file.comparison import compare
from sweeps.sweep_file.reference import json_schema
from sweeps.sweep_file.settings import NO_CONFIRMATION, ConfirmSettings

BASE = "study: s\ndata: {source: digits}\nspace: {dropout: {float: [0.0, 0.6]}}\n"
AUTO = ConfirmSettings(budget="auto")


@pytest.mark.parametrize(
    ("written", "meant", "resolved"),
    [
        ("", AUTO, "confirm: auto"),
        ("confirm: auto", AUTO, "confirm: auto"),
        ("confirm: {}", AUTO, "confirm: auto"),
        ("confirm: {budget: auto, resplit: false}", AUTO, "confirm: auto"),
        ("confirm: off", NO_CONFIRMATION, "confirm: 'off'"),
        ("confirm: {budget: 0}", NO_CONFIRMATION, "confirm: 'off'"),
        ("confirm: {top: 0, seeds: 3}", NO_CONFIRMATION, "confirm: 'off'"),
        ("confirm: {budget: 5}", ConfirmSettings(budget=5), "confirm: {budget: 5}"),
        ("confirm: {resplit: true}", ConfirmSettings(budget="auto", resplit=True), "confirm: {budget: auto, resplit: true}"),
        ("confirm: {top: 3, seeds: 2}", ConfirmSettings(top=3, seeds=2), "confirm: {top: 3, seeds: 2}"),
        ("confirm: {top: 2}", ConfirmSettings(top=2, seeds=3), "confirm: {top: 2, seeds: 3}"),
    ],
)
def test_every_form_has_one_meaning_that_the_resolved_file_keeps(written: str, meant: ConfirmSettings, resolved: str) -> None:
    sweep = sweep_from_text(BASE + written)
    assert sweep.confirm == meant
    assert resolved in sweep.to_yaml().splitlines()
    assert sweep_from_text(sweep.to_yaml()) == sweep


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("maybe", "sweep file:4: confirm: expected one of auto, off, or a mapping, got 'maybe'"),
        ("3", "confirm: expected one of auto, off, or a mapping, got 3"),
        ("{budget: -1}", "confirm.budget: expected the word auto, or a whole number >= 0"),
        ("{bugdet: 3}", "confirm.bugdet: unknown key; did you mean 'budget'?"),
        ("{top: 2, seeds: 0}", "confirm.seeds: expected a whole number >= 1"),
        ("{top: 2, budget: 4}", "budget and top contradict each other"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_key_and_once(written: str, words: str) -> None:
    with pytest.raises(SweepInputError) as refused:
        sweep_from_text(f"{BASE}confirm: {written}")
    assert words in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_other_validation_images_cannot_be_drawn_where_the_training_images_validate() -> None:
    text = BASE.replace("digits}", "digits, split: {validation: train}}") + "confirm: {resplit: true}\nallow: [validation_is_train]"
    with pytest.raises(SweepInputError, match=r"confirm\.resplit: .*data\.split\.validation is train; leave resplit out"):
        sweep_from_text(text)


def test_an_option_changes_a_word_of_the_file_into_keys() -> None:
    assert sweep_from_text(f"{BASE}confirm: auto", overrides=["confirm.budget=8"]).confirm == ConfirmSettings(budget=8)
    assert sweep_from_text(f"{BASE}confirm: {{budget: 3}}", overrides=["confirm=off"]).confirm == NO_CONFIRMATION


def test_a_change_is_one_difference_in_the_file_s_own_words() -> None:
    (difference,) = compare(sweep_from_text(f"{BASE}confirm: {{top: 3, seeds: 3}}"), sweep_from_text(BASE)).differences
    assert str(difference) == "confirm: '{top: 3, seeds: 3}' -> 'auto'"
    assert difference.allowed


def test_the_schema_knows_words_and_keys() -> None:
    schema = json_schema()
    words, keys = schema["properties"]["confirm"]["anyOf"]
    assert words["enum"] == ["auto", "off"]
    assert set(schema["$defs"][keys["$ref"].rpartition("/")[2]]["properties"]) == {"budget", "resplit", "top", "seeds"}
    assert json.dumps(schema)
