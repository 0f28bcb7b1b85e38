"""What a report says of classes and images, from ledgers made by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import synthetic_studies as synthetic

from reports.exports import to_json
from reports.ledger import Ledger, ValidationImages
from reports.page import render_report
from reports.page.mistakes_view import mistakes_view
from reports.ranking import rank
from reports.verdict import build_report_data
from reports.verdict.mistakes import MISSING, MOST_CONFIGURATIONS, MOST_TRAININGS, find_mistakes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.records import StudyRecord

NAMES = ("cat", "dog", "emu")
LABELS = np.arange(12) % 3
IMAGES = ValidationImages("data", np.arange(0, 24, 2), LABELS, NAMES, tuple(f"{NAMES[n % 3]}/{n}.png" for n in range(12)))


def wrong_on(*images: int, epochs: int = 4, images_of: ValidationImages = IMAGES) -> Ledger:
    """Right everywhere but on `images`, which are taken for the next class."""
    right = np.ones((epochs, len(images_of)), np.bool_)
    right[:, list(images)] = False
    return Ledger.of(images_of, range(1, epochs + 1), right, np.where(right[-1], images_of.labels, (images_of.labels + 1) % 3))


def with_ledgers(ledgers: Mapping[int, Ledger]) -> tuple[StudyRecord, synthetic.Ledgers]:
    source = synthetic.Ledgers(ledgers)
    return replace(synthetic.flowers(), ledgers=source), source


@pytest.fixture
def complete() -> list[int]:
    return [trial.number for trial in synthetic.flowers().trials if trial.state == "COMPLETE"]


def test_images_that_most_configurations_miss_are_named_with_their_number(complete: list[int]) -> None:
    """Image 4 is missed by all, image 7 by all but the configurations of three trainings, image 2 by one training's."""
    study, _ = with_ledgers(
        {number: wrong_on(4, *((7,) if place > 2 else ()), *((2,) if place == 9 else ())) for place, number in enumerate(complete)}
    )
    mistakes = build_report_data(study).mistakes
    assert mistakes is not None
    first, second = mistakes.missed
    assert (first.name, first.label, first.predicted) == ("dog/4.png", "dog", "emu")
    assert first.missed == first.asked == mistakes.configurations == mistakes.finished
    assert first.agreeing == first.files
    assert second.name == "dog/7.png"
    assert second.asked / 2 < second.missed < second.asked
    assert (mistakes.num_missed, mistakes.missed_by_all) == (2, 1)


def test_an_image_missed_in_few_late_epochs_is_not_missed(complete: list[int]) -> None:
    right = np.ones((5, 12), np.bool_)
    right[:2, 3] = False
    right[:3, 5] = False
    study, _ = with_ledgers({number: Ledger.of(IMAGES, range(1, 6), right, LABELS) for number in complete})
    mistakes = build_report_data(study).mistakes
    assert mistakes is not None
    assert [image.name for image in mistakes.missed] == ["emu/5.png"]
    assert mistakes.missed[0].predicted == "", "no file takes it for another class"


def test_the_confusion_matrix_is_of_the_recommended_file(complete: list[int]) -> None:
    study = synthetic.flowers()
    ranking = rank(study)
    shown = next(row for row in ranking.configurations if row.configuration == ranking.recommended)
    assert shown.exported_by is not None
    study, _ = with_ledgers({number: wrong_on(0, 3, 8) if number == shown.exported_by.number else wrong_on(1) for number in complete})
    data = build_report_data(study)
    assert data.mistakes is not None
    file = data.mistakes.file
    assert file is not None
    assert (file.configuration, file.trial, file.right, file.images) == (shown.configuration, shown.exported_by.number, 9, 12)
    assert file.confusion == ((2, 2, 0), (0, 4, 0), (1, 0, 3))
    assert [(each.name, each.images, each.right, each.taken_for) for each in file.classes] == [
        ("cat", 4, 2, (("dog", 2),)),
        ("dog", 4, 4, ()),
        ("emu", 4, 3, (("cat", 1),)),
    ]
    view = mistakes_view(data, data.mistakes)
    assert [row[0] for row in view.classes] == ["cat", "emu", "dog"]
    assert view.matrix[0] == ("cat", (("2", "is-right"), ("2", "shade-2"), ("·", "shade-0")))
    assert "9 of 12 validation images right" in view.file_sentence


def test_trainings_of_other_splits_count_where_they_validated(complete: list[int]) -> None:
    """Half of the trainings validated on other images, of which they miss the one that both splits have."""
    other = ValidationImages("other", np.arange(8, 40, 2), np.arange(16) % 3, NAMES)
    shared = {8 // 2: 0}  # place 8 is column 4 here and column 0 there
    ledgers = {
        number: wrong_on(*shared) if place % 2 else wrong_on(*shared.values(), images_of=other) for place, number in enumerate(complete)
    }
    mistakes = build_report_data(with_ledgers(ledgers)[0]).mistakes
    assert mistakes is not None
    assert mistakes.images == 4 + 16
    assert [image.place for image in mistakes.missed] == [8]
    assert mistakes.missed[0].asked == mistakes.configurations


def test_a_report_reads_a_bounded_number_of_ledgers() -> None:
    study, source = with_ledgers({})
    trial = next(trial for trial in study.trials if trial.state == "COMPLETE")
    rng = np.random.default_rng(0)
    many = tuple(
        replace(
            trial,
            number=number,
            configuration=f"c{number // 5}",
            seed=number,
            curves={"val_accuracy": np.float32(rng.uniform(0.6, 0.9, 20))},
            flags={},
        )
        for number in range(5 * 3 * MOST_CONFIGURATIONS)
    )
    study = replace(study, trials=many)
    assert find_mistakes(study, rank(study, flags={})) is not None
    assert len(source.asked) <= MOST_CONFIGURATIONS * MOST_TRAININGS + 1


def test_a_study_without_ledgers_says_what_is_missing_and_one_that_cannot_have_any_says_nothing() -> None:
    bare = build_report_data(synthetic.flowers())
    assert bare.mistakes is None
    assert 'id="mistakes"' not in render_report(bare)
    assert json.loads(to_json(bare))["mistakes"] is None
    old = build_report_data(with_ledgers({})[0])
    assert old.mistakes is not None
    assert old.mistakes.missing == MISSING
    page = render_report(old)
    assert 'id="mistakes"' in page
    assert "is not on record" in page


def test_names_of_other_people_are_text_on_the_page(complete: list[int]) -> None:
    hostile = ValidationImages("data", np.arange(12), LABELS, ("<b>x</b>", "dog", "emu"), tuple(f"<script>{n}</script>" for n in range(12)))
    page = render_report(with_ledgers({number: wrong_on(0, 4, images_of=hostile) for number in complete})[0])
    assert "&lt;script&gt;0&lt;/script&gt;" in page
    assert "<script>0" not in page
    assert "<b>x</b>" not in page


def test_the_json_has_matrix_classes_and_images(complete: list[int]) -> None:
    found = json.loads(to_json(with_ledgers({number: wrong_on(0, 4) for number in complete})[0]))["mistakes"]
    assert found["file"]["confusion"] == [[3, 1, 0], [0, 3, 1], [0, 0, 4]]
    assert found["file"]["classes"][0]["taken_for"] == [["dog", 1]]
    assert [image["name"] for image in found["missed"]] == ["cat/0.png", "dog/4.png"]
    assert found["missed_by_all"] == 2
