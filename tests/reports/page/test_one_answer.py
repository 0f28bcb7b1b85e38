"""Headline, page, status, CSV and JSON name one configuration, one tie, one ID."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING

import pytest
import synthetic_studies as synthetic

from reports.exports import to_csv, to_json
from reports.page import render_report
from reports.verdict import build_report_data
from sweeps.cli.study_lines import leader_lines
from sweeps.standing import standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from reports.records import StudyRecord

STUDIES: dict[str, Callable[[], StudyRecord]] = {"confirmed": synthetic.flowers, "large tie": lambda: synthetic.alike(12)}


@pytest.mark.parametrize("name", STUDIES)
def test_all_places_name_one_configuration_and_one_tie(name: str) -> None:
    data = build_report_data(STUDIES[name]())
    take = data.configuration(data.verdict.recommended)
    others = len(data.verdict.leaders) - 1
    assert others > 0
    headline = re.fullmatch(r"(\w+) for now; (\d+) others? of \d+ may be as good", data.verdict.headline)
    assert headline
    assert (headline.group(1), int(headline.group(2))) == (take.short, others)

    page = render_report(data)
    answer = page[page.index('id="answer"') : page.index('id="sure"')]
    assert f">{take.short}</bdi>" in answer
    assert re.search(rf"\b{others} others? of \d+ may be as good", re.sub(r"\s+", " ", answer))

    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(to_csv(data).configurations))}
    assert len(rows[take.short]["tied_with"].split()) == others
    assert rows[take.short]["name"] == take.name

    document = json.loads(to_json(data))
    assert document["answer"]["configuration"] == document["verdict"]["recommended"] == take.configuration
    (entry,) = [each for each in document["ranking"] if each["short"] == take.short]
    assert len(entry["tied_with"]) == others

    status = "\n".join(leader_lines(data.study, standing(data.study, data.ranking)))
    assert f"take {take.short}" in status
    assert f"{others} other" in status


def test_an_interval_of_a_share_stays_between_nothing_and_all() -> None:
    for data in (build_report_data(synthetic.flowers()), build_report_data(synthetic.flowers(6))):
        for row in data.ranked:
            if row.stable_interval is not None:
                assert 0.0 <= row.stable_interval[0] <= row.stable_interval[1] <= 1.0
