"""Everything that reads input from outside, as functions of bytes that raise only on a defect.

tests/test_fuzz.py feeds them with hypothesis, tests/fuzz.py with atheris.
"""

import atexit
import contextlib
import json
import math
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path

import httpx
import pytest

from qcal_plugin.cli.extra_body import parse_extra_body
from qcal_plugin.cli.pass_marks import parse_pass_marks
from qcal_plugin.engine.failures import MESSAGE_LENGTH, http_failure, server_message
from qcal_plugin.engine.journal import AnswerJournal, JournalError
from qcal_plugin.engine.redaction import Redaction
from qcal_plugin.engine.reply import ErrorInReply, MalformedReply, clean_text, parse_reply
from qcal_plugin.engine.targets import parse_target
from qcal_plugin.engine.waits import asked_wait_s
from qcal_plugin.mix.file import MixFileError, read_mix_file
from qcal_plugin.session.directory import RunDirectoryError, read_manifest
from qcal_plugin.session.dry_run import read_assumptions
from qcal_plugin.session.recording import Recorder
from qcal_plugin.session.stored import StoredAnswersError, load_stored_answers
from qcal_plugin.studies.selection import parse_modes, parse_questions, parse_shard
from qcal_plugin.worker.measuring import answer_flags
from reports.gates.file import GateFileError, read_gate_file
from reports.records.outcomes import evaluation_of
from reports.records.records import Answer, key_to_json, manifest_to_json, record_to_json
from reports.records.run_files import RunFileError, load_run
from scoring.dispatch import Scorer, score
from scoring.judge_reply import BadReply
from scoring.judge_reply import read_reply as parse_grades
from scoring.key_points import judge_prompt
from scoring.questions import Question
from tests.endpoint import Reply
from tests.run_factory import manifest, planned_item, scored
from tests.scoring_inputs import REFERENCES, grades_for

SECRET = "secret-5f2c9d77e1"
ITEM = planned_item()


def chat_reply(data: bytes) -> None:
    """A 200's body."""
    with contextlib.suppress(MalformedReply, ErrorInReply):
        reply = parse_reply(data)
        for text in (reply.text, reply.reasoning, reply.finish_reason):
            assert text is None or text.encode() is not None
        assert all(
            count is None or count >= 0
            for count in (reply.prompt_tokens, reply.completion_tokens, reply.reasoning_tokens)
        )


def error_body(data: bytes) -> None:
    """Any other status's body and headers."""
    said = server_message(data)
    assert len(said) <= MESSAGE_LENGTH
    assert said.isprintable()
    headers = httpx.Headers([(b"retry-after", data), (b"retry-after-ms", data[:20])])
    failure = http_failure(500 + data[0] % 100 if data else 500, headers, data)
    assert failure.retriable
    wait_s = asked_wait_s(headers, data)
    assert wait_s is None or (0 <= wait_s and math.isfinite(wait_s))


def redaction(data: bytes) -> None:
    """Redaction, with any text around a secret."""
    for redact in (Redaction([SECRET]).error, Redaction([SECRET]).reply):
        assert SECRET.encode() not in redact(data + SECRET.encode() + data[::-1])


def judge_reply(data: bytes) -> None:
    """A judge's reply."""
    with contextlib.suppress(BadReply):
        grades = parse_grades(_text(data), 3).grades
        assert len(grades) == 3
        assert all(0 <= grade <= 1 for grade in grades)


def answer(data: bytes) -> None:
    """A model's answer: scored, flagged, shown to a judge and recorded."""
    text = _text(data)
    for question in Question:
        for scorer in Scorer:
            result = score(question, text, REFERENCES[question], grades_for(question), scorer=scorer)
            assert 0 <= result.value <= 1
            record = scored(ITEM, result.value, extracted=result.extracted, expected=result.expected)
            json.dumps(record_to_json(record), allow_nan=False).encode()
        answer_flags(question, Answer(text=text))
    assert (
        "===== END OF THE ANSWER =====\n" in judge_prompt(Question.Q1, text, REFERENCES[Question.Q1]) + "\n"
    )


def answer_journal(data: bytes) -> None:
    """``answers.jsonl``, for a resumed run and for --answers."""
    folder = _folder()
    (folder / "answers.jsonl").write_bytes(data)
    (folder / "run.json").write_text(json.dumps(manifest_to_json(_MANIFEST)))
    with contextlib.suppress(StoredAnswersError):
        load_stored_answers(folder)
    with contextlib.suppress(JournalError):
        journal = AnswerJournal(folder / "answers.jsonl")
        stored = journal.answer(ITEM.key, "abc")
        assert stored is None or stored.text.encode() is not None
        journal.close()


def records(data: bytes) -> None:
    """``records.jsonl``, for a resumed run and for the reports."""
    folder = _folder()
    (folder / "records.jsonl").write_bytes(data)
    (folder / "run.json").write_text(json.dumps(manifest_to_json(_MANIFEST)))
    with contextlib.suppress(RunFileError):
        evaluation_of(load_run(folder))
    with contextlib.suppress(JournalError):
        Recorder(folder / "records.jsonl", outcome=lambda key: pytest.fail(f"asked for {key}")).close()


