"""Files that the plugin writes in addition to the records, for reports to show."""

import io
import json

import pytest
from PIL import Image

from qcal_plugin.dataset.prepare import prepare
from qcal_plugin.session.illustrations import LONGEST_SIDE, encode_plot, illustrate
from qcal_plugin.session.illustrator import Illustrator
from qcal_plugin.studies.selection import Selection, select_items
from qcal_plugin.studies.studied import StudiedDataset
from reports.records.illustrations import load_sheets
from scoring.questions import Mode, Question
from tests.dataset_factory import png
from tests.waiting import wait_until

pytest_plugins = ["pytester"]


def run_tiny(quick, tiny_folder, endpoint, *options):
    return quick.run(
        "-q", "--dataset", str(tiny_folder), "--model-url", endpoint.base_url, "--model", "test-vlm", *options
    )


def sheets_of(result):
    lines = (result.run_dir / "samples.jsonl").read_text().splitlines()
    return {sheet["sample_id"]: sheet for sheet in map(json.loads, lines)}


def test_a_run_leaves_a_page_with_the_samples_and_plots_it_shows(quick, tiny_folder, endpoint):
    result = run_tiny(quick, tiny_folder, endpoint, "--limit", "2")

    sheets = sheets_of(result)
    plots = {file.stem for file in (result.run_dir / "plots").iterdir()}
    assert ["rabi_success_a", "rabi_success_b"] == sorted(sheets)
    assert {digest for sheet in sheets.values() for digest in sheet["plots"]} == plots
    assert "qcal: HTML report: run/report.html" in result.out
    assert all(digest in (result.run_dir / "report.html").read_text() for digest in plots)


def test_a_prompt_is_kept_as_it_was_sent(quick, tiny_folder, endpoint):
    result = run_tiny(quick, tiny_folder, endpoint, "--limit", "1", "--questions", "Q6")

    sheet = sheets_of(result)["rabi_success_a"]
    sent = {tuple(request.prompt) for request in endpoint.requests if request.images}
    kept = {
        tuple(part.get("text") or f"sha256:{part['image']}" for part in asked["Q6"])
        for asked in sheet["prompts"].values()
    }
    assert sent == kept
    assert {"zeroshot": {"Q6": "Status: SUCCESS"}, "icl": {"Q6": "Status: SUCCESS"}} == sheet["answers"]


def test_a_resumed_run_shows_the_samples_of_both_sessions(quick, tiny_folder, endpoint):
    run_tiny(quick, tiny_folder, endpoint, "-k", "rabi_success_a and Q6")
    result = run_tiny(quick, tiny_folder, endpoint, "-k", "drag_success_a and Q2", "--resume")
    assert ["drag_success_a", "rabi_success_a"] == sorted(sheets_of(result))


def test_a_control_shows_the_picture_that_was_asked_about(quick, tiny_folder, endpoint):
    options = ("--limit", "1", "--questions", "Q6", "--modes", "zeroshot", "--control", "shuffled")
    sheet = sheets_of(run_tiny(quick, tiny_folder, endpoint, *options))["rabi_success_a"]
    shown = [part["image"] for part in sheet["variants"]["shuffled"]["zeroshot"]["Q6"] if "image" in part]
    assert {tuple(shown), tuple(sheet["plots"])} == {
        request.images for request in endpoint.requests if request.images
    }
    assert shown != sheet["plots"]


def test_no_html_writes_neither_page_nor_plots(quick, tiny_folder, endpoint):
    result = run_tiny(quick, tiny_folder, endpoint, "--limit", "1", "--no-html")
    assert not [
        name for name in ("report.html", "samples.jsonl", "plots") if (result.run_dir / name).exists()
    ]
    assert "report.html" not in result.out


def test_a_plot_that_cannot_be_written_costs_the_plots_and_not_the_page(quick, tiny_folder, endpoint):
    (quick.folder / "run" / "plots").parent.mkdir()
    (quick.folder / "run" / "plots").write_text("in the way")
    result = run_tiny(quick, tiny_folder, endpoint, "--limit", "1")
    assert "qcal: plots are missing in report.html: " in result.out
    assert "Traceback" not in result.out
    assert (result.run_dir / "report.html").is_file()
    assert 0 == result.exit_status


