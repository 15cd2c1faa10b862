"""report.html in a real browser."""

import csv
import json

import pytest

from reports.html.page import write_page
from reports.records.records import Answer, Run, Verdict
from tests.report_factory import HOSTILE, report_dir
from tests.run_factory import manifest, planned_item, scored, write_run

ROWS = "#list tbody tr"
VERDICTS = (Verdict(judge="judge-a", reply="[1]", grades=(1.0,)),)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A report of 108 items."""
    return write_page(report_dir(tmp_path_factory.mktemp("run")))


@pytest.fixture(scope="module")
def hostile_file(tmp_path_factory):
    """The same report with hostile text wherever a model, judge or server writes."""
    return write_page(report_dir(tmp_path_factory.mktemp("hostile"), HOSTILE))


def counted(page, expected):
    """Wait until the list shows this text."""
    page.wait_for_function("text => document.querySelector('#count').textContent === text", arg=expected)


def names(page):
    return page.locator(f"{ROWS} .open").all_inner_texts()


def open_first(page):
    page.locator(f"{ROWS} .open").first.click()
    return page.locator("#detail")


@pytest.fixture(scope="module")
def redrawn_file(tmp_path_factory):
    """A report of one item as drawn and under two changes, one of which has another reference."""
    items = [planned_item("one", "Q1", variant=variant) for variant in ("", "dpi", "axis-order")]
    run = Run(manifest=manifest(items), records=tuple(scored(item, 1.0, verdicts=VERDICTS) for item in items))
    folder = write_run(run, tmp_path_factory.mktemp("redrawn"))
    own = {"answers": {"zeroshot": {"Q1": "time on y"}}, "key_points": {"Q1": ["y is time"]}}
    prompts = {"zeroshot": {"Q1": [{"text": "Describe"}]}}
    sheet = {
        "sample_id": "one",
        "plots": [],
        "prompts": prompts,
        "variants": {"dpi": prompts, "axis-order": prompts},
        "answers": {"zeroshot": {"Q1": "time on x"}},
        "key_points": {"Q1": ["x is time"]},
        "variant_references": {"axis-order": own},
    }
    (folder / "samples.jsonl").write_text(json.dumps(sheet) + "\n")
    return write_page(folder)


# --- the list of items --------------------------------------------------------------------------------------


def test_filters_narrow_the_list_and_are_cleared(browser, file):
    page = browser.open(file)
    counted(page, "108 of 108 items")
    page.select_option("[name=family]", "drag")
    counted(page, "36 of 108 items")
    page.select_option("[name=question]", "Q6")
    counted(page, "8 of 108 items")
    page.select_option("[name=mode]", "icl")
    counted(page, "4 of 108 items")
    page.select_option("[name=status]", "missing")
    counted(page, "1 of 108 items")
    assert ["drag_success_d"] == names(page)
    page.click("#filters [type=reset]")
    counted(page, "108 of 108 items")


def test_a_study_without_its_samples_lists_its_items_and_the_benchmarks_own_apart(browser, tmp_path):
    """As after --no-html."""
    items = [planned_item(variant=variant) for variant in ("", "blank", "1-shot")]
    run = Run(manifest=manifest(items), records=tuple(scored(item, 1.0) for item in items))
    page = browser.open(write_page(write_run(run, tmp_path / "run")))
    counted(page, "3 of 3 items")
    page.select_option("[name=variant]", "none")
    counted(page, "1 of 3 items")
    page.select_option("[name=variant]", "blank")
    page.wait_for_selector(f"{ROWS} .open:has-text('(blank)')")
    page.click("#scores .rows .name a")  # the figure is of the benchmark's own item
    page.wait_for_selector(f"{ROWS} .open:has-text('(blank)')", state="detached")
    counted(page, "1 of 3 items")


def test_scores_are_filtered_by_range_and_what_has_none_is_left_out(browser, file):
    page = browser.open(file)
    page.fill("[name=lowest]", "0")
    counted(page, "104 of 108 items")
    page.select_option("[name=question]", "Q5")
    page.fill("[name=lowest]", "50")
    page.fill("[name=highest]", "50")
    counted(page, "24 of 108 items")
    page.fill("[name=lowest]", "50.1")
    counted(page, "No item matches; 108 in all.")
    assert not page.is_visible("#list")


def test_search_finds_samples_answers_and_errors(browser, file):
    page = browser.open(file)
    page.fill("[name=text]", "ANSWER OF rabi_success_a q2")
    counted(page, "1 of 108 items")
    page.fill("[name=text]", "http_500")
    page.wait_for_selector(f"{ROWS} .open:has-text('drag_success_d')")
    counted(page, "1 of 108 items")


def test_columns_sort_up_and_down_with_missing_values_last(browser, file):
    page = browser.open(file)
    page.select_option("[name=question]", "Q1")
    counted(page, "12 of 108 items")
    page.click("[data-sort=latency]")
    assert "rabi_success_a" == names(page)[0]
    assert "ascending" == page.locator("th:has([data-sort=latency])").get_attribute("aria-sort")
    page.click("[data-sort=latency]")
    assert "drag_success_d" == names(page)[0]
    page.click("[data-sort=score]")
    assert ["rabi_success_a", "drag_success_c"] == [names(page)[0], names(page)[-1]]  # c is unjudged
    page.click("[data-sort=score]")
    assert ["drag_success_d", "drag_success_c"] == [names(page)[0], names(page)[-1]]


def test_the_list_comes_in_pages(browser, file):
    page = browser.open(file)
    assert 50 == page.locator(ROWS).count()
    page.click("text=Next")
    assert "51 to 100" == page.inner_text("#pager output")
    page.click("text=Next")
    assert 8 == page.locator(ROWS).count()
    assert page.is_disabled("text=Next")


def test_a_cell_of_the_heat_map_leads_to_its_items(browser, file):
    page = browser.open(file)
    page.locator(".heat .cell a", has_text="rabi, Q6, ICL").click()
    counted(page, "8 of 108 items")
    assert ["rabi", "Q6", "icl"] == [
        page.input_value(f"[name={name}]") for name in ("family", "question", "mode")
    ]
    assert "items-title" == page.evaluate("document.activeElement.id")
    page.click("#filters [type=reset]")
    page.locator(".heat .cell a", has_text="rabi, Q6, ICL").click()
    counted(page, "8 of 108 items")


def test_a_cell_of_a_confusion_matrix_leads_to_the_items_it_counts(browser, file):
    page = browser.open(file)
    page.locator(".confusion .cell a", has_text="answered Apparatus issue").click()
    counted(page, "4 of 108 items")
    assert page.locator(f"{ROWS} .said", has_text="Apparatus issue expected Expected behavior").count() == 4
    page.click("#narrowed button:has-text('answered')")
    counted(page, "12 of 108 items")


def test_the_family_of_q6_is_chosen(browser, file):
    page = browser.open(file)
    assert page.is_visible("figure[data-group=q6-zeroshot][data-name=drag]")
    page.select_option("[data-shows=q6-zeroshot]", "rabi")
    assert not page.is_visible("figure[data-group=q6-zeroshot][data-name=drag]")
    assert page.is_visible("figure[data-group=q6-zeroshot][data-name=rabi]")


# --- one item -----------------------------------------------------------------------------------------------


def test_an_item_shows_plot_prompt_answer_reading_and_reference(browser, file):
    page = browser.open(file, fragment="#items?question=Q5&mode=icl")
    detail = open_first(page)
    words = detail.inner_text()
    assert "plain answer of rabi_success_a Q5" in words
    assert "reference of rabi_success_a" in words
    assert "amplitude\tplain\t0.7\t0.5" in words
    assert "visible\t-\ttrue\t1" in words
    assert f"{1000:064x}" in words
    assert "0.5 s" in words
    detail.locator("summary", has_text="Prompt").click()
    assert ["Example:", "What do you see? plain"] == detail.locator(".prompt pre").all_inner_texts()
    assert 2 == detail.locator(".prompt img").count()


def test_each_key_point_has_the_grade_of_each_judge(browser, file):
    page = browser.open(file, fragment="#items?question=Q1&sample=rabi_success_b")
    table = open_first(page).locator("table", has_text="Key point")
    rows = [row.split("\t") for row in table.inner_text().splitlines()]
    assert ["Key point", "judge-a plain", "judge-b"] == rows[0]
    assert [["an axis", "1", "1"], ["plain", "0", "1"], ["a line", "0.091", "0"]] == rows[1:]


def test_an_item_shows_the_reference_of_the_plot_that_was_shown(browser, redrawn_file):
    page = browser.open(redrawn_file)
    for variant, reference, point in (
        ("dpi", "time on x", "x is time"),
        ("axis-order", "time on y", "y is time"),
    ):
        page.select_option("[name=variant]", variant)
        counted(page, "1 of 3 items")
        text = open_first(page).inner_text()
        assert reference in text
        assert point in text
        page.locator("#detail .close").click()
        page.click("#filters [type=reset]")
        counted(page, "3 of 3 items")


def test_a_failed_item_shows_its_error(browser, file):
    page = browser.open(file, fragment="#items?status=request_failed")
    assert "http_500: plain" in open_first(page).inner_text()


def test_packed_items_are_listed_as_others(browser, tmp_path, monkeypatch):
    folder = report_dir(tmp_path)
    counts = []
    for limit in (8_000_000, 1000):
        monkeypatch.setattr("reports.html.page.LARGEST_PLAIN", limit)
        page = browser.open(write_page(folder))
        counts.append((page.inner_text("#count"), page.inner_text("#list tbody")))
    assert counts[0] == counts[1]


def test_plots_show_in_the_list_the_cards_and_at_full_size(browser, file):
    page = browser.open(file)
    open_first(page).locator(".zoom").first.click()
    assert page.is_visible("#zoom img")
    widths = page.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert {120} == set(widths)
    assert len(widths) > 50


def test_the_keyboard_is_enough(browser, file):
    page = browser.open(file)
    page.keyboard.press("Tab")
    assert "Skip to the items" == page.evaluate("document.activeElement.textContent")
    page.locator(f"{ROWS} .open").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert "rabi_success_a\nQ2, zero-shot" == page.inner_text("#detail-title")
    for _ in range(30):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('#detail')"
        )
    page.locator("#detail .close").focus()
    page.keyboard.press("ArrowRight")
    assert "rabi_success_a\nQ3, zero-shot" == page.inner_text("#detail-title")
    page.keyboard.press("Escape")
    assert not page.is_visible("#detail")
    assert 2 == page.evaluate("[...document.querySelectorAll('#list .open')].indexOf(document.activeElement)")


def test_a_cell_shows_its_interval_when_it_has_the_focus(browser, file):
    page = browser.open(file)
    page.locator(".heat .cell a", has_text="drag, Q5, zero-shot").focus()
    assert "95% interval" in page.inner_text("#tip")
    page.keyboard.press("Escape")
    assert not page.is_visible("#tip")


def test_an_open_item_has_an_address_that_opens_it(browser, file):
    page = browser.open(file, fragment="#items?question=Q6&mode=icl")
    open_first(page)
    assert "#item=rabi_success_a&question=Q6&mode=icl" == page.evaluate("location.hash")
    again = browser.open(file, fragment="#item=drag_success_b&question=Q5&mode=zeroshot")
    assert "drag_success_b\nQ5, zero-shot" == again.inner_text("#detail-title")
    again.keyboard.press("Escape")
    assert "#items" == again.evaluate("location.hash")
    page.keyboard.press("Escape")
    assert "#items?question=Q6&mode=icl" == page.evaluate("location.hash")


def test_an_address_of_a_study_names_its_condition(browser, redrawn_file):
    page = browser.open(redrawn_file, fragment="#item=one&question=Q1&mode=zeroshot&variant=axis-order")
    assert "one\nQ1, zero-shot, axis-order" == page.inner_text("#detail-title")


def test_an_unknown_items_address_opens_nothing(browser, file):
    page = browser.open(file, fragment="#item=gone&question=Q1&mode=zeroshot")
    assert not page.is_visible("#detail")


def test_arrow_keys_move_from_item_to_item(browser, file):
    page = browser.open(file)
    open_first(page)
    for question in ("Q2", "Q3", "Q4"):
        page.keyboard.press("ArrowRight")
        assert f"rabi_success_a\n{question}, zero-shot" == page.inner_text("#detail-title")
        assert f"question={question}" in page.evaluate("location.hash")
    page.keyboard.press("ArrowLeft")
    assert "rabi_success_a\nQ3, zero-shot" == page.inner_text("#detail-title")


def test_a_link_is_copied_or_the_address_bar_is_pointed_at(browser, file):
    page = browser.open(file)
    detail = open_first(page)
    detail.locator("button", has_text="Copy link").click()
    page.wait_for_function(
        "() => /Copied|address bar/.test(document.querySelector('#detail header').textContent)"
    )


def test_what_is_filtered_is_downloaded_as_csv(browser, hostile_file, tmp_path):
    page = browser.open(hostile_file)
    page.select_option("[name=question]", "Q4")
    counted(page, "12 of 108 items")
    with page.expect_download() as download:
        page.click("#download")
    download.value.save_as(tmp_path / "items.csv")
    with (tmp_path / "items.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert ["Q4"] * 12 == [row["question"] for row in rows]
    assert "rabi_success_a" == rows[0]["sample"]
    assert "</script><script>" in rows[0]["answer"]
    assert "#item=rabi_success_a&question=Q4&mode=zeroshot" == rows[0]["address"]


def test_cells_of_a_csv_file_are_not_formulas(browser, tmp_path):
    item = planned_item("one", "Q3")
    run = Run(
        manifest=manifest([item]), records=(scored(item, 1.0, answer=Answer(text='=HYPERLINK("x"), y')),)
    )
    page = browser.open(write_page(write_run(run, tmp_path)))
    with page.expect_download() as download:
        page.click("#download")
    download.value.save_as(tmp_path / "items.csv")
    with (tmp_path / "items.csv").open(newline="", encoding="utf-8") as stream:
        assert """'=HYPERLINK("x"), y""" == next(csv.DictReader(stream))["answer"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("$T_1 = 35.2 \\pm 0.4\\,\\mu\\mathrm{s}$", "math"),
        ("\\(\\chi^2_\\nu\\)", "math"),
        ("\\[\\frac{1}{2\\pi}\\sqrt{x}\\]", "math"),
        ("costs $5 or $6", "text"),
        ("$\\unknown{x}$", "text"),
        ("$x^{2$", "text"),
        ("$" + "{" * 100 + "}" * 100 + "$", "text"),
        ("$\\text{<img src=x onerror=alert(1)>}$", "math"),
    ],
)
def test_formulas_are_set_and_other_text_stays_as_written(browser, tmp_path, text, shown):
    item = planned_item("one", "Q3")
    run = Run(manifest=manifest([item]), records=(scored(item, 1.0, answer=Answer(text=text)),))
    page = browser.open(write_page(write_run(run, tmp_path)))
    answer = open_first(page).locator(".sheet pre").first
    assert (1 if shown == "math" else 0) == answer.locator("math").count()
    assert 0 == page.locator("img[src=x]").count()
    if shown == "text":
        assert text == answer.inner_text()


