"""A session's messages to a newcomer: what was measured, what is missing, what to type next."""

import os
import subprocess
import sys

import pytest

from qcal_plugin.session.near_misses import nothing_selected
from reports.records.names import question_span
from reports.records.records import ItemKey, PlannedItem
from scoring.questions import Mode, Question
from tests.endpoint import Reply
from tests.inner_run import REPOSITORY
from tests.scripts import always

pytest_plugins = ["pytester"]

USAGE_ERROR = 4


@pytest.fixture
def options(endpoint, tiny_folder):
    endpoint.script = always(Reply("Status: SUCCESS"))
    return "--model-url", endpoint.base_url, "--dataset", str(tiny_folder), "--modes=zeroshot", "--limit=2"


# --- a run without a judge ---


def test_run_without_a_judge_says_what_to_type_and_the_mean_of_what_was_scored(quick, options):
    result = quick.run(*options, "-q")
    assert (
        "qcal: 4 items wait for a judge: run the same command with --resume --judge-url URL, or: pytest --answers run"
        in (result.out)
    )
    assert "--lf" not in result.out
    assert "The mean over Q2, Q4-Q6 is " in result.out


def test_resume_with_a_judge_judges_that_run(quick, options, endpoint):
    quick.run(*options)
    answered = len(endpoint.requests)
    assert {"Q1", "Q3"} == {
        question
        for (_, question, _), value in quick.run(*options, "--resume").values().items()
        if (value is None)
    }

    endpoint.script = always(Reply("[1, 0, 1]"))
    judged = quick.run(*options, "--resume", "--judge-url", endpoint.base_url, "--judge-model=judge-a")

    assert 0 == judged.exit_status, judged.out
    assert 4 == len(endpoint.requests) - answered
    assert ["judge-a"] == [judge["model"] for judge in judged.manifest["judges"]]
    assert None not in judged.values().values()
    assert "wait for a judge" not in judged.out
    again = quick.run(*options, "--resume")
    assert USAGE_ERROR == again.exit_status
    assert "judges was judge-a, is now not set" in again.out


# --- scores ---


def test_verbose_session_shows_scores_and_a_green_line_is_explained(quick, options, workers):
    result = quick.run(*options, "--questions=Q6", "-v", *workers)
    scores = [
        line
        for line in result.out.splitlines()
        if "test_zeroshot[" in line and ("100.0" in line or " 0.0" in line)
    ]
    assert 2 == len(scores), result.out
    assert "PASSED" not in result.out
    assert "2 passed" in result.out
    assert "qcal: passed means measured, not correct; mean score, 0-100: zero-shot " in result.out


def test_dots_stay_dots(quick, options):
    assert quick.run(*options, "--questions=Q6", "-q").out.startswith("..")


# --- names ---


def planned(family, scenario, sample):
    return [
        PlannedItem(key=ItemKey(sample, question, Mode.ZEROSHOT), family=family, scenario_type=scenario)
        for question in Question
    ]


ITEMS = [
    *planned("rabi", "rabi_success", "rabi_a"),
    *planned("ramsey_t2star", "ramsey_t2star_beating", "ramsey_b"),
]


@pytest.mark.parametrize(
    ("keywords", "markers", "advice"),
    [
        ("rabbi", "", "-k 'rabbi' selects none of 12 items; 'rabbi': did you mean rabi?"),
        ("Q7 and rabi", "", "'Q7': did you mean Q6?"),
        ("", "qcal(family='ramsey_t2_star')", "'ramsey_t2_star': did you mean ramsey_t2star?"),
        (
            "xyzzy",
            "",
            "-k 'xyzzy' selects none of 12 items; pytest --list families, scenarios or questions shows",
        ),
        ("rabi and not rabi", "", "-k 'rabi and not rabi' selects none of 12 items; pytest --list"),
    ],
)
def test_expression_that_selects_nothing_names_what_was_meant(keywords, markers, advice):
    assert advice in nothing_selected(keywords, markers, ITEMS)


def test_session_that_selects_nothing_says_what_was_meant(quick, options):
    out = quick.run(*options, "-k", "rabbi").out
    assert "qcal: -k 'rabbi' selects none of 12 items; 'rabbi': did you mean rabi?" in out, out


def test_list_of_families_and_scenarios_of_a_dataset(quick, tiny_folder):
    families = quick.run("--list=families", "--dataset", str(tiny_folder)).out.split("\n")
    assert ["drag", "rabi"] == [line.split()[0] for line in families[:2]], families
    scenarios = quick.run("--list", "scenarios", "--dataset", str(tiny_folder)).out
    assert "rabi  rabi_" in scenarios
    assert "passed" not in scenarios


def test_list_of_the_benchmarks_families_needs_no_dataset(quick):
    lines = quick.run("--list=families").out.strip().splitlines()
    assert 23 == len(lines)
    assert "rabi_hw" in "\n".join(lines)


def test_list_of_questions_and_of_what_cannot_be_listed(quick):
    out = quick.run("--list=questions").out
    assert "Q6 diagnosis      calibration_diagnosis: zero-shot and ICL" in out
    assert "Q1 description    technical_description: zero-shot; graded by a judge" in out
    wrong = quick.run("--list=models")
    assert USAGE_ERROR == wrong.exit_status
    assert "--list models: choose from families, scenarios, questions" in wrong.out


