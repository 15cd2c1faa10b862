"""Installed, the suite is invisible to other projects' tests, and one command in an empty folder evaluates."""

import subprocess

import pytest

from tests.endpoint import Reply
from tests.scripts import always
from tests.wheel_environment import installed, wheel  # noqa: F401  fixtures

CONFTEST = """\
def pytest_addoption(parser):
    for name in ("--model", "--seed", "--dataset", "--limit", "--resume", "--demo"):
        parser.addoption(name, default="theirs", nargs="?")
"""
OWN_TEST = "def test_own(request):\n    assert request.config.getoption('demo') == 'ours'\n"
RETRY_PLUGIN = "def pytest_addoption(parser):\n    parser.addoption('--retries', type=int)\n"


@pytest.fixture
def project(tmp_path):
    """Somebody's project, which has options with the names of ours."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_own.py").write_text(OWN_TEST)
    return folder


@pytest.fixture
def empty(tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


@pytest.fixture
def options(endpoint, tiny_folder):
    endpoint.script = always(Reply("Status: SUCCESS"))
    return (
        *("--model-url", endpoint.base_url, "--dataset", str(tiny_folder)),
        *("--questions=Q6", "--limit=2", "--no-html", "-q"),
    )


def test_other_projects_keep_their_options(installed, project):  # noqa: F811
    with installed.plugin("stand_in_for_pytest_retry", RETRY_PLUGIN):
        status, out = installed.pytest(
            project, "--strict-config", "--strict-markers", "--retries=1", "--model=x", "--demo=ours", "-q"
        )
    assert 0 == status, out
    assert "1 passed" in out
    assert "--model-url" not in installed.pytest(project, "--help")[1]


def test_options_with_the_names_of_ours_end_an_evaluation_in_one_line(installed, project, empty):  # noqa: F811
    model = "--model-url=http://localhost:1/v1"
    status, out = installed.pytest(project, ".", model)
    assert 4 == status
    assert 1 == len(out.strip().splitlines()), out
    assert "--model" in out
    assert "--noconftest" in out
    with installed.plugin("stand_in_for_pytest_retry", RETRY_PLUGIN):
        status, out = installed.pytest(empty, model)
    assert 4 == status
    assert 1 == len(out.strip().splitlines()), out
    assert "--retries" in out
    assert "-p no:NAME" in out


def test_an_empty_folder_is_enough(installed, empty, options, endpoint):  # noqa: F811
    fails = iter([True])
    endpoint.script = lambda request: Reply(None if next(fails, False) else "Status: SUCCESS")
    status, out = installed.pytest(empty, *options, "--retries=0")
    assert "3 passed, 1 error" in out, out

    status, out = installed.pytest(empty, *options, "--retries=0", "--lf", "-n2")

    assert 0 == status, out
    assert "1 passed" in out
    assert 5 == len(endpoint.requests)
    assert {".pytest_cache", "runs"} == {path.name for path in empty.iterdir()}


@pytest.mark.parametrize(
    "path", [("--pyargs", "test_qcaleval"), ("test_qcaleval/test_zeroshot.py",)], ids=str
)
def test_the_benchmark_may_be_named_in_an_empty_folder(installed, empty, options, path):  # noqa: F811
    status, out = installed.pytest(empty, *path, *options, "-k", "zeroshot", "-n2")
    assert 0 == status, out
    assert "2 passed" in out


def test_another_projects_conftest_is_not_loaded_by_an_evaluation(installed, project, options):  # noqa: F811
    assert "4 passed" in installed.pytest(project, *options)[1]


def test_an_option_that_nobody_else_has_is_enough(installed, empty, tiny_folder):  # noqa: F811
    out = installed.pytest(empty, "--dry-run", "--dataset", str(tiny_folder), "--questions=Q6")[1]
    assert "items: 16 (zeroshot Q6: 8, icl Q6: 8)" in out, out
    assert "nothing was asked" in out
    assert "--model-url" in installed.pytest(empty, "test_qcaleval", "--help")[1]


TIME_IMPORT = """\
import sys, time, pytest
before, began = set(sys.modules), time.perf_counter()
import qcal_plugin.entry
print(time.perf_counter() - began, *sorted(set(sys.modules) - before))
"""


def test_other_sessions_pay_less_than_ten_milliseconds(installed, empty):  # noqa: F811
    """Their only cost is the import of four small modules."""
    best_s, modules = 1.0, []
    for _ in range(3):
        command = [installed.python, "-c", TIME_IMPORT]
        done = subprocess.run(
            command, cwd=empty, env=installed.environment, capture_output=True, text=True, check=True
        )
        seconds, *modules = done.stdout.split()
        best_s = min(best_s, float(seconds))
    assert ["qcal_plugin", "qcal_plugin.cli", "qcal_plugin.cli.paths", "qcal_plugin.entry"] == modules
    assert best_s < 0.01
