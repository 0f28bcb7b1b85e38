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
    place = page.locator("#ranked thead th").all_inner_texts().index("best, %") + 2
    best = [float(value.split("\n")[0]) for value in column(page, place) if value[0].isdigit()]
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


def shown(page: Page) -> set[str]:
    return set(column(page, 3))


def test_filters_by_buttons_and_words(open_page: Callable, text: str, data: ReportData) -> None:
    page = open_page(text).page
    page.click("[data-term='flag:oscillating']")
    assert shown(page) == {row.short for row in data.configurations if row.oscillates}
    assert page.input_value("#filter-text") == "flag:oscillating"
    assert page.get_attribute("[data-term='flag:oscillating']", "aria-pressed") == "true"
    page.click("[data-term='flag:oscillating']")
    page.click("[data-term='state:pruned']")
    assert shown(page) == {row.short for row in data.configurations if row.state == "pruned"}
    page.fill("#filter-text", "nothing like this")
    assert "No row fits" in page.inner_text("#ranked tbody")
    assert "0 of 24 rows" in page.inner_text("#table-status")


def test_filter_grammar(open_page: Callable, text: str, data: ReportData) -> None:
    page = open_page(text).page
    rows = data.configurations
    rate = {row.short: row.params["learning_rate"] for row in rows}
    cases = {
        "learning_rate<1e-3 -oscillating state:finished": {
            row.short
            for row in rows
            if rate[row.short] < 1e-3 and not any(flag.name == "oscillating" for flag in row.flags) and row.state == "finished"
        },
        "lear>=1e-3": {name for name, value in rate.items() if value >= 1e-3},
        "augmentation=flip": {row.short for row in rows if row.params.get("augmentation") == "flip"},
        "-augmentation=flip": {row.short for row in rows if row.params.get("augmentation") != "flip"},
        "augmentation!=flip": {row.short for row in rows if row.params.get("augmentation") != "flip"},
        "augmentation:l": {row.short for row in rows if "l" in str(row.params.get("augmentation"))},
        "frozen_layers>25%": {row.short for row in rows if synthetic.FROZEN.index(str(row.params["frozen_layers"])) > 1},
        "bn_momentum>.5": {row.short for row in rows if float(row.params.get("bn_momentum", 0)) > 0.5},
        "stable>90": {row.short for row in rows if row.stable is not None and 100 * row.stable > 90},
        "stable>=90% rank<=3": {row.short for row in rows if row.stable is not None and 100 * row.stable >= 90 and row.rank <= 3},
        "flag:none": {row.short for row in rows if not row.flags},
        "learning_rate<": {row.short for row in rows},
    }
    for written, expected in cases.items():
        page.fill("#filter-text", written)
        assert shown(page) == (expected or {"No row fits the filter."}), written
    assert any(cases["learning_rate<1e-3 -oscillating state:finished"])


def test_a_term_that_is_not_understood_is_named_and_filters_nothing(open_page: Callable, text: str) -> None:
    page = open_page(text).page
    page.fill("#filter-text", "lerning_rate<3 state:finished")
    assert "“lerning_rate” is no setting and no figure" in page.inner_text("#filter-problem")
    assert page.get_attribute("#filter-text", "aria-invalid") == "true"
    assert page.locator("#ranked tbody tr").count() > 5
    page.fill("#filter-text", "dropout<high")
    assert "needs a number" in page.inner_text("#filter-problem")
    page.fill("#filter-text", "")
    assert page.inner_text("#filter-problem") == ""


def test_choices_stand_in_the_address_and_are_read_from_it(open_page: Callable, text: str, data: ReportData) -> None:
    page = open_page(text).page
    page.fill("#filter-text", "stable>80 -oscillating")
    page.click("[data-sort=best]")
    page.check(f"[data-id='{data.configurations[2].configuration}']")
    address = page.url
    other = open_page(text).page
    other.goto(other.url + address[address.index("#") :])
    other.reload()
    other.wait_for_selector("html[data-ready=true]", state="attached")
    assert other.input_value("#filter-text") == "stable>80 -oscillating"
    assert column(other, 3) == column(page, 3)
    assert other.inner_text("#curve-legend") == page.inner_text("#curve-legend")
    page.fill("#filter-text", "")
    page.click("[data-sort=rank]")
    assert "f=" not in page.url


def test_a_box_over_marks_filters_the_table(open_page: Callable, text: str) -> None:
    page = open_page(text).page
    chart = page.locator("[data-parameter='0'] .scatter")
    chart.wait_for()
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box
    page.mouse.move(box["x"] + 50, box["y"] + 25)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.55, box["y"] + box["height"] * 0.6, steps=4)
    page.mouse.up()
    written = page.input_value("#filter-text")
    assert written.startswith("learning_rate>=")
    assert "stable<=" in written
    assert 0 < page.locator("#ranked tbody tr[data-row]").count() < 24
    page.locator("[data-parameter='1'] .marks.dimmed").first.wait_for()
    highest = float(written.split("learning_rate<=")[1].split()[0])
    assert all(float(value) <= highest * 1.001 for value in page.locator("#ranked tbody td.col-param:nth-child(6)").all_inner_texts())