# --- hostile text, looks, size ------------------------------------------------------------------------------


def test_hostile_text_stays_text(browser, hostile_file):
    page = browser.open(hostile_file)
    elements = page.evaluate(
        "document.querySelectorAll('img[src=x], [onerror], [onfocus], body script:not([id]):not([type])').length"
    )
    for place, question in enumerate(("Q1", "Q4", "Q5", "Q6")):
        page.select_option("[name=question]", question)
        counted(page, f"{(12, 12, 24, 24)[place]} of 108 items")
        detail = open_first(page)
        assert "<img src=x onerror='window.pwned = 2'>" in detail.inner_text()
        assert "\\u{202e}gnp.exe \\u{1b}[31m" in detail.inner_text()
        page.keyboard.press("Escape")
    assert 0 == elements == page.locator("#detail img[src=x], #list img[src=x], [onerror], [onfocus]").count()
    assert page.evaluate("window.pwned === undefined")


def test_names_of_object_members_are_names_like_any_other(browser, file):
    page = browser.open(file, fragment="#items?question=Q5")
    assert "__proto__\tplain\t-\t0" in open_first(page).inner_text()
    page.evaluate("location.hash = '#items?__proto__=x&constructor=y&family=drag'")
    counted(page, "36 of 108 items")


@pytest.mark.parametrize("width", [360, 390, 768])
def test_a_narrow_screen_needs_no_horizontal_scrolling(browser, hostile_file, width):
    page = browser.open(hostile_file, width=width, height=800)
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
    assert width == page.evaluate("document.documentElement.scrollWidth")
    open_first(page)
    assert page.evaluate("document.querySelector('#detail').scrollWidth") <= width


def test_colours_follow_the_system_and_the_button(browser, file):
    def brightness(page):
        return page.evaluate("parseInt(getComputedStyle(document.body).backgroundColor.match(/[0-9]+/)[0])")

    assert brightness(browser.open(file)) > 200
    page = browser.open(file, color_scheme="dark")
    assert brightness(page) < 60
    page.click("#theme")
    assert brightness(page) > 200


def test_a_full_benchmark_is_filtered_in_an_instant(browser, tmp_path):
    items = [planned_item(f"rabi_success_{number}", "Q6", family="rabi") for number in range(2166)]
    records = tuple(scored(item, 1.0, extracted="SUCCESS", expected="SUCCESS") for item in items)
    page = browser.open(write_page(write_run(Run(manifest=manifest(items), records=records), tmp_path)))
    page.fill("[name=text]", "success_2165")
    counted(page, "1 of 2,166 items")
    assert ["rabi_success_2165"] == names(page)
