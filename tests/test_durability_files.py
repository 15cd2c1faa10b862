"""Files of a run: torn lines, full disks, folders that cannot be written, two sessions at once, garbled content."""

import json
import shutil
import subprocess
import sys
import threading
import time

import pytest

from qcal_plugin.engine.journal import AnswerJournal, Journal, JournalError, read_lines
from reports.records.lines import sealed
from reports.records.records import Answer, ItemKey, Verdict
from reports.records.typed_json import decode_object
from scoring.questions import Mode, Question
from tests.endpoint import Reply
from tests.scripts import always, delayed

pytest_plugins = ["pytester"]

KEY = ItemKey(sample_id="rabi_success_a", question=Question.Q1, mode=Mode.ZEROSHOT)
ANSWER = always(Reply("Status: SUCCESS"))


@pytest.fixture
def asking(endpoint, tiny_folder):
    """Options of a run that asks Q6 of eight samples."""
    endpoint.script = ANSWER
    model = ["--model-url", endpoint.base_url, "--model", "model-a"]
    return [*model, "--dataset", str(tiny_folder), "--modes=zeroshot", "--questions=Q6"]


# --- journals -----------------------------------------------------------------------------------------------


def journal_of(path, *lines):
    journal = Journal(path)
    for line in lines:
        journal.append(line)
    journal.close()


def numbers(path):
    return [line["n"] for _, line in read_lines(path, decode_object)]


@pytest.mark.parametrize("cut", range(2, 25))
def test_a_torn_last_line_is_cut_off_wherever_it_was_torn(tmp_path, cut):
    path = tmp_path / "a.jsonl"
    journal_of(path, {"n": 1}, {"n": 2})
    content = path.read_bytes()
    path.write_bytes(content[:-cut])

    assert [1] == numbers(path)
    journal = Journal(path)
    assert 25 - cut == journal.torn_bytes
    journal.append({"n": 3})
    assert [1, 3] == numbers(path)


def test_a_last_line_that_lacks_only_its_end_is_kept(tmp_path):
    path = tmp_path / "a.jsonl"
    journal_of(path, {"n": 1}, {"n": 2})
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert [1, 2] == numbers(path)
    journal = Journal(path)
    assert (0, 0, whole) == (journal.torn_bytes, journal.damaged_lines, path.read_bytes())
    journal.append({"n": 3})
    assert [1, 2, 3] == numbers(path)


@pytest.mark.parametrize("start", range(0, 2400, 97))
def test_a_lost_block_of_512_bytes_never_goes_unnoticed(tmp_path, start):
    """Whole lines inside the cut are missing; its two ends form one damaged line."""
    path = tmp_path / "a.jsonl"
    journal_of(path, *({"n": n, "text": "ab" * n} for n in range(60)))
    whole = path.read_bytes()
    path.write_bytes(whole[:start] + whole[start + 512 :])
    kept = numbers(path)
    journal = Journal(path)
    assert kept == numbers(path) == sorted(set(kept))
    assert journal.damaged_lines <= 1
    aside = path.with_name("a.jsonl.damaged")
    assert journal.damaged_lines == (len(aside.read_bytes().splitlines()) if aside.exists() else 0)
    assert set(path.read_bytes().splitlines()) <= set(whole.splitlines())
    journal.append({"n": 100})
    assert [*kept, 100] == numbers(path)


