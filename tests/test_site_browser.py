"""The site over many runs in a real browser."""

import pytest

from reports.html.page import write_page
from reports.site.build import build_site
from tests.report_factory import HOSTILE
from tests.site_factory import runs_folder, write_model

ROWS = "#board-zeroshot .ranks tbody tr:visible"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Five runs; alpha has a report."""
    folder = runs_folder(tmp_path_factory.mktemp("runs"))
    write_page(folder / "2026-05-01-alpha")
    return build_site([folder], tmp_path_factory.mktemp("made") / "site").index


@pytest.fixture(scope="module")
def hostile_site(tmp_path_factory):
    folder = runs_folder(tmp_path_factory.mktemp("hostile"), HOSTILE)
    write_model(folder, f"vlm {HOSTILE[:40]}", share=0.4, text=HOSTILE)
    return build_site([folder], tmp_path_factory.mktemp("made") / "site").index


def counted(page, expected):
    page.wait_for_function("text => document.querySelector('#count').textContent === text", arg=expected)


def names(page):
    return page.locator(f"{ROWS} .name").all_inner_texts()


def opened(page):
    page.wait_for_selector("#detail .answers")
    return page.locator("#detail")


# --- the leaderboard ----------------------------------------------------------------------------------------


def test_rows_are_sorted_and_chosen(browser, site):
    page = browser.open(site)
    assert {"alpha", "beta", "gamma", "delta", "GPT-5.4"} <= set(names(page))
    page.uncheck("[data-rows=published]")
    assert ["alpha", "delta", "beta", "gamma"] == names(page)
    page.click("#board-zeroshot [data-by=name]")
    assert ["alpha", "beta", "delta", "gamma"] == names(page)
    page.click("#board-zeroshot [data-by=Q6]")
    assert "gamma" == names(page)[-1]
    page.check("[data-rows=older]")
    assert 2 == names(page).count("alpha")
    page.uncheck("[data-rows=unlike]")
    assert "delta" not in names(page)


def test_a_runs_report_opens_with_plots_and_the_item_of_its_address(browser, site):
    page = browser.open(site)
    page.click("#board-zeroshot .ranks tbody th a")
    page.wait_for_selector("#list tbody tr")
    page.evaluate("location.hash = '#item=rabi_success_b&question=Q6&mode=zeroshot'")
    page.wait_for_selector("#detail[open]")
    assert "reference of rabi_success_b" in page.inner_text("#detail")  # from what all reports share
    assert "What do you see? plain" in page.inner_text("#detail")
    page.wait_for_function("() => document.querySelector('#detail .plots img').naturalWidth === 120")


def test_a_report_that_was_copied_elsewhere_shows_what_it_has(browser, site, tmp_path):
    copy = tmp_path / "report.html"
    copy.write_text(next((site.parent / "runs").glob("*-alpha/report.html")).read_text())
    page = browser.open(copy, fragment="#item=rabi_success_b&question=Q6&mode=zeroshot")
    assert "plain answer of rabi_success_b Q6" in page.inner_text("#detail")
    browser.misdeeds.clear()  # the browser says that files are missing


# --- pairs, families, items ---------------------------------------------------------------------------------


def test_a_pair_leads_to_the_items_on_which_it_differs(browser, site):
    page = browser.open(site)
    page.locator(".duels .duel a", has_text="alpha minus gamma").first.click()
    page.wait_for_function("() => document.querySelector('[name=where]').value === 'differ'")
    page.select_option("[name=where]", "b")
    counted(page, "0 of 69 items")
    page.select_option("[name=where]", "a")
    page.wait_for_function("() => document.querySelectorAll('#matrix tbody tr').length > 0")
    assert page.locator("#matrix thead", has_text="alpha A").count()


def test_a_family_of_the_heat_map_leads_to_its_items(browser, site):
    page = browser.open(site)
    page.select_option("#figure", "icl/Q6")
    page.locator("#heat .cell a").first.click()
    page.wait_for_function("() => document.querySelector('[name=mode]').value === 'icl'")
    assert ["Q6", "drag"] == [page.input_value(f"[name={name}]") for name in ("question", "family")]


def test_items_are_ordered_by_difficulty(browser, site):
    page = browser.open(site)
    page.select_option("[name=order]", "hard")
    page.wait_for_function("() => Number(document.querySelector('#matrix tbody .number').textContent) < 10")
    means = [float(text) for text in page.locator("#matrix tbody .number").all_inner_texts()]
    assert sorted(means) == means


def test_an_item_shows_all_answers_side_by_side_and_has_an_address(browser, site):
    page = browser.open(site)
    page.fill("[name=text]", "rabi_success_b")
    counted(page, "6 of 69 items")
    page.locator("#matrix .open").last.click()
    detail = opened(page)
    assert 4 == detail.locator(".answer").count()
    assert "plain answer of rabi_success_b" in detail.inner_text()
    assert "reference of rabi_success_b" in detail.inner_text()
    assert page.evaluate("document.querySelector('#detail .plots img').naturalWidth") == 120
    address = page.evaluate("location.hash")
    assert address.startswith("#item=rabi_success_b&question=Q6")
    again = browser.open(site, fragment=address)
    assert "rabi_success_b" in opened(again).inner_text()
    again.keyboard.press("Escape")
    assert "#items" == again.evaluate("location.hash")


def test_arrow_keys_step_through_items(browser, site):
    page = browser.open(site)
    page.locator("#matrix .open").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    first = opened(page).locator("h2").inner_text()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("text => document.querySelector('#detail h2').innerText !== text", arg=first)
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("text => document.querySelector('#detail h2').innerText === text", arg=first)


# --- hostile text, looks ------------------------------------------------------------------------------------


def test_hostile_text_stays_text(browser, hostile_site):
    page = browser.open(hostile_site)
    page.locator("#matrix .open").first.click()
    detail = opened(page)
    assert "<img src=x onerror='window.pwned = 2'>" in detail.inner_text()
    assert 0 == page.locator("img[src=x], [onerror], [onfocus]").count()
    assert page.evaluate("window.pwned === undefined")


@pytest.mark.parametrize("width", [360, 390, 768, 1440])
def test_the_page_never_scrolls_sideways(browser, hostile_site, width):
    page = browser.open(hostile_site, width=width, height=800)
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
    assert width == page.evaluate("document.documentElement.scrollWidth")


def test_the_page_notes_missing_answers(browser, site, tmp_path):
    alone = tmp_path / "index.html"
    alone.write_text(site.read_text())
    page = browser.open(alone)
    page.locator("#matrix .open").first.click()
    assert "which is missing next to this page" in opened(page).inner_text()
    browser.misdeeds.clear()  # the browser says that files are missing