def test_hides_and_shows_columns_and_remembers(open_page: Callable, text: str) -> None:
    page = open_page(text).page
    page.click("#columns-menu summary")
    page.uncheck("[data-column=best]")
    assert "best, %" not in page.locator("#ranked thead th").all_inner_texts()
    page.keyboard.press("Escape")
    assert not page.locator("#columns-list").is_visible()
    page.reload()
    page.wait_for_selector("html[data-ready=true]", state="attached")
    assert "best, %" not in page.locator("#ranked thead th").all_inner_texts()


def test_selection_links_table_curves_and_parameter_plots(open_page: Callable, text: str, data: ReportData) -> None:
    page = open_page(text).page
    target = data.configurations[4]
    before = page.locator("#curve-legend li").count()
    page.check(f"[data-id='{target.configuration}']")
    assert page.locator("#curve-legend li").count() == before + 1
    assert target.short in page.inner_text("#curve-legend")
    page.wait_for_selector("#marginals .marks")
    assert page.locator(f"#marginals .chosen[data-row='{target.configuration}']").count() == len(target.params)
    page.click(f"#curve-legend [aria-label='Remove {target.short}']")
    assert page.locator("#curve-legend li").count() == before
    assert not page.is_checked(f"[data-id='{target.configuration}']")


def test_zooms_by_dragging_and_resets(open_page: Callable, text: str) -> None:
    page = open_page(text).page
    chart = page.locator("#curve-chart .curve-chart-area")
    chart.scroll_into_view_if_needed()
    before = page.locator("#curve-chart text").all_text_contents()
    box = chart.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 120)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 120, steps=4)
    page.mouse.up()
    zoomed = page.locator("#curve-chart text").all_text_contents()
    assert zoomed != before
    assert "30" not in zoomed
    page.click("#curve-reset")
    assert page.locator("#curve-chart text").all_text_contents() == before


def test_reads_values_by_hover_and_by_keyboard(open_page: Callable, text: str, data: ReportData) -> None:
    page = open_page(text).page
    chart = page.locator("#curve-chart .curve-chart-area")
    chart.hover(position={"x": 200, "y": 100})
    assert "epoch" in page.inner_text("#curve-chart .tip")
    winner = data.configurations[0]
    page.focus("#curve-chart .curve-chart-area")
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


def test_panels_share_one_epoch_axis(open_page: Callable, text: str) -> None:
    page = open_page(text).page
    panels = page.locator("#curve-chart .panel")
    assert panels.evaluate_all("all => all.map(each => each.dataset.metric)") == ["val_accuracy", "val_loss", "gradient_norm"]
    assert page.locator("#curve-chart .tick-epoch").count() == len(set(page.locator("#curve-chart .tick-epoch").all_text_contents()))
    page.locator("#curve-chart .curve-chart-area").hover(position={"x": 200, "y": 100})
    assert "gradient norm" in page.inner_text("#curve-chart .tip")


def test_the_axis_fits_late_epochs_until_all_values_are_asked_for(open_page: Callable, text: str, data: ReportData) -> None:
    page = open_page(text).page
    steady = next(row for row in data.configurations if not row.flags)
    page.goto(f"{page.url.split('#')[0]}#r={steady.short}")
    ticks = "[...document.querySelectorAll('#curve-chart .tick-value')].map(each => Number(each.textContent)).filter(value => value >= 10)"
    assert min(page.evaluate(ticks)) > 40
    page.check("#curve-whole")
    assert min(page.evaluate(ticks)) < 40


def test_series_are_told_apart_without_vermilion(open_page: Callable, text: str, data: ReportData) -> None:
    page = open_page(text).page
    for row in data.configurations[:8]:
        page.check(f"[data-id='{row.configuration}']")
    drawn = page.evaluate(
        "() => [...document.querySelectorAll('#curve-legend line')].map(line => [getComputedStyle(line).stroke, line.getAttribute('stroke-dasharray')])"
    )
    assert len({tuple(each) for each in drawn}) == len(drawn) >= 8
    assert len({dash for _, dash in drawn[:6]}) == 6
    unsteady = page.evaluate(
        "() => { const mark = document.querySelector('.spark-unsteady .spark-line'); return getComputedStyle(mark).stroke; }"
    )
    assert unsteady not in {colour for colour, _ in drawn}


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
    page.wait_for_selector("#marginals .scatter")
    for fold in page.locator("#parameters .fold").all():
        fold.locator("summary").click()
    page.wait_for_selector("#parallel svg")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_copy_button_hands_out_the_sweep_file(open_page: Callable, text: str) -> None:
    page = open_page(text).page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#appendix-details > summary").click()
    page.locator("#appendix .copyable").last.locator(".copy").click()
    page.wait_for_selector("#appendix .copy:has-text('Copied')")
    assert page.evaluate("navigator.clipboard.readText()").strip() == synthetic.SWEEP_FILE.strip()


def test_refreshing_reloads_and_keeps_the_choices(open_page: Callable, data: ReportData) -> None:
    page = open_page(render_report(data, refresh_seconds=1)).page
    page.click("[data-term='flag:oscillating']")
    with page.expect_navigation(timeout=9000):
        pass
    page.wait_for_selector("html[data-ready=true]", state="attached")
    assert page.get_attribute("[data-term='flag:oscillating']", "aria-pressed") == "true"
