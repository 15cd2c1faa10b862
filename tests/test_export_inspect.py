"""A run as a log of Inspect, read by Inspect's API and shown by its viewer. Needs the extra ``inspect``."""

import socket
import subprocess
import sys
import time

import pytest

from reports.__main__ import main
from tests.browser import CHROMIUM
from tests.report_factory import report_dir, report_run

inspect_log = pytest.importorskip("inspect_ai.log", reason="inspect_ai is not installed: extra inspect")


@pytest.fixture(scope="module")
def log_file(tmp_path_factory):
    run = report_dir(tmp_path_factory.mktemp("run"))
    target = tmp_path_factory.mktemp("logs") / "2026-05-01T12-00-00+00-00_qcaleval_run.eval"
    assert 0 == main(["export", str(run), "--format", "inspect", "--out", str(target)])
    return target


@pytest.fixture(scope="module")
def log(log_file):
    return inspect_log.read_eval_log(str(log_file), resolve_attachments=True)


def sample(log, name):
    return next(sample for sample in log.samples if sample.id == name)


def test_every_record_is_a_sample(log):
    assert len(report_run().records) == len(log.samples) == len({(s.id, s.epoch) for s in log.samples})


def test_a_sample_has_prompt_plot_answer_target_and_explanation(log):
    logged = sample(log, "rabi_success_b-Q6-zeroshot")
    image, text = logged.input[0].content
    assert image.image.startswith("data:image/webp;base64,")
    assert "What do you see? plain" == text.text
    assert "SUCCESS" == logged.target == logged.scores["qcaleval"].answer
    assert "read: SUCCESS; expected: SUCCESS" == logged.scores["qcaleval"].explanation
    assert logged.output.completion.startswith("plain answer of rabi_success_b")


def test_what_a_judge_graded_has_its_grades_and_the_reference_as_target(log):
    logged = sample(log, "rabi_success_b-Q1-zeroshot")
    assert "reference of rabi_success_b" == logged.target
    assert "judge-b graded the key points: 1, 1, 0" in logged.scores["qcaleval"].explanation


def test_plots_of_demonstrations_are_named_and_left_out(log):
    kinds = [part.type for part in sample(log, "rabi_success_b-Q6-icl").input[0].content]
    assert ["text", "text", "image", "text"] == kinds


def test_times_and_tokens_are_there(log):
    logged = sample(log, "rabi_success_b-Q6-zeroshot")
    assert 1.5 == logged.total_time == logged.working_time == logged.output.time
    assert (900, 101) == (logged.output.usage.input_tokens, logged.output.usage.output_tokens)
    assert log.stats.started_at
    assert log.stats.completed_at >= log.stats.started_at
    assert next(iter(log.stats.model_usage.values())).input_tokens > 900


def test_means_are_metrics_with_errors(log):
    metrics = log.results.scores[0].metrics
    assert {"zeroshot_Q6", "zeroshot_Q6_stderr", "icl_mean"} <= set(metrics)
    assert 0 < metrics["zeroshot_Q6"].value < 1
    assert log.results.scores[0].unscored_samples > 0


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_the_viewer_shows_it(chromium, log_file):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "inspect_ai",
        "view",
        "start",
        "--log-dir",
        str(log_file.parent),
        "--port",
        str(port),
    ]
    viewer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    from playwright.sync_api import Error

    try:
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                page.goto(f"http://127.0.0.1:{port}/")
                break
            except Error:
                time.sleep(0.3)
        page.wait_for_selector("text=drag_success_a-Q1-zeroshot", timeout=60_000)
        words = page.inner_text("body")
        assert "NaN" not in words
        assert "None" not in words
        page.click("text=drag_success_a-Q1-zeroshot")
        page.wait_for_function(
            "() => [...document.images].some((one) => one.src.startsWith('data:image/webp'))"
        )
        assert "plain answer of drag_success_a Q1" in page.inner_text("body")
    finally:
        viewer.terminate()
        viewer.wait(10)
