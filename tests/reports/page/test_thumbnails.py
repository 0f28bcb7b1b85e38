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
