"""Sorting, filtering, choosing columns, selecting, zooming, reading values, themes: by mouse and by keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import synthetic_studies as synthetic

from reports.page import render_report

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from reports.verdict import ReportData


def column(page: Page, index: int) -> list[str]:
    return page.locator(f"#ranked tbody tr > :nth-child({index})").all_inner_texts()


def test_sorts_by_a_click_and_back(open_page: Callable, text: str) -> None:
    page = open_page(text).page
    names = column(page, 3)
    page.click("[data-sort=best]")
    best = [float(value.split("\n")[0]) for value in column(page, 8) if value[0].isdigit()]
    assert best == sorted(best, reverse=True)
    assert page.get_attribute("th:has([data-sort=best])", "aria-sort") == "descending"
    page.click("[data-sort=best]")
    assert page.get_attribute("th:has([data-sort=best])", "aria-sort") == "ascending"
    page.click("[data-sort=rank]")
    assert column(page, 3) == names


def test_sorts_ordinals_by_their_order_and_missing_values_last(open_page: Callable, text: str) -> None:
    page = open_page(text).page
    page.click("[data-sort='param:frozen_layers']")
    place = page.locator("#ranked thead th").all_inner_texts().index("frozen_layers") + 2
    order = [synthetic.FROZEN.index(value) for value in column(page, place)]
    assert order == sorted(order)
    page.click("[data-sort='param:bn_momentum']")
    place = page.locator("#ranked thead th").all_inner_texts().index("bn_momentum") + 2
    values = column(page, place)
    missing = [value == "\u2013" for value in values]
    assert any(missing)
    assert missing == sorted(missing)


def test_filters_by_text_flag_and_state(open_page: Callable, text: str, data: ReportData) -> None:
    page = open_page(text).page
    page.click("[data-flag=oscillating]")
    assert page.locator("#ranked tbody tr").count() == sum(row.oscillates for row in data.configurations)
    assert page.get_attribute("[data-flag=oscillating]", "aria-pressed") == "true"
    page.click("[data-flag=oscillating]")
    page.select_option("#filter-state", "PRUNED")
    assert set(column(page, 3)) == {row.short for row in data.configurations if row.trial_state == "PRUNED"}
    page.select_option("#filter-state", "")
    page.fill("#filter-text", "augmentation=flip")
    expected = {row.short for row in data.configurations if row.params.get("augmentation") == "flip"}
    assert set(column(page, 3)) == expected
    page.fill("#filter-text", "nothing like this")
    assert "No row fits" in page.inner_text("#ranked tbody")
    assert "0 of 24 rows" in page.inner_text("#table-status")


def test_hides_and_shows_columns_and_remembers(open_page: Callable, text: str) -> None:
    page = open_page(text).page
    page.click("#columns-menu summary")
    page.uncheck("[data-column=level]")
    assert "level, %" not in page.locator("#ranked thead th").all_inner_texts()
    page.keyboard.press("Escape")
    assert not page.locator("#columns-list").is_visible()
    page.reload()
    page.wait_for_selector("html[data-ready=true]", state="attached")
    assert "level, %" not in page.locator("#ranked thead th").all_inner_texts()


def test_selection_links_table_curves_and_parameter_plots(open_page: Callable, text: str, data: ReportData) -> None:
    page = open_page(text).page
    target = data.configurations[4]
    before = page.locator("#curve-legend li").count()
    page.check(f"[data-id='{target.configuration}']")
    assert page.locator("#curve-legend li").count() == before + 1
    assert target.short in page.inner_text("#curve-legend")
    page.wait_for_selector("#marginals .mark")
    assert page.locator(f"#marginals .mark.is-selected[data-row='{target.configuration}']").count() == 5
    page.click(f"#curve-legend [aria-label='Remove {target.short}']")
    assert page.locator("#curve-legend li").count() == before
    assert not page.is_checked(f"[data-id='{target.configuration}']")
    other = data.configurations[9]
    page.locator(f"#marginals .mark[data-row='{other.configuration}']").first.dispatch_event("click")
    assert other.short in page.inner_text("#curve-legend")


def test_zooms_by_dragging_and_resets(open_page: Callable, text: str) -> None:
    page = open_page(text).page
    chart = page.locator(".curve-chart-area")
    chart.scroll_into_view_if_needed()
    before = page.locator("#curve-chart text").all_inner_texts()
    box = chart.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 120)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 120, steps=4)
    page.mouse.up()
    zoomed = page.locator("#curve-chart text").all_inner_texts()
    assert zoomed != before
    assert "30" not in zoomed
    page.click("#curve-reset")
    assert page.locator("#curve-chart text").all_inner_texts() == before


def test_reads_values_by_hover_and_by_keyboard(open_page: Callable, text: str, data: ReportData) -> None:
    page = open_page(text).page
    chart = page.locator(".curve-chart-area")
    chart.hover(position={"x": 600, "y": 100})
    assert "epoch" in page.inner_text(".tip")
    winner = data.configurations[0]
    page.focus(".curve-chart-area")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    spoken = page.inner_text("#curve-readout")
    longest = max(winner.trials, key=lambda trial: trial.num_epochs)
    assert spoken.startswith("Epoch 2:")
    assert f"{winner.short} {100 * float(longest.curves['val_accuracy'][1]):.1f}" in spoken
    page.keyboard.press("+")
    assert page.is_enabled("#curve-reset")
    page.keyboard.press("Escape")
    assert not page.is_enabled("#curve-reset")


def test_shows_other_metrics_each_seed_and_bands(open_page: Callable, text: str) -> None:
    page = open_page(text).page
    assert page.locator("#curve-chart .series-band").count() >= 1
    lines = page.locator("#curve-chart .series:not(.series-training):not(.series-held)").count()
    page.check("#curve-seeds")
    assert page.locator("#curve-chart .series:not(.series-training):not(.series-held)").count() > lines
    page.select_option("#curve-metric", "val_loss")
    assert "val_loss" in page.inner_text("#curve-plot-title")
    page.uncheck("#curve-training")
    assert page.locator("#curve-chart .series-training").count() == 0
    assert page.locator("#curve-chart .flag-strip").count() >= 1


def test_theme_follows_the_system_until_it_is_chosen(open_page: Callable, text: str) -> None:
    page = open_page(text, dark=True).page
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    page.click("#theme-toggle")
    assert page.evaluate(background) != dark
    page.reload()
    page.wait_for_selector("html[data-ready=true]", state="attached")
    assert page.evaluate(background) != dark


def test_static_rows_and_script_agree(open_page: Callable, text: str) -> None:
    cells = "() => [...document.querySelectorAll('#ranked tbody tr')].map(row => [...row.querySelectorAll('td:not(.col-check), th')].map(cell => cell.innerText))"
    static = open_page(text, scripts=False).page.locator("#ranked tbody tr")
    expected = [[cell.strip() for cell in static.nth(row).locator("td, th").all_inner_texts()] for row in (0, 6, 10, static.count() - 1)]
    drawn = open_page(text).page.evaluate(cells)
    shown = [[cell.strip() for cell in drawn[row]] for row in (0, 6, 10, len(drawn) - 1)]
    assert shown == expected


def test_phone_does_not_scroll_sideways(open_page: Callable, text: str) -> None:
    page = open_page(text, width=390, height=844).page
    page.wait_for_selector("#parallel svg")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_copy_button_hands_out_the_sweep_file(open_page: Callable, text: str) -> None:
    page = open_page(text).page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#reproduce .copyable").last.locator(".copy").click()
    page.wait_for_selector("#reproduce .copy:has-text('Copied')")
    assert page.evaluate("navigator.clipboard.readText()").strip() == synthetic.SWEEP_FILE.strip()


def test_refreshing_reloads_and_keeps_the_choices(open_page: Callable, data: ReportData) -> None:
    page = open_page(render_report(data, refresh_seconds=1)).page
    page.click("[data-flag=oscillating]")
    with page.expect_navigation(timeout=9000):
        pass
    page.wait_for_selector("html[data-ready=true]", state="attached")
    assert page.get_attribute("[data-flag=oscillating]", "aria-pressed") == "true"