@pytest.mark.parametrize("place", range(0, 75, 2))
def test_a_changed_byte_changes_no_datum_unnoticed(tmp_path, place):
    path = tmp_path / "a.jsonl"
    journal_of(path, {"n": 1}, {"n": 2}, {"n": 3})
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    in_name_of_checksum = b'"crc":' not in bytes(content).splitlines()[place // 25]
    journal = Journal(path)
    numbers_read = numbers(path)
    assert set(numbers_read) <= {1, 2, 3}
    assert in_name_of_checksum or (
        numbers_read != [1, 2, 3] and journal.damaged_lines + bool(journal.torn_bytes) == 1
    )


def test_lines_of_earlier_versions_have_no_checksum_and_are_read(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"n":1}\n{"n":2}')
    journal_of(path, {"n": 3})
    assert [1, 2, 3] == numbers(path)


def test_what_was_written_is_brought_to_the_disk_without_a_further_line_and_at_the_end(tmp_path, monkeypatch):
    """A file system that loses data: after a power loss a file has its content at the last fsync."""
    path, on_disk, synced = tmp_path / "a.jsonl", tmp_path / "disk.jsonl", threading.Event()

    def fsync(descriptor):
        on_disk.write_bytes(path.read_bytes())
        synced.set()

    journal = Journal(path)
    monkeypatch.setattr("os.fsync", fsync)
    journal.append({"n": 1})
    assert synced.wait(30)
    assert [1] == numbers(on_disk)
    journal.append({"n": 2})
    journal.close()
    assert [1, 2] == numbers(on_disk)


def append_until_it_fails(journal):
    for _ in range(10_000):
        journal.append({"n": 2})
        time.sleep(0.001)


def test_a_disk_that_fails_later_stops_the_next_line(tmp_path, monkeypatch):
    failed = threading.Event()

    def fsync(descriptor):
        failed.set()
        raise OSError(5, "Input/output error")

    journal = Journal(tmp_path / "a.jsonl")
    monkeypatch.setattr("os.fsync", fsync)
    journal.append({"n": 1})
    assert failed.wait(30)
    with pytest.raises(JournalError, match=r"cannot write .*Input/output error"):
        append_until_it_fails(journal)
    with pytest.raises(JournalError, match="Input/output error"):
        journal.close()


def test_a_torn_line_longer_than_the_reading_window_is_cut_off(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"n":1}\n{"n":"' + b"x" * 200_000)
    journal_of(path, {"n": 2})
    assert [1, 2] == numbers(path)


def test_each_line_is_on_disk_when_append_returns(tmp_path):
    path = tmp_path / "a.jsonl"
    journal = Journal(path)
    for n in range(3):
        journal.append({"n": n})
        assert list(range(n + 1)) == numbers(path)


def test_a_full_disk_leaves_no_half_line_and_the_journal_continues_when_there_is_room(tmp_path):
    resource = pytest.importorskip("resource")
    path = tmp_path / "a.jsonl"
    journal = Journal(path)
    journal.append({"n": 1})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50, limits[1]))
    try:
        with pytest.raises(
            JournalError, match=r"^cannot write .*a\.jsonl: File too large; earlier lines are kept$"
        ):
            journal.append({"n": 2, "text": "x" * 100})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    journal.append({"n": 3})
    assert [1, 3] == numbers(path)


@pytest.mark.parametrize("garbage", [b'{"type": "answer"}', b'{"type": "answer", "answer": 3}'])
def test_a_line_of_another_kind_is_named_with_what_to_do_and_nothing_is_changed(tmp_path, garbage):
    path = tmp_path / "answers.jsonl"
    journal = AnswerJournal(path)
    journal.add_answer(KEY, "abc", Answer(text="one"))
    journal.close()
    path.write_bytes(b"{\n" + sealed(json.loads(garbage)) + path.read_bytes() + b"{torn")
    before = path.read_bytes()

    with pytest.raises(JournalError, match=r"answers\.jsonl, line 2: .*; remove the line to continue$"):
        AnswerJournal(path)
    assert before == path.read_bytes()
    assert ["answers.jsonl"] == [file.name for file in tmp_path.iterdir()]


@pytest.mark.parametrize("garbage", [b"\0\0\0\0", b"{", b"[]", b"7", b"\xff\xfe", b"[" * 9999])
def test_a_damaged_line_is_set_aside_and_the_others_are_found(tmp_path, garbage):
    path = tmp_path / "answers.jsonl"
    journal = AnswerJournal(path)
    journal.add_answer(KEY, "abc", Answer(text="one"))
    journal.close()
    path.write_bytes(garbage + b"\n" + path.read_bytes())

    journal = AnswerJournal(path)
    assert 1 == journal.damaged_lines
    assert "one" == journal.answer(KEY, "abc").text
    assert garbage + b"\n" == path.with_name("answers.jsonl.damaged").read_bytes()


def test_answers_and_verdicts_are_found_again_only_for_the_same_request(tmp_path):
    journal = AnswerJournal(tmp_path / "answers.jsonl")
    journal.add_answer(
        KEY, "abc", Answer(text="one \ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"))
    )
    journal.add_verdict(KEY, "def", Verdict(judge="judge-a", reply="[1]", grades=(1.0,)))
    journal.add_verdict(
        KEY, "ghi", Verdict(judge="judge-b", reply="no", grades=None, error="bad_reply: no array")
    )
    journal.close()

    again = AnswerJournal(tmp_path / "answers.jsonl")
    assert "one 😀" == again.answer(KEY, "abc").text
    assert again.answer(KEY, "other") is None
    assert (1.0,) == again.verdict(KEY, "judge-a", "def").grades
    assert again.verdict(KEY, "judge-a", "other") is None
    assert again.verdict(KEY, "judge-b", "ghi") is None  # unusable: the judge is asked again


