"""Compare the scoring with a corpus of the reference scripts' outcomes: ``python -m scoring.conformance DIR``.

A corpus is a folder with the files that `CHECKS` names. Each line is a JSON object with the inputs of the
check and the outcome (one or more of `OUTCOMES`). Numbers may differ by 1e-9. The command prints each
disagreement, then a count per file. Exit status: 0 if all agree, 1 if some do not, 2 if the corpus cannot be
read.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from scoring.classification import read_assessment, read_conclusion
from scoring.diagnosis import read_status
from scoring.errors import QCalError
from scoring.excerpt import excerpt
from scoring.field_rules import as_number, score_field
from scoring.json_answer import parse_json
from scoring.judge_reply import BadReply, parse_grades
from scoring.parameter_extraction import compare_parameters, mean_field
from scoring.reference import JSON
from scoring.technical_description import compare_images, read_images

OUTCOMES = ("value", "fields", "score", "hits", "error")
TOLERANCE = 1e-9


class CorpusError(QCalError):
    """The corpus cannot be read. The message gives the place and the reason in one line."""


class Check(NamedTuple):
    """How to check one file of a corpus: the inputs of its lines with their types, and the function under test."""

    inputs: Mapping[str, type]
    outcome: Callable[..., Mapping[str, Any]]


class Disagreement(NamedTuple):
    """A line on which the scoring and the corpus differ."""

    line: int
    expected: Mapping[str, Any]
    got: Mapping[str, Any]


def check_lines(path: Path, check: Check) -> tuple[int, list[Disagreement]]:
    """Return the number of cases in a file, and those that disagree. Raises CorpusError."""
    n_lines, disagreements = 0, []
    for number, case in _cases(path):
        n_lines += 1
        inputs, expected = _split_case(case, check, f"{path}:{number}")
        got = check.outcome(**inputs)
        if not agree(expected, got):
            disagreements.append(Disagreement(number, expected, got))
    return n_lines, disagreements


def agree(expected: object, got: object) -> bool:
    """Return whether two JSON values are equal, numbers within `TOLERANCE`; NaN equals NaN, and true is not 1."""
    pairs = [(expected, got)]
    while pairs:
        match pairs.pop():
            case dict() as a, dict() as b if a.keys() == b.keys():
                pairs += [(a[key], b[key]) for key in a]
            case list() as a, list() as b if len(a) == len(b):
                pairs += zip(a, b, strict=True)
            case a, b if not _scalars_agree(a, b):
                return False
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m scoring.conformance", description="Check the scoring on a corpus."
    )
    parser.add_argument("corpus", type=Path, metavar="DIR", help="folder with " + ", ".join(CHECKS))
    corpus = parser.parse_args(arguments).corpus
    try:
        results = {name: check_lines(corpus / name, check) for name, check in CHECKS.items()}
    except CorpusError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for name, (_, disagreements) in results.items():
        for line, expected, got in disagreements:
            sys.stdout.write(f"{name}:{line}: expected {_show(expected)}, got {_show(got)}\n")
    for name, (n_lines, disagreements) in results.items():
        sys.stdout.write(f"{name}: {n_lines - len(disagreements)} of {n_lines} agree\n")
    return int(any(disagreements for _, disagreements in results.values()))


def _cases(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield a file's cases with their line numbers; blank lines are skipped."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise CorpusError(
            f"{path}: cannot be read ({error.strerror}); expected a file of a conformance corpus"
        ) from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            case = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise CorpusError(f"{path}:{number}: not JSON ({error})") from None
        if not isinstance(case, dict):
            raise CorpusError(f"{path}:{number}: not a JSON object")
        yield number, case


def _split_case(case: dict[str, Any], check: Check, where: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a case's inputs and its expected outcome."""
    for name, kind in check.inputs.items():
        if name not in case or not isinstance(case[name], kind):
            raise CorpusError(
                f"{where}: {name!r} is missing or not a {'JSON value' if kind is object else kind.__name__}"
            )
    if not all(isinstance(rule, dict) for rule in case.get("scoring", {}).values()):
        raise CorpusError(f"{where}: a rule in 'scoring' is not an object")
    expected = {name: case[name] for name in OUTCOMES if name in case}
    if not expected:
        raise CorpusError(f"{where}: no outcome; expected one of {', '.join(OUTCOMES)}")
    return {name: case[name] for name in check.inputs}, expected


def _scalars_agree(a: object, b: object) -> bool:
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if not (isinstance(a, int | float) and isinstance(b, int | float)):
        return type(a) is type(b) and not isinstance(a, dict | list) and a == b
    both_nan = a != a and b != b  # noqa: PLR0124 - only NaN differs from itself
    return a == b or both_nan or abs(as_number(a) - as_number(b)) <= TOLERANCE


def _show(outcome: Mapping[str, Any]) -> str:
    return json.dumps(excerpt(dict(outcome)))


def _image_fields(answer: str, reference: str) -> dict[str, JSON]:
    fields = compare_images(read_images(parse_json(answer)), read_images(parse_json(reference)))
    return {"value": dict(fields)}


def _parameters(answer: str, reference: str, scoring: dict[str, dict[str, Any]]) -> dict[str, JSON]:
    fields = compare_parameters(parse_json(answer), parse_json(reference), scoring)
    return {"fields": dict(fields), "score": round(100 * mean_field(fields), 1)}


def _hits(reply: str, n: int) -> dict[str, JSON]:
    try:
        return {"hits": list(parse_grades(reply, n).grades)}
    except BadReply:
        return {"error": "bad_reply"}


CHECKS: Mapping[str, Check] = {
    "parse_json.jsonl": Check({"text": str}, lambda text: {"value": parse_json(text)}),
    "q1_fields.jsonl": Check({"answer": str, "reference": str}, _image_fields),
    "q2_classification.jsonl": Check({"text": str}, lambda text: {"value": read_conclusion(text)}),
    "q4_assessment.jsonl": Check({"text": str}, lambda text: {"value": read_assessment(text)}),
    "q5_field.jsonl": Check(
        {"answer": object, "reference": object, "spec": dict},
        lambda answer, reference, spec: {"value": score_field(answer, reference, spec)},
    ),
    "q5_total.jsonl": Check({"answer": str, "reference": str, "scoring": dict}, _parameters),
    "q6_status.jsonl": Check({"text": str}, lambda text: {"value": read_status(text)}),
    "judge_reply.jsonl": Check({"reply": str, "n": int}, _hits),
}


if __name__ == "__main__":
    sys.exit(main())
