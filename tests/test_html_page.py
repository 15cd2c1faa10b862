"""report.html as a file: its content, and that no text of a model becomes markup."""

import base64
import gzip
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from reports.__main__ import main
from reports.html.items import TEXT_BUDGET, TEXT_LIMITS, items_island, shortened, text_limit
from reports.html.page import write_page
from reports.records.illustrations import (
    PromptBlock,
    References,
    SampleSheet,
    join_illustrations,
    load_sheets,
    write_sheets,
)
from reports.records.outcomes import ErrorRule, evaluation_of
from reports.records.records import Answer
from reports.records.run_files import load_run
from reports.tables.model import Column, Unit, printed
from reports.tables.overview import overview
from scoring.questions import Mode, Question
from tests.inner_run import REPOSITORY
from tests.report_factory import HOSTILE, digest, plot, report_dir, report_run


class Page(HTMLParser):
    """The elements of a page, with the text of each script and style, and the text that is shown."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.elements, self.raw, self.words, self.inside = [], [], [], None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.inside = tag if tag in {"script", "style"} else None
        if self.inside:
            self.raw.append((tag, dict(attrs), ""))

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside:
            tag, attrs, text = self.raw[-1]
            self.raw[-1] = (tag, attrs, text + data)
        else:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def island(self, name):
        return next(json.loads(text) for _, attrs, text in self.raw if attrs.get("id") == name)

    def shape(self):
        """Tags and the names of their attributes, in order."""
        return [(tag, sorted(attrs)) for tag, attrs in self.elements]


def page_of(folder, **options):
    return Page(write_page(folder, **options).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    return page_of(report_dir(tmp_path_factory.mktemp("hostile"), HOSTILE))


@pytest.fixture(scope="module")
def benign(tmp_path_factory):
    return page_of(report_dir(tmp_path_factory.mktemp("benign")))


# --- hostile text -------------------------------------------------------------------------------------------


def test_hostile_text_adds_no_element_and_no_attribute(hostile, benign):
    assert benign.shape() == hostile.shape()


def test_hostile_text_arrives_as_data(hostile):
    answers = [item["answer"]["text"] for item in hostile.island("data")["items"] if item.get("answer")]
    assert f"{HOSTILE} answer of rabi_success_a Q1" == answers[0]


def test_islands_hold_nothing_that_ends_or_hides_a_script(hostile):
    for _, attrs, text in hostile.raw:
        if attrs.get("type") == "application/json":
            assert not re.search("[<>&\u2028\u2029]", text)


def test_what_changes_the_direction_of_text_is_shown_as_an_escape(hostile):
    assert "\u202e" not in hostile.text
    assert r"\u202egnp.exe" in hostile.text


def test_only_its_own_script_and_style_are_allowed(hostile):
    policy = next(attrs["content"] for _, attrs in hostile.elements if "http-equiv" in attrs)
    allowed = {
        tag: f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
        for tag, attrs, text in hostile.raw
        if attrs.get("type") != "application/json"
    }
    assert [
        "default-src 'none'",
        f"script-src '{allowed['script']}'",
        f"style-src '{allowed['style']}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ] == policy.split("; ")


def test_no_element_runs_code_or_points_elsewhere(hostile):
    for tag, attrs in hostile.elements:
        assert not [
            name for name in attrs if name.startswith("on") or name in {"src", "srcdoc", "style", "action"}
        ], tag
        assert attrs.get("href", "#").startswith("#")


# --- content ------------------------------------------------------------------------------------------------


def test_the_page_and_the_tables_give_the_same_figures(tmp_path):
    folder = report_dir(tmp_path)
    run = load_run(folder)
    document = overview(evaluation_of(run), run)
    page = page_of(folder)
    for table in document.sections[0].tables[:2]:
        *questions, total = table.rows
        for row in (*questions, total):
            mean, interval = row[4], row[5]
            assert printed(mean, Column("", Unit.SCORE, 1)) in page.text
            assert printed(interval, Column("", Unit.SCORE, 1)) in page.text


def test_what_was_not_measured_is_counted_and_can_be_listed(benign):
    links = [attrs["href"] for tag, attrs in benign.elements if tag == "a"]
    for state in ("unjudged", "judge_failed", "request_failed", "missing"):
        assert f"#items?status={state}" in links
    assert "104 of 108 items" in benign.text


def test_a_run_that_is_not_comparable_says_why(benign):
    assert "Not comparable" in benign.text
    assert "zero-shot: 12 of 243 samples" in benign.text


def test_each_link_within_the_page_has_a_target(benign):
    targets = {attrs["id"] for _, attrs in benign.elements if "id" in attrs}
    links = {attrs["href"][1:].partition("?")[0] for tag, attrs in benign.elements if tag == "a"}
    assert links <= targets


def test_each_cell_of_the_heat_map_names_its_interval_and_its_items(benign):
    details = re.findall(
        r"rabi, Q6, zero-shot; 95% interval (\S+) to (\S+); 8 of 8 items measured", benign.text
    )
    assert 1 == len(details)


def test_each_plot_is_embedded_once_and_whole(tmp_path):
    folder = report_dir(tmp_path)
    html = write_page(folder).read_text(encoding="utf-8")
    encoded = base64.b64encode(plot(5)).decode()
    assert 1 == html.count(encoded)
    assert f"data:image/webp;base64,{encoded}" == Page(html).island("plots")[digest(5)]


def test_each_text_of_the_prompts_is_embedded_once(benign):
    assert ["What do you see? plain", "Example:"] == benign.island("data")["texts"]


def test_items_that_failed_count_as_zero_on_request(tmp_path):
    folder = report_dir(tmp_path)
    assert "1 item without an answer counts here" not in page_of(folder).text
    zeros = page_of(folder, errors=ErrorRule.ZERO).text
    assert "1 item without an answer counts here" in zeros
    assert "zero: items without an answer count as 0, which is not the reference's rule" in zeros


def test_the_items_of_a_large_run_are_packed(tmp_path, monkeypatch):
    folder = report_dir(tmp_path, HOSTILE)
    plain = page_of(folder).island("data")
    monkeypatch.setattr("reports.html.page.LARGEST_PLAIN", 1000)
    element = next(raw for raw in page_of(folder).raw if raw[1].get("id") == "data")
    assert "application/gzip" == element[1]["type"]
    assert plain == json.loads(gzip.decompress(base64.b64decode(element[2])))


def test_a_run_without_samples_and_plots_has_a_note(tmp_path):
    page = page_of(report_dir(tmp_path, illustrated=False))
    assert "no samples.jsonl: prompts and reference answers are not shown" in page.text
    assert "no plots: none are shown" in page.text


def test_garbled_samples_cost_the_prompts_and_not_the_page(tmp_path):
    folder = report_dir(tmp_path)
    (folder / "samples.jsonl").write_text("{}\n")
    page = page_of(folder)
    assert "samples.jsonl, line 1: not a sample (Object missing required field `" in page.text
    assert {} == page.island("data")["samples"]


def test_a_run_that_measured_nothing_has_a_page(tmp_path):
    folder = report_dir(tmp_path)
    (folder / "records.jsonl").unlink()
    page = page_of(folder)
    assert "0 of 108 items" in page.text
    assert {"missing"} == {item["status"] for item in page.island("data")["items"]}


def test_python_m_reports_writes_the_page(tmp_path, capsys):
    folder = report_dir(tmp_path / "run")
    assert 0 == main([str(folder)])
    assert (folder / "report.html").is_file()


def test_a_merged_run_shows_the_samples_and_plots_of_its_parts(tmp_path):
    parts = [report_dir(tmp_path / name) for name in ("a", "b")]
    for part, keep in zip(parts, ("rabi", "drag"), strict=True):
        lines = (part / "samples.jsonl").read_text().splitlines(keepends=True)
        (part / "samples.jsonl").write_text(
            "".join(line for line in lines if f'"sample_id": "{keep}' in line)
        )
    assert 0 == main(["merge", *map(str, parts), "--out", str(tmp_path / "merged")])
    page = Page((tmp_path / "merged" / "report.html").read_text(encoding="utf-8"))
    assert 12 == len(page.island("data")["samples"])
    assert 12 == len(page.island("plots"))


def test_what_several_runs_asked_about_one_sample_is_brought_together(tmp_path):
    for name, questions in (("a", {Question.Q2: "Reliable"}), ("b", {Question.Q6: "SUCCESS"})):
        prompts = {question: (PromptBlock(text=f"about {question}"),) for question in questions}
        sheet = SampleSheet(
            sample_id="one",
            plots=(),
            prompts={Mode.ZEROSHOT: prompts},
            variants={"blank": {Mode.ICL: prompts}},
            references=References(answers={Mode.ZEROSHOT: questions}, key_points={}),
            variant_references={"jpeg": References(answers={Mode.ICL: questions}, key_points={})},
        )
        (tmp_path / name).mkdir()
        write_sheets(tmp_path / name, [sheet])
    (tmp_path / "both").mkdir()
    join_illustrations([tmp_path / "a", tmp_path / "b"], tmp_path / "both")
    joined = load_sheets(tmp_path / "both")["one"]
    assert {Question.Q2, Question.Q6} == joined.prompts[Mode.ZEROSHOT].keys()
    assert {Question.Q2, Question.Q6} == joined.variants["blank"][Mode.ICL].keys()
    assert {Question.Q2: "Reliable", Question.Q6: "SUCCESS"} == joined.references.answers[Mode.ZEROSHOT]
    assert joined.references.answers[Mode.ZEROSHOT] == joined.variant_references["jpeg"].answers[Mode.ICL]


# --- size and looks -----------------------------------------------------------------------------------------


def test_very_long_answers_keep_the_page_small():
    run = report_run()
    long = Answer(text="x" * 60_000, reasoning="y" * 60_000)
    records = tuple(replace(record, answer=record.answer and long) for record in run.records)
    text = "".join(items_island(replace(run, records=records), {}))
    assert len(text) < 1.2 * TEXT_BUDGET
    data = json.loads(text)
    assert "characters left out of this page" in data["items"][0]["answer"]["text"]


def test_the_limit_on_texts_is_the_largest_that_keeps_to_the_budget():
    assert TEXT_LIMITS[0] == text_limit([10] * 2166)
    assert 2_000 == text_limit([1_000_000] * 2166)


def test_a_shortened_text_keeps_its_beginning_and_its_end():
    text = shortened("first " + "x" * 10_000 + " last", 3_000)
    assert text.startswith("first ")
    assert text.endswith(" last")
    assert len(text) < 3_100


def test_text_on_the_heat_map_is_legible_at_every_step():
    css = (REPOSITORY / "reports" / "html" / "static" / "heat.css").read_text()
    steps = re.findall(r"^\.h(\d+) .*--cell: (#\w+); --on-cell: (#\w+);", css, re.MULTILINE)
    assert [str(step) for step in range(21)] == [step for step, *_ in steps]
    assert min(_contrast(cell, text) for _, cell, text in steps) >= 4.5  # WCAG 2.2, level AA


def _contrast(*colours):
    dark, light = sorted(map(_luminance, colours))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour):
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