# --- runs ---------------------------------------------------------------------------------------------------


def test_torn_lines_are_reported_and_only_the_lost_answer_is_asked_again(quick, endpoint, asking):
    """Of the last two items, one has an answer and a torn record, the other a torn answer and no record."""
    first = quick.run(*asking)
    expected = first.comparable_records()
    answers, records = first.run_dir / "answers.jsonl", first.run_dir / "records.jsonl"
    answers.write_bytes(answers.read_bytes()[:-40])
    records.write_bytes(b"".join(records.read_bytes().splitlines(keepends=True)[:-1])[:-40])

    result = quick.run(*asking, "--resume")

    assert 0 == result.exit_status, result.out
    assert "answers.jsonl: removed" in result.out
    assert "records.jsonl: removed" in result.out
    assert 8 + 1 == len(endpoint.requests)
    assert expected == result.comparable_records()


LIMITED = """
import resource, runpy
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
runpy.run_module("pytest", run_name="__main__")
"""


def test_a_full_disk_stops_the_run_and_what_was_measured_stays(inner, quick, endpoint, asking, workers):
    """No file may grow past 4 kB here; a full disk's error differs only in its message."""
    pytest.importorskip("resource")
    endpoint.script = always(Reply("Status: SUCCESS" + " and so on" * 50))
    quick.run(*asking, "--collect-only")  # prepares the dataset, whose files are larger
    (inner.folder / "limited.py").write_text(LIMITED)
    inner.environment["PYTHONDONTWRITEBYTECODE"] = "1"
    command = [sys.executable, "limited.py", *inner.command(*asking, *workers)[3:]]
    done = subprocess.run(command, cwd=inner.folder, env=inner.environment, capture_output=True, check=False)
    result = inner.result(done.returncode, done.stdout.decode() + done.stderr.decode())

    assert 2 == result.exit_status, result.out
    assert "answers.jsonl: File too large; earlier lines are kept" in result.out
    assert "items not measured: --lf asks those that failed, --resume all that are missing" in result.out
    assert "Traceback" not in result.out
    answered = (result.run_dir / "answers.jsonl").read_text().count('"type":"answer"')
    assert 0 < answered < 8

    asked = len(endpoint.requests)
    resumed = quick.run(*asking, "--resume", run_dir=str(result.run_dir))
    assert 0 == resumed.exit_status, resumed.out
    assert 8 - answered == len(endpoint.requests) - asked
    assert {"scored"} == set(resumed.statuses().values())
    assert 8 == len(resumed.records)