def test_only_what_is_planned_is_written(tmp_path, tiny_folder):
    dataset = prepare(str(tiny_folder), cache=tmp_path / "cache")
    planned = select_items(
        Selection(modes=(Mode.ZEROSHOT,), questions=(Question.Q1,)), StudiedDataset(dataset=dataset)
    )
    illustrate(tmp_path, planned, dataset.case)
    sheets = load_sheets(tmp_path)
    assert {(Mode.ZEROSHOT, Question.Q1)} == {
        (mode, question)
        for sheet in sheets.values()
        for mode, asked in sheet.prompts.items()
        for question in asked
    }
    assert ("scatter plot", "linear axes", "sample 3") == sheets[
        "rabi_failure_damped_b"
    ].references.key_points[Question.Q1]


def test_a_plot_is_made_once_and_counts_as_progress(tmp_path, tiny_folder):
    dataset = prepare(str(tiny_folder), cache=tmp_path / "cache")
    planned = select_items(Selection(), StudiedDataset(dataset=dataset))
    told = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        illustrate(
            tmp_path / name, planned, dataset.case, progress=lambda done, total: told.append((done, total))
        )
        assert 8 == len(list((tmp_path / name / "plots").iterdir()))
    assert [(done, 8) for done in range(1, 9)] == told


@pytest.fixture
def illustrator(tmp_path, tiny_folder):
    """An illustrator of the run in ``tmp_path``, whose plan is the list given, and the progress that it reported."""

    def make(planned):
        dataset = prepare(str(tiny_folder), cache=tmp_path / "cache")
        return Illustrator(tmp_path, lambda: tuple(planned), dataset.case)

    return make


def items_of(folder, count):
    dataset = prepare(str(folder), cache=folder / "cache")
    return list(select_items(Selection(modes=(Mode.ZEROSHOT,)), StudiedDataset(dataset=dataset))[:count])


def shown_in(run_dir):
    sheets = load_sheets(run_dir)
    asked = {(name, question) for name, sheet in sheets.items() for question in sheet.prompts[Mode.ZEROSHOT]}
    return asked, {file.stem for file in (run_dir / "plots").iterdir()}


def test_what_was_made_while_the_run_was_asking_is_not_made_at_its_end(tmp_path, tiny_folder, illustrator):
    planned, told = items_of(tiny_folder, 12), []
    background = illustrator(planned)
    background.start()
    wait_until(lambda: len(list((tmp_path / "plots").glob("*"))) == 2)
    background.finish(lambda *progress: told.append(progress))
    asked, plots = shown_in(tmp_path)
    assert ([], 12, 2) == (told, len(asked), len(plots))


@pytest.mark.parametrize("begun", [True, False])
def test_what_the_run_left_undone_is_made_at_its_end(tmp_path, tiny_folder, illustrator, begun):
    planned, told = items_of(tiny_folder, 12), []
    background = illustrator(planned)
    if begun:
        background.start()
        background.stop()
    planned += items_of(tiny_folder, 18)[12:]
    background.finish(lambda *progress: told.append(progress))
    asked, plots = shown_in(tmp_path)
    assert (18, 3) == (len(asked), len(plots))
    assert told[-1][0] == told[-1][1]


@pytest.mark.parametrize(("size", "expected"), [((3000, 1500), (1000, 500)), ((640, 480), (640, 480))])
def test_a_plot_is_shrunk_to_the_longest_side_and_never_blown_up(size, expected):
    with Image.open(io.BytesIO(encode_plot(png(size=size)))) as plot:
        assert ("WEBP", expected) == (plot.format, plot.size)
    assert LONGEST_SIDE == 1000


def test_what_is_transparent_is_white():
    clear = io.BytesIO()
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(clear, "PNG")
    with Image.open(io.BytesIO(encode_plot(clear.getvalue()))) as plot:
        assert (255, 255, 255) == plot.convert("RGB").getpixel((20, 20))
