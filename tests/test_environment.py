"""The machine's influence on a session: long folder names, few file descriptors, lost files, signals, full disks."""

import os
import shutil
import signal
import subprocess

import pytest

from qcal_plugin.cli.options import read_config
from qcal_plugin.session.descriptors import RESERVED, within_limit
from tests.endpoint import Reply
from tests.scripts import always, delayed
from tests.waiting import wait_until

pytest_plugins = ["pytester"]

HANGING_S = 120.0


@pytest.fixture
def asking(endpoint, tiny_folder):
    """Options of a run that asks Q6 of eight samples."""
    endpoint.script = always(Reply("Status: SUCCESS"))
    return [
        "--model-url",
        endpoint.base_url,
        "--dataset",
        str(tiny_folder),
        "--questions=Q6",
        "--modes=zeroshot",
    ]


def test_workers_reach_the_engine_if_the_temporary_folder_has_a_long_name(inner, asking, tmp_path):
    folder = tmp_path / ("long-" * 30)
    folder.mkdir()
    inner.environment["TMPDIR"] = str(folder)
    result = inner.run(*asking, "-n2")
    assert 0 == result.exit_status, result.out
    assert 8 == len(result.records)
    assert [] == list(folder.glob("qcal-*"))


def test_the_soft_limit_of_open_files_is_raised(pytester, monkeypatch):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    config = read_config(pytester.parseconfig("--model-url=http://localhost:1/v1", "--concurrency=200"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        assert (config, ()) == within_limit(config)
        assert 200 + RESERVED == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(("limit", "expected"), [(RESERVED + 50, 50), (100, 25)])
def test_if_the_limit_cannot_be_raised_fewer_requests_are_in_flight(pytester, monkeypatch, limit, expected):
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    config = read_config(pytester.parseconfig("--model-url=http://localhost:1/v1", "--concurrency=200"))
    less, (line,) = within_limit(config)
    assert expected == less.concurrency
    assert f"at most {limit} files may be open here, so {expected} requests are in flight, not 200" in line


def test_a_run_with_few_file_descriptors_loses_nothing(inner, endpoint, asking):
    prlimit = shutil.which("prlimit")
    if prlimit is None:
        pytest.skip("no prlimit here")
    inner.run(*asking, "--collect-only")
    command = [prlimit, "--nofile=96:96", *inner.command(*asking, "--concurrency=128", "--repeats=12")]
    done = subprocess.run(command, cwd=inner.folder, env=inner.environment, capture_output=True, check=False)
    result = inner.result(done.returncode, done.stdout.decode() + done.stderr.decode())
    assert 0 == result.exit_status, result.out
    assert {"scored"} == {record["status"] for record in result.records}
    assert 96 == len(result.records)
    assert (
        "at most 96 files may be open here, so 24 requests are in flight, not 128; raise the limit"
        in result.out
    )


@pytest.mark.parametrize("content", ["", "{", None], ids=["emptied", "cut", "missing"])
def test_a_lost_run_json_is_rebuilt_from_the_answers(quick, endpoint, asking, content):
    first = quick.run(*asking)
    file = first.run_dir / "run.json"
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    (first.run_dir / ".records.jsonl.0123456789abcdef").write_text("left by a killed session")
    told = quick.run(*asking, "--resume")
    assert 4 == told.exit_status
    asked = len(endpoint.requests)
    if content is not None:
        assert "--resume --rebuild" in told.out
    again = quick.run(*asking, "--resume", "--rebuild")
    assert 0 == again.exit_status, again.out
    assert asked == len(endpoint.requests)
    assert 8 == len(again.records)
    assert first.report["questions"] == again.report["questions"]
    kept = {path.name for path in first.run_dir.iterdir()}
    assert {"records.jsonl.damaged"} | ({"run.json.damaged"} if content is not None else set()) <= kept
    assert not [name for name in kept if name.startswith(".")]


def test_rebuild_is_refused_if_nothing_is_lost(quick, asking):
    quick.run(*asking)
    result = quick.run(*asking, "--resume", "--rebuild")
    assert 4 == result.exit_status
    assert "run.json is readable; leave --rebuild out" in result.out
    alone = quick.run(*asking, "--rebuild")
    assert "--rebuild without --resume: there is no run to rebuild" in alone.out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_sigterm_and_sighup_print_the_tables(inner, endpoint, asking, number):
    """The first four requests are answered; all others hang."""
    if signal.getsignal(number) == signal.SIG_IGN:
        pytest.skip("these tests run under nohup, which sessions inherit: SIGHUP ends none of them")
    quick, hanging = always(Reply("Status: SUCCESS")), delayed(HANGING_S, always(Reply("late")))
    endpoint.script = lambda request: (quick if request.number < 4 else hanging)(request)
    session = inner.start(*asking, "--concurrency=2")
    records = inner.folder / "run" / "records.jsonl"
    wait_until(
        lambda: len(endpoint.requests) >= 6 and records.exists() and records.read_bytes().count(b"\n") >= 4
    )
    os.kill(session.pid, number)
    out = session.communicate(timeout=30)[0].decode()
    assert 2 == session.returncode, out
    assert "4 of 8 items not measured" in out
    assert "Zero-shot" in out or "zero-shot" in out
    assert "Traceback" not in out
    assert (inner.folder / "run" / "report.json").exists()


def test_a_report_that_cannot_be_written_is_not_exit_status_0(quick, asking, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("reports.publish.write_file", full)
    result = quick.run(*asking)
    assert 2 == result.exit_status
    assert "qcal: could not write the report: [Errno 28] No space left on device" in result.out
    assert 8 == len(result.records)
