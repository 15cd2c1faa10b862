"""The command as users write it: without a path it evaluates the benchmark.

A wrong path gives a one-line error.
"""

import shutil
import subprocess
import sys

import pytest

from tests.endpoint import Reply, Stream
from tests.inner_run import OFF
from tests.scripts import always

pytest_plugins = ["pytester"]

USAGE_ERROR = 4
OWN_TEST = "def test_own():\n    assert True\n"


@pytest.fixture
def options(endpoint, tiny_folder):
    endpoint.script = always(Reply("Status: SUCCESS"))
    return (
        *("--model-url", endpoint.base_url, "--dataset", str(tiny_folder)),
        *("--questions=Q6", "--limit=2", "--no-html", "-q"),
    )


@pytest.fixture
def run(quick):
    """A session in a checkout, with exactly these arguments; ``runs/`` holds what it writes."""

    def start(*arguments):
        done = quick.pytester.runpytest_inprocess(*arguments)
        return quick.result(int(done.ret), f"{done.stdout}\n{done.stderr}", None)

    (quick.folder / "tests").mkdir()
    (quick.folder / "tests" / "test_own.py").write_text(OWN_TEST)
    (quick.folder / "tests" / "conftest.py").write_text("import a_package_of_developers_only\n")
    ini = quick.folder / "pytest.ini"
    ini.write_text(f"{ini.read_text()}testpaths = tests\n")
    return start


# --- without a path ---


def test_without_a_path_the_benchmark_is_evaluated(run, options, endpoint, workers):
    """The conftest.py of the suite's own tests is not loaded, because its imports may not be installed."""
    result = run(*options, *workers)
    assert 0 == result.exit_status, result.out
    assert "4 passed" in result.out
    assert 4 == len(endpoint.requests) == len(result.records)


def test_without_a_path_k_selects(run, options, endpoint):
    assert "2 passed, 2 deselected" in run(*options, "-k", "icl and rabi").out
    assert 2 == len(endpoint.requests)


def test_without_a_path_a_study_takes_spaced_numbers(run, options):
    result = run(*options, "--shots", "0", "1", "--shot-families=rabi")
    assert "0 1" not in result.out
    assert 4 == len(result.records), result.out


def test_without_a_path_a_load_is_held(run, options, endpoint):
    endpoint.script = always(Stream(["Status: SUCCESS"]))
    result = run(*options, "--parallel", "1", "2", "--number=4", "--warmup=0")
    assert "2 passed" in result.out, result.out


def test_from_a_subfolder(run, quick, options, workers, monkeypatch):
    monkeypatch.chdir(quick.folder / "tests")
    assert "4 passed" in run(*options, *workers).out


def test_bare_pytest_runs_the_suites_own_tests(run, quick):
    (quick.folder / "tests" / "conftest.py").unlink()
    assert "1 passed" in run("-q").out
    assert not (quick.folder / "runs").exists()


def test_checkout_inside_another_repository(run, quick, options, monkeypatch):
    """Neither the ini file nor the conftest.py of that checkout is ours."""
    checkout = quick.folder / "vendor" / "checkout"
    shutil.copytree(quick.folder / "test_qcaleval", checkout / "test_qcaleval")
    shutil.copy(quick.folder / "pytest.ini", checkout)
    (quick.folder / "conftest.py").write_text("raise SystemExit('of the outer repository')\n")
    (quick.folder / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    monkeypatch.chdir(checkout)
    assert "4 passed" in run(*options).out


# --- paths that hold no evaluation ---


def test_path_without_evaluation_items_ends_before_a_folder_is_made(run, quick, options, endpoint, workers):
    (quick.folder / "tests" / "conftest.py").unlink()
    (quick.folder / "tests" / "test_own.py").write_text(f"OTHER = '@pytest.mark.qcal_asks'\n{OWN_TEST}")
    result = run("tests", *options, *workers)
    assert USAGE_ERROR == result.exit_status
    assert (
        "ERROR: no evaluation item in tests: leave the path out to evaluate the benchmark, or leave out the"
        in (result.out)
    )
    assert not (quick.folder / "runs").exists()
    assert 0 == endpoint.model_list_requests


def test_absent_path_ends_before_a_folder_is_made(run, quick, options, workers):
    result = run("test_nothing.py", *options, *workers)
    assert USAGE_ERROR == result.exit_status
    assert "ERROR: file or directory not found: test_nothing.py" in result.out
    assert not (quick.folder / "runs").exists()


def test_own_tests_among_others_are_seen(run, quick, options):
    (quick.folder / "mine" / "deep").mkdir(parents=True)
    (quick.folder / "mine" / "deep" / "test_mine.py").write_text(
        "from test_qcaleval.test_zeroshot import test_zeroshot\n" + OWN_TEST
    )
    assert "3 passed" in run("mine", *options).out


def test_nothing_selected_leaves_no_folder(run, quick, options, endpoint):
    run(*options)
    asked = len(endpoint.requests)
    last = list((quick.folder / "runs").iterdir())

    run(*options, "-k", "nothing_of_the_kind")

    assert last == list((quick.folder / "runs").iterdir())
    assert "4 passed" in run(*options, "--resume").out
    assert asked == len(endpoint.requests)


# --- from another folder ---


def test_an_editable_install_evaluates_from_any_folder(inner, tiny_folder, tmp_path):
    """The checkout's conftest.py is then not at the top, where pytest does not allow ``pytest_plugins``."""
    folder = tmp_path / "another"
    folder.mkdir()
    options = ["--demo", "--limit=1", "--collect-only", "-q", "--dataset", str(tiny_folder), *OFF.split()]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=folder,
        env=inner.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "::test_zeroshot[" in done.stdout


# --- the cache, wherever the run is ---


@pytest.mark.parametrize("spelling", [("--run-dir={}",), ("--run-dir", "{}")], ids=["joined", "spaced"])
def test_lf_finds_its_run_however_the_folder_is_named(
    run, options, endpoint, tmp_path_factory, spelling, workers
):
    """The folder exists at the second command; pytest would take it for a path and look for its cache there."""
    where = [part.format(tmp_path_factory.mktemp("elsewhere") / "run") for part in spelling]
    fails = iter([True])
    endpoint.script = lambda request: Reply(None if next(fails, False) else "Status: SUCCESS")
    assert "1 error" in run(*options, *where, *workers, "--retries=0").out

    again = run(*options, *where, *workers, "--retries=0", "--lf").out

    assert "1 passed" in again, again
    assert 5 == len(endpoint.requests)


@pytest.mark.parametrize(
    "options", [("--resume",), ("-n2", "--repeats=2"), ("--gate", "gates.toml")], ids=str
)
def test_an_option_without_a_model_is_a_mistake_and_runs_no_other_tests(run, options):
    result = run(*options)

    assert 4 == result.exit_status, result.out
    flag = next(option for option in options if option.startswith("--")).partition("=")[0]
    assert f"ERROR: {flag}: no model to ask: add --model-url" in result.out
    assert "passed" not in result.out
