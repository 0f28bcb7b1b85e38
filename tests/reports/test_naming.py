"""Readable names: few words, of the settings that vary, and kept apart."""

from __future__ import annotations

from reports.naming import differing_words, readable_names, setting_words
from reports.records import ParameterRecord

SPACE = (
    ParameterRecord("learning_rate", "float", log=True, low=1e-5, high=1e-1),
    ParameterRecord("dropout", "float", low=0.0, high=0.6),
    ParameterRecord("frozen_layers", "ordinal", labels=("none", "75%", "all")),
    ParameterRecord("augmentation", "choice", labels=("none", "rotate")),
)


def test_a_name_is_what_varies_in_the_order_of_the_space() -> None:
    params = [
        {"augmentation": "rotate", "dropout": 0.55, "learning_rate": 0.0037, "frozen_layers": "75%"},
        {"augmentation": "none", "dropout": 0.55, "learning_rate": 0.02, "frozen_layers": "none"},
    ]
    assert readable_names(params, SPACE) == ["lr 3.7e-3 · 75\u202f% frozen · rotate", "lr 2e-2 · nothing frozen · no augmentation"]


def test_a_single_configuration_is_named_by_all_its_settings() -> None:
    assert readable_names([{"learning_rate": 0.001, "dropout": 0.5}], SPACE) == ["lr 1e-3 · dropout .5"]
    assert readable_names([{}]) == [""]


def test_numbers_get_more_digits_where_few_would_make_two_names_one() -> None:
    names = readable_names([{"learning_rate": 0.00371}, {"learning_rate": 0.00374}], SPACE)
    assert names == ["lr 3.71e-3", "lr 3.74e-3"]


def test_many_settings_are_cut_and_counted() -> None:
    params = [{f"setting_{place}": place + offset for place in range(30)} for offset in (0, 1)]
    assert readable_names(params)[0].endswith(" · 24 more")


def test_settings_that_differ_from_another_configuration() -> None:
    take = {"learning_rate": 0.00371, "dropout": 0.5, "momentum": 0.9}
    assert differing_words({"learning_rate": 0.00374, "dropout": 0.5}, take, SPACE) == ("lr 3.74e-3", "momentum not set")
    assert differing_words(take, take, SPACE) == ()


def test_single_settings() -> None:
    assert setting_words("model.frozen_layers", "20") == "20 layers frozen"
    assert setting_words("frozen_layers", "conv4_block6_out") == "frozen to conv4_block6_out"
    assert setting_words("mixed_precision", value=True) == "mixed precision"
    assert setting_words("mixed_precision", value=False) == "no mixed precision"
    assert setting_words("bn_momentum", "0.99") == "BN .99"
    assert setting_words("batch_size", 32) == "batch 32"
    assert setting_words("optimizer", "sgd") == "sgd"