@pytest.fixture
def tiny_disk(tmp_path):
    """A disk of 64 kB, if this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user cannot mount a tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_full_from_the_start_is_one_clear_line(quick, asking, tiny_disk):
    (tiny_disk / "ballast").write_bytes(b"x" * 65536)
    result = quick.run(*asking, run_dir=str(tiny_disk / "run"))
    assert result.exit_status in {2, 4}
    assert "No space left on device" in result.out
    assert "Traceback" not in result.out


def test_a_disk_that_fills_up_stops_the_run_and_what_was_answered_stays(quick, endpoint, asking, tiny_disk):
    endpoint.script = always(Reply("Status: SUCCESS" + " and so on" * 1000))
    result = quick.run(*asking, run_dir=str(tiny_disk / "run"))
    assert 2 == result.exit_status, result.out
    assert "No space left on device" in result.out
    assert "Traceback" not in result.out
    answered = (tiny_disk / "run" / "answers.jsonl").read_text().count('"type":"answer"')
    assert 0 < answered < 8

    subprocess.run(["mount", "-o", "remount,size=1m", str(tiny_disk)], check=True)
    asked = len(endpoint.requests)
    resumed = quick.run(*asking, "--resume", run_dir=str(tiny_disk / "run"))
    assert 0 == resumed.exit_status, resumed.out
    assert 8 - answered == len(endpoint.requests) - asked


def test_a_read_only_folder_is_one_clear_line(quick, asking, tiny_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    result = quick.run(*asking, run_dir=str(tiny_disk / "run"))
    assert 4 == result.exit_status
    assert f"ERROR: {tiny_disk / 'run'}: Read-only file system; choose another --run-dir" in result.out


def test_a_folder_named_like_a_file_is_one_clear_line(quick, asking):
    (quick.folder / "taken").write_text("a file")
    result = quick.run(*asking, run_dir="taken")
    assert 4 == result.exit_status
    assert "ERROR: taken: File exists; choose another --run-dir" in result.out


def test_two_sessions_cannot_write_one_run(inner, quick, endpoint, asking):
    endpoint.script = delayed(30.0, ANSWER)
    first = inner.start(*asking)
    try:
        while not endpoint.requests and first.poll() is None:
            time.sleep(0.02)
        second = quick.run(*asking, "--resume", run_dir=str(inner.folder / "run"))
    finally:
        first.kill()
        first.communicate()
    assert 4 == second.exit_status
    assert f"{inner.folder / 'run'}: another session is writing this run; wait for it to end" in second.out
    assert 8 == len(endpoint.requests)

    endpoint.script = ANSWER
    third = quick.run(
        *asking, "--resume", run_dir=str(inner.folder / "run")
    )  # a killed session's lock is gone
    assert 0 == third.exit_status, third.out


def test_a_session_killed_before_run_json_was_written_does_not_block_the_next(quick, endpoint, asking):
    folder = quick.folder / "run"
    folder.mkdir()
    for name in ("answers.jsonl", "records.jsonl", "run.lock", ".run.json.1a2b"):
        (folder / name).touch()
    assert 0 == quick.run(*asking).exit_status
    assert 8 == len(endpoint.requests)


def test_records_without_run_json_are_not_taken_for_this_runs(quick, asking):
    first = quick.run(*asking)
    (first.run_dir / "run.json").unlink()
    second = quick.run(*asking)
    assert 4 == second.exit_status
    assert (
        "ERROR: run holds records but no run.json: restore it, choose another --run-dir, or add --r"
        in second.out
    )


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema_version": 1}', "null"])
def test_a_garbled_run_json_is_one_clear_line(quick, asking, content):
    folder = quick.folder / "run"
    folder.mkdir()
    (folder / "run.json").write_text(content)
    result = quick.run(*asking, "--resume")
    assert 4 == result.exit_status
    assert "run.json is not readable as a run's manifest" in result.out
    assert "Traceback" not in result.out


@pytest.mark.parametrize(("name", "asked"), [("answers.jsonl", 1), ("records.jsonl", 0)])
def test_the_item_of_a_damaged_line_is_asked_again(quick, endpoint, asking, name, asked):
    """A record whose answer is on disk is made from it again."""
    first = quick.run(*asking)
    expected, path = first.comparable_records(), first.run_dir / name
    lines = path.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b"SUCCESS", b"SUCCESs")
    path.write_bytes(b"".join(lines))
    (first.run_dir / "records.jsonl").write_bytes(
        b"".join((first.run_dir / "records.jsonl").read_bytes().splitlines(keepends=True)[:3])
        if name == "answers.jsonl"
        else (first.run_dir / "records.jsonl").read_bytes()
    )
    result = quick.run(*asking, "--resume")
    assert 0 == result.exit_status, result.out
    assert f"{name}: moved 1 damaged line to {name}.damaged; their items are asked again" in result.out
    assert lines[3] == path.with_name(f"{name}.damaged").read_bytes()
    assert 8 + asked == len(endpoint.requests)
    assert [item["sample_id"] for item in expected] == [
        item["sample_id"] for item in result.comparable_records()
    ]


def test_an_answer_without_its_requests_digest_is_one_clear_line(quick, asking):
    path = quick.run(*asking).run_dir / "answers.jsonl"
    first, *others = path.read_bytes().splitlines(keepends=True)
    line = {name: value for name, value in json.loads(first).items() if name not in {"request_sha256", "crc"}}
    path.write_bytes(b"".join((sealed(line), *others)))
    result = quick.run(*asking, "--resume")
    assert 4 == result.exit_status
    assert (
        "answers.jsonl, line 1: Object missing required field `request_sha256`; remove the line to continue"
        in result.out
    )


def test_an_earlier_run_is_not_overwritten(quick, asking):
    quick.run(*asking)
    again = quick.run(*asking)
    assert 4 == again.exit_status
    assert (
        "ERROR: run already holds a run: add --resume to continue it, or choose another --run-dir"
        in again.out
    )


def test_the_session_figures_survive_a_garbled_engine_json(quick, asking):
    first = quick.run(*asking)
    (first.run_dir / "engine.json").write_text("[")
    second = quick.run(*asking, "--resume")
    assert 0 == second.exit_status
    assert 1 == len(json.loads((second.run_dir / "engine.json").read_text())["sessions"])
