"""Lines about a run under way: present where it takes a while, whole, within 80 columns, silent at -qq."""

import re

import pytest

from qcal_plugin.session.progress import running_means
from reports.records.records import ItemKey
from scoring.questions import Mode, Question
from tests.endpoint import Reply
from tests.scripts import always, delayed

pytest_plugins = ["pytester"]

LINE = re.compile(
    r"^qcal: (\d+)/72, \d+:\d\d left, \d\+0 in flight, zeroshot \d+\.\d ±\d+\.\d, [\d.]+ requests/s$", re.MULTILINE
)


def slow_run(quick, endpoint, folder, *more):
    endpoint.script = delayed(0.2, always(Reply("Status: SUCCESS")))
    given = ("--model-url", endpoint.base_url, "--dataset", str(folder), "--concurrency", "4", "--no-html")
    return quick.run(*given, *more)


@pytest.mark.parametrize("options", [(), ("-n2",), ("-q",)], ids=["plain", "n2", "q"])
def test_a_log_gets_a_plain_line_now_and_then(quick, endpoint, tiny_folder, options):
    result = slow_run(quick, endpoint, tiny_folder, *options)

    found = LINE.findall(result.out)
    assert found, result.out
    assert sorted(map(int, found)) == [int(done) for done in found]
    assert all(len(line) <= 80 for line in result.out.splitlines() if line.startswith("qcal: ") and "left" in line)
    assert "\x1b" not in result.out
    assert "\r" not in result.out


def test_nothing_is_said_at_qq(quick, endpoint, tiny_folder):
    assert "in flight" not in slow_run(quick, endpoint, tiny_folder, "-qq").out


def test_running_means_are_clustered_by_sample_and_need_two_samples():
    measured = {
        ItemKey("a", Question.Q1, Mode.ZEROSHOT): 0.0,
        ItemKey("a", Question.Q2, Mode.ZEROSHOT): 0.2,
        ItemKey("b", Question.Q1, Mode.ZEROSHOT): 0.5,
        ItemKey("a", Question.Q3, Mode.ICL): 1.0,
        ItemKey("a", Question.Q1, Mode.ZEROSHOT, variant="blank"): 1.0,
    }

    # samples a: 10, b: 50; mean 30, s = 28.28, 1.96 s / sqrt(2) = 39.2
    assert ["zeroshot 30.0 ±39.2"] == running_means(measured)


@pytest.mark.parametrize("measured", [{}, {ItemKey("a", Question.Q1, Mode.ICL): 1.0}])
def test_no_mean_is_shown_below_two_samples(measured):
    assert [] == running_means(measured)
