"""The blind baseline: answers made from the prompt's text alone, always optimistic. The floor a model has to beat.

It never sees an image. Of a prompt it reads only what follows the last instruction heading, such as "Required fields",
"Report in JSON format", "Options:" or "DECISION CRITERIA" (the wording of the benchmark and that of synthetic samples).
Headings belong to questions: what an in-context prompt shows as answers in its demonstrations is never read.
"""

from __future__ import annotations

import json
import re

from scoring.questions import Question
from scoring.reference import JSON

OPTIMISM = (
    "The measurement succeeded: the expected feature is clearly visible inside the scanned range, the signal stands "
    "well above the noise, and the fit follows the data. The parameters can be extracted with confidence, no change of "
    "the sweep range is needed, and the calibration can proceed to the next step."
)

_HEADING = re.compile(
    r"^(?:(?P<figure>Required fields|Fields of each)"
    r"|(?P<parameters>(?:Report|Answer) .*JSON)"
    r"|(?P<choice>Options:|Choose one:|[A-Z]+ CRITERIA))",
    re.MULTILINE,
)
_BULLETS = re.compile(r"^(?:[-*] .*(?:\n|\Z))+", re.MULTILINE)
_OPTION = re.compile(r"^[-*] ([^:\n]+)", re.MULTILINE)
_FORMAT_LINE = re.compile(r"^(\w[\w ]*):.*<(?!image>)[^<>\n]+>.*", re.MULTILINE)
_ALTERNATIVES = re.compile(r'("[^"\n]*"|[\w.]+)(?:\s*\|\s*(?:"[^"\n]*"|[\w.]+))*')
_IMAGE_COUNT = re.compile(r"(?:has|are) (\d{1,2}) images")


def blind_answer(prompt_text: str) -> str:
    """A well-formed, optimistic answer to the question that ``prompt_text`` asks; any text is accepted.

    Q1: the asked schema with the first of each list of alternatives, once per image if an array is asked. Q2, Q4, Q6:
    the first option listed, or SUCCESS where that is one. Q5: the asked schema with every field null. Q3, and whatever
    is not recognised: `OPTIMISM`.
    """
    headings = list(_HEADING.finditer(prompt_text))
    if not headings:
        return OPTIMISM
    instructions = prompt_text[headings[-1].start() :]
    match headings[-1].lastgroup:
        case "choice":
            return _chosen(instructions)
        case "parameters":
            return json.dumps(_nulls(_first_of_each(instructions)))
        case _:
            return _described(instructions, prompt_text)


def asked_question(prompt_text: str) -> Question:
    """Which question is asked, by the last instruction heading; Q3, which has none, for whatever is not recognised."""
    headings = list(_HEADING.finditer(prompt_text))
    if not headings:
        return Question.Q3
    match headings[-1].lastgroup:
        case "figure":
            return Question.Q1
        case "parameters":
            return Question.Q5
        case _ if headings[-1].group().endswith("CRITERIA"):
            return Question.Q6
        case _:
            return Question.Q4 if "Assessment:" in prompt_text[headings[-1].start() :] else Question.Q2


def _chosen(instructions: str) -> str:
    bullets = _BULLETS.search(instructions)
    options = [option.strip() for option in _OPTION.findall(bullets.group())] if bullets else []
    choice = "SUCCESS" if "SUCCESS" in options or not options else options[0]
    lines = {line[1]: "N/A" if "N/A" in line[0] else OPTIMISM for line in _FORMAT_LINE.finditer(instructions)}
    verdict, *others = lines or {"Status": OPTIMISM}
    return "\n".join([f"{verdict}: {choice}", *(f"{name}: {lines[name]}" for name in others)])


def _described(instructions: str, prompt_text: str) -> str:
    figure = _first_of_each(instructions)
    if not isinstance(figure, dict):
        return OPTIMISM
    if "main_features" in figure:
        figure["main_features"] = OPTIMISM
    count = _IMAGE_COUNT.search(prompt_text)
    return json.dumps([figure] * int(count[1]) if count else figure)


def _first_of_each(instructions: str) -> JSON:
    """The schema as JSON: of ``"a" | "b"`` the first, of a type's name null. None if there is no readable schema."""
    schema = _ALTERNATIVES.sub(lambda match: match[1] if match[1].startswith('"') else "null", instructions)
    start = re.search(r"[{\[]", schema)
    try:
        value: JSON = json.JSONDecoder().raw_decode(schema, start.start())[0] if start else None
    except (ValueError, RecursionError):
        return None
    return value


def _nulls(schema: JSON) -> JSON:
    match schema:
        case dict():
            return dict.fromkeys(schema)
        case list():
            return [_nulls(item) for item in schema]
        case _:
            return None
