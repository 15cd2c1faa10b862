"""Progress lines: present in long runs, complete, within 80 columns, absent at -qq."""

import contextlib
import os
import re
import subprocess
from types import SimpleNamespace

import pytest

from qcal_plugin.session.progress import running_means
from qcal_plugin.session.status_line import StatusLine
from reports.records.records import ItemKey
from reports.records.steps import StepProgress
from reports.site.entries import mapped
from scoring.questions import Mode, Question
from tests.endpoint import Reply
from tests.scripts import always, delayed

pytest_plugins = ["pytester"]

LINE = re.compile(
    r"^qcal: (\d+)/72, \d+:\d\d left, asking \d, zero-shot \d+\.\d ±\d+\.\d, [\d.]+ requests/s$", re.MULTILINE
)


def slow_run(quick, endpoint, folder, *more):
    endpoint.script = delayed(0.2, always(Reply("Status: SUCCESS")))
    given = ("--model-url", endpoint.base_url, "--dataset", str(folder), "--concurrency", "4", "--no-html")
    return quick.run(*given, *more)


@pytest.mark.parametrize("options", [(), ("-n2",), ("-q",)], ids=["plain", "n2", "q"])
def test_a_log_gets_a_plain_line_now_and_then(quick, endpoint, tiny_folder, options):
    result = slow_run(quick, endpoint, tiny_folder, *options)

    counts = LINE.findall(result.out)
    assert counts, result.out
    assert sorted(map(int, counts)) == [int(done) for done in counts]
    assert all(
        len(line) <= 80 for line in result.out.splitlines() if line.startswith("qcal: ") and "left" in line
    )
    assert "\x1b" not in result.out
    assert "\r" not in result.out


def test_nothing_is_printed_at_qq(quick, endpoint, tiny_folder):
    assert "asking" not in slow_run(quick, endpoint, tiny_folder, "-qq").out


def test_running_means_are_clustered_by_sample_and_need_two_samples():
    measured = {
        ItemKey("a", Question.Q1, Mode.ZEROSHOT): 0.0,
        ItemKey("a", Question.Q2, Mode.ZEROSHOT): 0.2,
        ItemKey("b", Question.Q1, Mode.ZEROSHOT): 0.5,
        ItemKey("a", Question.Q3, Mode.ICL): 1.0,
        ItemKey("a", Question.Q1, Mode.ZEROSHOT, variant="blank"): 1.0,
    }

    # samples a: 10, b: 50; mean 30, s = 28.28, 1.96 s / sqrt(2) = 39.2
    assert ["zero-shot 30.0 ±39.2"] == running_means(measured)


@pytest.mark.parametrize("measured", [{}, {ItemKey("a", Question.Q1, Mode.ICL): 1.0}])
def test_no_mean_is_shown_below_two_samples(measured):
    assert [] == running_means(measured)


# --- on a terminal ---


class Screen:
    """The content of a terminal with some lines, as far as pytest and the suite use one."""

    def __init__(self, height):
        self.lines, self.row, self.column, self.height = [""], 0, 0, height

    def feed(self, text):
        for piece in re.findall(r"\x1b\[(?:\d*)[A-Za-z]|\x1b\[[\d;]*m|.|\n|\r", text):
            if piece == "\n":
                self.row, self.column = self.row + 1, 0
                if self.row == self.height:
                    self.lines, self.row = self.lines[1:], self.row - 1
                self.lines += [""] * (self.row + 1 - len(self.lines))
            elif piece == "\r":
                self.column = 0
            elif piece.startswith("\x1b["):
                self._control(piece[2:-1], piece[-1])
            else:
                line = self.lines[self.row].ljust(self.column)
                self.lines[self.row] = line[: self.column] + piece + line[self.column + 1 :]
                self.column += 1

    def _control(self, number, letter):
        match letter:
            case "A":
                self.row -= int(number or 1)
            case "G":
                self.column = int(number) - 1
            case "K":
                self.lines[self.row] = self.lines[self.row][: self.column]
            case "J":
                self.lines[self.row] = self.lines[self.row][: self.column]
                self.lines[self.row + 1 :] = []


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo terminal")
def test_on_a_terminal_a_line_is_redrawn_below_unbroken_dots(inner, endpoint, tiny_folder, workers):
    endpoint.script = delayed(0.2, always(Reply("Status: SUCCESS")))
    given = (
        "--model-url",
        endpoint.base_url,
        "--dataset",
        str(tiny_folder),
        "--concurrency",
        "4",
        "--no-html",
    )
    controller, terminal = os.openpty()
    process = subprocess.Popen(
        inner.command(*given, "--questions=Q2,Q6", "-q", *workers),
        cwd=inner.folder,
        env={**inner.environment, "TERM": "xterm"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    output = b""
    with contextlib.suppress(OSError):  # the other end is closed
        while chunk := os.read(controller, 65536):
            output += chunk
    os.close(controller)
    assert 0 == process.wait()
    text = output.decode()
    assert 2 <= len(re.findall(r"qcal: \d+/24, [^\r\n]*asking \d", text)), text

    screen = Screen(height=1000)
    screen.feed(text)

    dots = [line for line in screen.lines if re.fullmatch(r"\.+ +\[100%\]", line)]
    assert [24] == [line.count(".") for line in dots], screen.lines
    assert not [line for line in screen.lines if "asking" in line]


@pytest.mark.parametrize("height", [3, 1000])
def test_status_line_returns_to_where_pytest_writes(height, monkeypatch):
    screen = Screen(height)
    monkeypatch.setattr("sys.stdout", SimpleNamespace(write=screen.feed, flush=lambda: None))
    line = StatusLine(SimpleNamespace(get_terminal_writer=lambda: SimpleNamespace(width_of_current_line=3)))
    screen.feed("first\nsecond\n...")
    line.draw("a long line")
    line.draw("shorter")
    assert ["second", "...", "shorter"] == screen.lines[-3:]
    line.erase()
    line.erase()
    screen.feed(".")
    assert ["second", "...."] == screen.lines[-2:]


def test_long_steps_are_announced_in_a_log_and_short_ones_are_not(capsys):
    steps = StepProgress(verbosity=0)
    for done in range(3):
        steps("checking images", done, 2)
    for done in range(31):
        steps("drawing synthetic samples", done, 30)
    assert "qcal: drawing synthetic samples 0/30\n" == capsys.readouterr().out
    StepProgress(verbosity=-2)("drawing synthetic samples", 0, 30)
    assert "" == capsys.readouterr().out


def test_long_steps_say_how_far_they_are_every_ten_seconds(capsys, monkeypatch):
    clock = iter(range(1, 1000, 4))
    monkeypatch.setattr("reports.records.steps.time", SimpleNamespace(monotonic=lambda: next(clock)))
    steps = StepProgress(verbosity=0)
    for done in range(12):
        steps("preparing plots", done, 11)
    shown = re.findall(r"preparing plots (\d+)/11", capsys.readouterr().out)
    assert ["0", "3", "6", "9"] == shown


def test_a_site_of_many_runs_says_how_many_it_has_read(capsys, monkeypatch):
    monkeypatch.setattr("reports.site.entries.FEWEST_FOR_A_POOL", 1000)
    assert [*range(1, 31)] == mapped("reading runs", int, [str(number) for number in range(1, 31)])
    assert "qcal: reading runs 0/30\n" == capsys.readouterr().out
