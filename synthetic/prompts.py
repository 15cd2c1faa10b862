"""The wording of the six questions and their reference answers, in the answer formats of docs/protocol.md#scoring."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from scoring.questions import Question
from synthetic.drawing.style import Axis, Drawing
from synthetic.family import Assessment, Family, OutcomeLabel, Reading, Scenario

IMAGE_TAG = "<image>"

OUTCOMES = {
    OutcomeLabel.EXPECTED: "the data can be used for the calibration as they are",
    OutcomeLabel.SUBOPTIMAL: "the experiment works, but its settings have to change",
    OutcomeLabel.ANOMALOUS: (
        "an earlier step has to be calibrated again, or the device shows an effect beyond our control"
    ),
    OutcomeLabel.APPARATUS: "no usable signal; the measurement chain is not set up properly",
}

AXIS_SCHEMA = '{"label": string, "scale": "linear" | "log", "range": [min, max]}'


def ask(question: Question, family: Family[Any], *, images: int, shown: bool) -> str:
    """Return the question without its background.

    Args:
        question: one of the six.
        family: the family whose words are used.
        images: the number of images per sample of the family.
        shown: whether the image tags are in the question; in ICL prompts they are before it.
    """
    noun = "plot" if images == 1 else "plots"
    plot = " ".join([noun, *[IMAGE_TAG] * images]) if shown else noun
    match question:
        case Question.Q1:
            return _ask_description(plot, images)
        case Question.Q2:
            options = "\n".join(f"- {outcome}: {text}" for outcome, text in OUTCOMES.items())
            return (
                f"Look at the {plot}. What kind of outcome is this?\n\nChoose one:\n{options}\n\n"
                "Answer in this form:\nClassification: <one of the choices>\nReason: <in brief>"
            )
        case Question.Q3:
            points = "\n".join(f"- {point}" for point in family.words.questions)
            return (
                f"What can be concluded from the {plot}?\n\nAddress:\n{points}\n\nAnswer in full sentences."
            )
        case Question.Q4:
            options = "\n".join(f"- {assessment}" for assessment in Assessment)
            return (
                f"Can parameters be extracted from the fit shown in the {plot}?\n\nChoose one:\n{options}\n\n"
                "Answer in this form:\nAssessment: <one of the choices>\nReason: <in brief>"
            )
        case Question.Q5:
            words = family.words
            notes = f"\n\n{words.q5_notes}" if words.q5_notes else ""
            return (
                f"Read these parameters off the {words.title} {plot}.{notes}\n\n"
                f"Answer with JSON of this form:\n{words.q5_schema}"
            )
        case Question.Q6:
            return _ask_status(family, plot)


def _ask_description(plot: str, images: int) -> str:
    fields = (
        '{\n  "plot_type": "scatter" | "line" | "heatmap" | "histogram" | "image",\n'
        f'  "x_axis": {AXIS_SCHEMA},\n  "y_axis": {AXIS_SCHEMA},\n  "main_features": string\n}}'
    )
    several = (
        ""
        if images == 1
        else f"\n\nThere are {images} images: answer with a JSON array, one object per image, in their order."
    )
    return f"Describe the {plot} as JSON.{several}\n\nFields of each object:\n{fields}"


def _ask_status(family: Family[Any], plot: str) -> str:
    criteria = "\n".join(f"- {status}: {family.words.criteria[status]}" for status in family.criteria)
    good = next(iter(family.criteria))
    if family.q6_label == "Classification":
        form = "Classification: <one of the codes>\nNotes: <1-3 sentences on what you see>"
    else:
        form = (
            f'Status: <one of the codes>\nSuggested range: {family.words.suggestion} (or "N/A" if {good})\n'
            "Notes: <1-3 sentences on why>"
        )
    return (
        f"Decide from the {plot} what state the experiment is in.\n\nDECISION CRITERIA\n{criteria}\n\n"
        f"Use exactly this form:\n\n{form}"
    )


def zero_shot_prompt(question: Question, family: Family[Any], *, images: int) -> str:
    """Return the prompt of a test row; Q1 has no background, because that would describe the plot."""
    text = ask(question, family, images=images, shown=True)
    return text if question is Question.Q1 else f"{family.words.background}\n\n{text}"


def icl_prompt(question: Question, family: Family[Any], *, images: int, examples: Sequence[str]) -> str:
    """Return the prompt of an ICL row: background, examples with answers, the question; with a tag per image."""
    tags = "\n".join([IMAGE_TAG] * images)
    shown = "\n\n".join(
        f"Example {number}:\n{tags}\n{answer}" for number, answer in enumerate(examples, start=1)
    )
    text = ask(question, family, images=images, shown=False)
    return f"{family.words.background}\n\nExamples with correct answers:\n\n{shown}\n\nYour turn:\n{tags}\n{text}"


def reference_answers(
    family: Family[Any], scenario: Scenario[Any], truth: object, drawings: Sequence[Drawing]
) -> dict[Question, str]:
    """Return the six reference answers."""
    reading = family.words.readings[scenario.name].of(truth)
    return {
        Question.Q1: _described(drawings),
        Question.Q2: f"Classification: {scenario.outcome}\nReason: {reading.conclusion}",
        Question.Q3: " ".join(reading.significance),
        Question.Q4: f"Assessment: {scenario.assessment}\nReason: {reading.fit}",
        Question.Q5: json.dumps(family.parameters(truth), ensure_ascii=False),
        Question.Q6: _status(family, scenario, reading),
    }


def _described(drawings: Sequence[Drawing]) -> str:
    described = [_description(drawing) for drawing in drawings]
    return json.dumps(described if len(described) > 1 else described[0], ensure_ascii=False)


def _description(drawing: Drawing) -> dict[str, Any]:
    return {
        "plot_type": drawing.plot_type.value,
        "x_axis": _axis(drawing.x_axis),
        "y_axis": _axis(drawing.y_axis),
        "main_features": " ".join(drawing.features),
    }


def _axis(axis: Axis) -> dict[str, Any]:
    return {"label": axis.label, "scale": axis.scale, "range": list(axis.limits)}


def _status(family: Family[Any], scenario: Scenario[Any], reading: Reading) -> str:
    suggestion = "" if family.q6_label == "Classification" else f"Suggested range: {reading.suggestion}\n"
    return f"{family.q6_label}: {scenario.status}\n{suggestion}Notes: {reading.notes}"
