"""The blind baseline: optimistic answers from the prompt's text alone. A model that sees has to beat it.

It never reads an image. It reads only the text after the prompt's last instruction heading, such as "Required
fields", "Report in JSON format", "Options:" or "DECISION CRITERIA" (the wordings of the benchmark and of
synthetic samples). Only questions have such headings, so it never reads the answers of demonstrations.
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
    """Return a well-formed, optimistic answer to the question in ``prompt_text``; any text is accepted.

    Q1: the prompt's schema with the first of each list of alternatives, once per image if the prompt wants an
    array. Q2, Q4 and Q6: SUCCESS if it is an option, else the first option. Q5: the prompt's schema with
    every field null. Q3, and any prompt that is not recognised: `OPTIMISM`.
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
    """Return the question by the last instruction heading; Q3, which has none, if nothing is recognised."""
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
    """Return the schema as JSON: ``"a"`` for ``"a" | "b"``, null for a type's name.

    None without a readable schema.
    """
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
