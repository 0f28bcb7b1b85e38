"""Pictures on the page are bounded, and only pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import synthetic_studies as synthetic
from PIL import Image

from reports.page import render_report
from reports.page.thumbnails import MOST, MOST_BYTES, Thumbnails, data_uris
from reports.verdict import build_report_data
from sweeps.thumbnails import encoded

if TYPE_CHECKING:
    from collections.abc import Callable

PNG = b"\x89PNG"


def test_number_and_size_are_bounded_and_other_files_are_left_out() -> None:
    noise = np.random.default_rng(0).bytes(60_000)
    uris = data_uris(Thumbnails(dict.fromkeys(range(20), PNG + noise)))
    assert 0 < len(uris) <= MOST
    assert sum(map(len, uris.values())) <= MOST_BYTES
    assert len(data_uris(Thumbnails(dict.fromkeys(range(20), PNG)))) == MOST
    assert data_uris(Thumbnails({1: b"<svg onload=alert(1)>"})) == {}


def test_pictures_stand_beside_their_classes_and_a_note_says_why_some_are_missing(open_page: Callable) -> None:
    data = build_report_data(synthetic.with_ledgers(synthetic.flowers()))
    assert data.mistakes
    picture = encoded(Image.fromarray(np.full((8, 8, 3), 200, np.uint8)))
    pictures = {image.place: picture for image in data.mistakes.missed[:3]}
    opened = open_page(render_report(data, thumbnails=Thumbnails(pictures, "2 of 5 images cannot be shown (gone).")))
    shown = opened.page.locator("#mistakes .pictures img")
    assert shown.count() == 3
    shown.first.scroll_into_view_if_needed()
    assert shown.first.evaluate("async image => { await image.decode(); return image.naturalWidth; }") == 80
    assert shown.first.get_attribute("alt") == data.mistakes.missed[0].name
    assert "2 of 5 images cannot be shown" in opened.page.inner_text("#mistakes")
    assert opened.errors == []
    assert all(url.startswith(("file:", "data:")) for url in opened.requests)


def test_labels_to_look_at_near_duplicates_and_the_preview_are_on_screen_and_on_paper(open_page: Callable) -> None:
    data = build_report_data(synthetic.with_ledgers(synthetic.flowers()))
    look = synthetic.closer_look(data)
    opened = open_page(render_report(data, thumbnails=look))
    page, section = opened.page, opened.page.locator("#mistakes")
    assert "all rose: look at its label" in section.locator(".pictures li").first.inner_text()
    assert "all rose: look at its label" not in section.locator(".pictures li").nth(1).inner_text()
    section.locator("summary").click()
    assert section.locator(".missed").first.locator("tbody tr").first.locator("td").last.inner_text() == next(iter(look.hints.values()))
    pairs = section.locator("[aria-labelledby=compared-title] tbody tr")
    assert [row.locator("th, td").all_inner_texts() for row in pairs.all()] == [list(pair) for pair in look.pairs]
    assert "Policy rotate. Eight training images at most" in section.inner_text()
    page.emulate_media(media="print")
    images = section.locator("img")
    assert images.count() == 4
    assert all(image.evaluate("image => image.complete && image.naturalWidth > 0") for image in images.all())
    assert not opened.errors


def test_a_policy_without_a_preview_says_why(open_page: Callable) -> None:
    data = build_report_data(synthetic.with_ledgers(synthetic.flowers()))
    page = open_page(render_report(data, thumbnails=Thumbnails(policy="rotate", preview_note="the data is not at hand"))).page
    assert "Policy rotate. No preview: the data is not at hand." in page.inner_text("#mistakes")
    assert page.locator("#mistakes img").count() == 0
