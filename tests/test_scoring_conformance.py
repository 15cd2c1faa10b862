import json
import math
from pathlib import Path

import pytest

from scoring.conformance import CHECKS, agree, main

CORPUS = Path(__file__).parents[2] / "shared" / "conformance"
ONE_LINE_EACH = {
    "parse_json.jsonl": {"text": "[NaN, true]", "value": [math.nan, True]},
    "q1_fields.jsonl": {
        "answer": "{}",
        "reference": '{"plot_type": "line"}',
        "value": {"plot_type": 0.0, "x_scale": 0.0, "y_scale": 0.0},
    },
    "q2_classification.jsonl": {"text": "Classification: Apparatus issue", "value": "Apparatus issue"},
    "q4_assessment.jsonl": {"text": "no", "value": None},
    "q5_field.jsonl": {"answer": None, "reference": None, "spec": {"type": "bool"}, "value": 1},
    "q5_total.jsonl": {
        "answer": '{"a": 1, "b": 1, "c": 2}',
        "reference": '{"a": 1, "b": 2, "c": 2}',
        "scoring": {name: {"type": "abs", "tol_full": 0, "tol_half": 0} for name in "abc"},
        "fields": {"a": 1.0, "b": 0.0, "c": 1.0},
        "score": 66.7,
    },
    "q6_status.jsonl": {"text": "Status: STABLE", "value": "STABLE"},
    "judge_reply.jsonl": {"reply": "no", "n": 3, "error": "bad_reply"},
}


@pytest.fixture
def corpus(tmp_path):
    for name, case in ONE_LINE_EACH.items():
        (tmp_path / name).write_text(json.dumps(case) + "\n\n")
    return tmp_path


def test_the_scoring_agrees_with_every_line_of_the_shared_corpus(capsys):
    if not CORPUS.is_dir():
        pytest.skip("the sibling folder shared/conformance is absent")
    assert main([str(CORPUS)]) == 0
    lines = {name: sum(1 for _ in (CORPUS / name).open(encoding="utf-8")) for name in CHECKS}
    assert {f"{name}: {n} of {n} agree" for name, n in lines.items()} == set(
        capsys.readouterr().out.splitlines()
    )


def test_agreement_is_status_0_and_one_count_per_file(corpus, capsys):
    assert main([str(corpus)]) == 0
    assert [f"{name}: 1 of 1 agree" for name in CHECKS] == capsys.readouterr().out.splitlines()


def test_each_disagreement_is_named_with_file_line_expected_and_got(corpus, capsys):
    with (corpus / "q6_status.jsonl").open("a") as file:
        file.write('{"text": "Status: STABLE", "value": "SUCCESS"}\n')
    (corpus / "judge_reply.jsonl").write_text('{"reply": "[1, 0]", "n": 2, "hits": [1, 0.1]}')
    assert main([str(corpus)]) == 1
    printed = capsys.readouterr().out.splitlines()
    assert printed[:2] == [
        'q6_status.jsonl:3: expected {"value": "SUCCESS"}, got {"value": "STABLE"}',
        'judge_reply.jsonl:1: expected {"hits": [1, 0.1]}, got {"hits": [1.0, 0.0]}',
    ]
    assert printed[-2:] == ["q6_status.jsonl: 1 of 2 agree", "judge_reply.jsonl: 0 of 1 agree"]


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_can_disagree(corpus, name, capsys):
    case = dict(ONE_LINE_EACH[name])
    for outcome in {"value", "fields", "score", "error"} & case.keys():
        case[outcome] = "something else"
    (corpus / name).write_text(json.dumps(case))
    assert main([str(corpus)]) == 1
    assert f"{name}: 0 of 1 agree" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("complaint", "line"),
    [
        ("not JSON (", '{"text": '),
        ("not a JSON object", "[1]"),
        ("'text' is missing or not a str", '{"value": null}'),
        ("'text' is missing or not a str", '{"text": 1, "value": null}'),
        ("no outcome; expected one of value, fields, score, hits, error", '{"text": ""}'),
        ("not JSON (", "\xff\xfe"),
    ],
)
def test_a_garbled_line_is_one_line_on_stderr_and_status_2(corpus, capsys, complaint, line):
    path = corpus / "q4_assessment.jsonl"
    path.write_text(line, encoding="latin-1")
    assert main([str(corpus)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"{path}:1: {complaint}" in printed.err
    assert printed.err.count("\n") == 1


def test_a_missing_file_is_one_line_on_stderr_and_status_2(corpus, capsys):
    (corpus / "q5_total.jsonl").unlink()
    assert main([str(corpus)]) == 2
    assert capsys.readouterr().err == (
        f"{corpus / 'q5_total.jsonl'}: cannot be read (No such file or directory); "
        "expected a file of a conformance corpus\n"
    )


def test_a_rule_that_is_not_an_object_is_one_line_on_stderr_and_status_2(corpus, capsys):
    path = corpus / "q5_total.jsonl"
    path.write_text('{"answer": "", "reference": "", "scoring": {"a": 3}, "fields": {}}')
    assert main([str(corpus)]) == 2
    assert capsys.readouterr().err == f"{path}:1: a rule in 'scoring' is not an object\n"


@pytest.mark.parametrize(
    ("expected", "a", "b"),
    [
        (True, 1, 1.0 + 1e-10),
        (False, 1, 1.0 + 1e-8),
        (True, math.nan, math.nan),
        (False, math.nan, 1),
        (True, math.inf, math.inf),
        (False, 1, True),
        (False, 0, None),
        (False, 0, ""),
        (True, {"a": [1, {"b": None}]}, {"a": [1.0, {"b": None}]}),
        (False, {"a": 1}, {"b": 1}),
        (False, {}, []),
        (False, [1], [1, 1]),
        (False, 10**400, 10**400 + 1),
    ],
)
def test_agreement_of_json_values(expected, a, b):
    assert expected == agree(a, b)
    assert expected == agree(b, a)