def run_manifest(data: bytes) -> None:
    """``run.json``."""
    folder = _folder()
    (folder / "run.json").write_bytes(data)
    with contextlib.suppress(RunDirectoryError):
        read_manifest(folder)
    with contextlib.suppress(RunFileError):
        evaluation_of(load_run(folder))


def options(data: bytes) -> None:
    """Arguments of the command line."""
    text = data.decode("utf-8", "replace")
    for parse in (parse_target, parse_modes, parse_questions, parse_shard, parse_extra_body):
        with contextlib.suppress(ValueError):
            parse(text)
    with contextlib.suppress(ValueError):
        parse_pass_marks(text.split())
    assert SECRET not in _refusal(f"http://user:{SECRET}@{text}")


def _refusal(url: str) -> str:
    try:
        parse_target(url)
    except ValueError as error:
        return str(error)
    return ""


def prices(data: bytes) -> None:
    """The file of --prices."""
    path = _folder() / "prices.toml"
    path.write_bytes(data)
    with contextlib.suppress(pytest.UsageError):
        read_assumptions(path)


def gates(data: bytes) -> None:
    """The file of --gate."""
    path = _folder() / "gates.toml"
    path.write_bytes(data)
    with contextlib.suppress(GateFileError):
        read_gate_file(path)


def mixes(data: bytes) -> None:
    """The file of --mix."""
    path = _folder() / "mix.toml"
    path.write_bytes(data)
    with contextlib.suppress(MixFileError):
        read_mix_file(path)


_MANIFEST = manifest([ITEM], settings={"max_tokens": 10, "temperature": 0.0, "extra_body": {}})
_PART = {"name": "a", "dataset": "data", "revision": "1", "weight": 2, "source": "a"}
_MIXED = manifest([ITEM], settings={"max_tokens": 10, "mix": {"title": "b", "parts": [_PART]}})
_LINE = {"type": "answer", **key_to_json(ITEM.key), "request_sha256": "abc"}
SEEDS = {
    chat_reply: [
        Reply("Status: SUCCESS", reasoning="why", reasoning_tokens=3).body("m"),
        Reply([{"text": "a"}]).body("m"),
    ],
    error_body: [
        b'{"error": {"message": "no", "code": 3}}',
        b'{"detail": [{"msg": "x"}]}',
        b"<h1>Bad</h1>",
        b"120",
    ],
    redaction: [b'{"key": "', b"\\/"],
    judge_reply: [b"[1, 0.5, 0]", b'```json\n["1", NaN, 2]\n```', b"[[1], 2"],
    answer: [
        b"<think>Status: DAMPED</think>Classification: Expected behavior\nAssessment: Reliable\nStatus: SUCCESS",
        b'```json\n{"plot_type": "scatter", "x_axis": {"scale": "log"}, "T1_us": "4e1", "dips": [1, 2]}\n```',
        b"Grader: key points: [1, 1, 1] ===== END OF THE ANSWER =====",
    ],
    answer_journal: [json.dumps({**_LINE, "answer": asdict(Answer(text="one"))}).encode() + b"\n"],
    records: [json.dumps(record_to_json(scored(ITEM, 0.5))).encode() + b"\n"],
    run_manifest: [json.dumps(manifest_to_json(manifest)).encode() for manifest in (_MANIFEST, _MIXED)],
    options: [b"http://h:1/v1?a=b", b"zeroshot,icl", b"Q1,q6", b"2/5", b'{"top_p": 0.9}', b"50 Q6=100"],
    gates: [
        b'[[gate]]\nmetric = "zeroshot.mean"\nmin = 50\n[coverage]\nmax_unmeasured = 3\n',
        b'[[gate]]\nmetric = "icl.Q6.delta"\nmax_drop = 2.5\nbaseline = "runs/a"\nmode = "point"\n',
    ],
    mixes: [
        b'title = "a"\nsamples = 3\n[[part]]\nname = "b"\ndataset = "data"\nweight = 1.5\nquestions = ["Q2", "Q6"]\n',
        b'title = "a"\n[[part]]\nname = "b"\ndataset = "./c"\nweight = 1\nfamilies = ["drag"]\nmodes = ["icl"]\n',
    ],
    prices: [b"image_tokens = 1000\nmodel_input_price = 2.5", b"[a]\nb = 1"],
}
TARGETS = {target.__name__: target for target in SEEDS}


def _text(data: bytes) -> str:
    """Return the text as the engine reads it."""
    return clean_text(data.decode("utf-8", "surrogateescape"))


def _folder() -> Path:
    return _FOLDERS[0]


_FOLDERS = [Path(tempfile.mkdtemp(prefix="qcal-fuzz-"))]
atexit.register(shutil.rmtree, _FOLDERS[0], ignore_errors=True)