@pytest.mark.parametrize(
    ("questions", "span"),
    [("Q2 Q4 Q5 Q6", "Q2, Q4-Q6"), ("Q6 Q1", "Q1, Q6"), ("Q1 Q2 Q3 Q4 Q5 Q6", "Q1-Q6"), ("", "")],
)
def test_span_of_questions(questions, span):
    assert span == question_span(map(Question, questions.split()))


@pytest.mark.parametrize(("mark", "meant"), [("0.5", "50"), ("Q6=0.75", "Q6=75")])
def test_pass_mark_between_zero_and_one_is_a_slip(quick, options, mark, meant):
    result = quick.run(*options, f"--pass-mark={mark}")
    assert USAGE_ERROR == result.exit_status
    assert f"--pass-mark: '{mark}': scores go from 0 to 100; did you mean {meant}?" in result.out


# --- surroundings ---


def test_pytest_timeout_ends_the_item_that_it_meets(inner, endpoint, tiny_folder, workers):
    """Its clock runs while the test waits for the model; the other items are measured."""
    slow = iter([True])
    endpoint.script = lambda request: Reply("Status: SUCCESS", delay_s=60.0 if next(slow, False) else 0.0)
    result = inner.run(
        *(
            "--model-url",
            endpoint.base_url,
            "--dataset",
            str(tiny_folder),
            "--questions=Q6",
            "--modes=zeroshot",
        ),
        *("--limit=4", "--concurrency=4", "--timeout=2", "--no-html", *workers),
    )
    assert "INTERNALERROR" not in result.out, result.out
    assert "3 passed, 1 error" in result.out, result.out
    assert (
        "no answer yet: Timeout (>2.0s) from pytest-timeout. It counts the wait for the model" in result.out
    )
    assert 3 == len(result.records)


def test_no_home_and_no_password_entry(inner, tmp_path):
    """A container with a random user id: there is no home directory."""
    del inner.environment["QCAL_CACHE_DIR"]
    inner.environment.pop("HOME", None)
    inner.environment["PYTHONPATH"] = str(tmp_path)
    (tmp_path / "sitecustomize.py").write_text(
        "import os, pwd\ndef nobody(uid): raise KeyError(f'getpwuid(): uid not found: {uid}')\npwd.getpwuid = nobody\n"
    )
    result = inner.run("--demo", "--limit=1")
    assert USAGE_ERROR == result.exit_status, result.out
    assert 1 == len(result.out.strip().splitlines()), result.out
    assert "Set QCAL_CACHE_DIR to a writable folder" in result.out


def test_read_only_hub_cache_is_blamed_and_not_ours(monkeypatch, tmp_path):
    from huggingface_hub import constants

    from qcal_plugin.dataset import hub
    from qcal_plugin.dataset.errors import DatasetError

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", "/read-only/hub/blobs")

    monkeypatch.setattr(hub, "hf_hub_download", refuse)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", "/read-only/hub")
    with pytest.raises(
        DatasetError, match=r"Is the Hub's cache /read-only/hub writable\? HF_HUB_CACHE names another"
    ):
        hub.download("owner/name", "0" * 40, "file")


# --- setting up ---


@pytest.mark.skipif(os.name != "posix", reason="make and sh")
def test_wrong_python_is_named_before_anything_is_made(tmp_path):
    for name in ("Makefile", "pyproject.toml"):
        (tmp_path / name).write_text((REPOSITORY / name).read_text())
    old = tmp_path / "python3.8"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.8.20 && exit 0\nexit 1\n')
    old.chmod(0o755)
    done = subprocess.run(
        ["make", "demo", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert 2 == done.returncode
    assert (
        f"Python 3.11 or newer is needed; {old} is Python 3.8.20. Name another: make PYTHON=python3.12"
        in done.stdout
    )
    assert not (tmp_path / ".venv").exists()


@pytest.mark.skipif(os.name != "posix", reason="make and sh")
def test_half_made_environment_is_made_again(tmp_path):
    for name in ("Makefile", "pyproject.toml"):
        (tmp_path / name).write_text((REPOSITORY / name).read_text())
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "left-over").touch()
    python = tmp_path / "python3"
    python.write_text(
        f'#!/bin/sh\n[ "$2" = venv ] && echo "making $3" && exit 1\nexec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    done = subprocess.run(
        ["make", "demo", f"PYTHON={python}"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ".venv has another Python or is incomplete: it is made again" in done.stdout, done
    assert "making .venv" in done.stdout
    assert not (tmp_path / ".venv").exists()


def test_collecting_from_a_new_dataset_says_what_it_does(quick, tmp_path, monkeypatch):
    """No model is needed, and the dataset is drawn and prepared first."""
    monkeypatch.setenv("QCAL_CACHE_DIR", str(tmp_path / "new"))
    result = quick.run(
        "--dataset=synthetic:seed=1,families=t1,per-scenario=5", "--demo", "--collect-only", "-q"
    )
    assert 0 == result.exit_status
    assert "qcal: drawing synthetic samples 0/20" in result.out
    assert result.out.index("drawing synthetic") < result.out.index("test_zeroshot[")
