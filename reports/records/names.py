"""Printed names of the benchmark's terms."""

from __future__ import annotations

from collections.abc import Iterable

from scoring.questions import Mode, Question

MODE_NAMES = {Mode.ZEROSHOT: "zero-shot", Mode.ICL: "ICL"}
"""The modes as they are printed."""


def question_span(questions: Iterable[Question]) -> str:
    """Return the questions in few words, such as ``Q2, Q4-Q6``."""
    order, spans = list(Question), list[list[Question]]()
    for question in sorted(set(questions), key=order.index):
        if spans and order.index(question) == order.index(spans[-1][-1]) + 1:
            spans[-1].append(question)
        else:
            spans.append([question])
    return ", ".join(
        span[0].value if len(span) == 1 else f"{span[0].value}-{span[-1].value}" for span in spans
    )


QUESTION_NAMES = {
    Question.Q1: "description",
    Question.Q2: "conclusion",
    Question.Q3: "significance",
    Question.Q4: "fit",
    Question.Q5: "parameters",
    Question.Q6: "diagnosis",
}
"""What each question asks for, in one word; result files have the longer `Question.task`."""


def question_name(question: Question) -> str:
    """Return the question's printed name, such as ``Q6 diagnosis``."""
    return f"{question.value} {QUESTION_NAMES[question]}"


def as_text(value: object) -> str:
    """Return a field's value as people write it in a message, not as Python does."""
    match value:
        case None | "" | () | []:
            return "not set"
        case tuple() | list():
            return ", ".join(map(as_text, value))
        case bool():
            return "on" if value else "off"
        case dict():
            return ", ".join(f"{name}={as_text(entry)}" for name, entry in value.items()) or "not set"
        case _:
            return str(value)


FAMILY_TITLES = {
    "coupler_flux": "Coupler flux",
    "cz_benchmarking": "CZ benchmarking",
    "drag": "DRAG",
    "gmm": "Gaussian mixture",
    "microwave_ramsey": "Microwave Ramsey",
    "mot_loading": "MOT loading",
    "pinchoff": "Pinch-off",
    "pingpong": "Ping-pong",
    "qubit_flux_spectroscopy": "Flux spectroscopy",
    "qubit_spectroscopy": "Qubit spectroscopy",
    "qubit_spectroscopy_power_frequency": "Power and frequency",
    "rabi": "Rabi",
    "rabi_hw": "Rabi (hardware)",
    "ramsey_charge_tomography": "Charge tomography",
    "ramsey_freq_cal": "Ramsey frequency",
    "ramsey_t2star": "Ramsey T2*",
    "res_spec": "Resonator",
    "rydberg_ramsey": "Rydberg Ramsey",
    "rydberg_spectroscopy": "Rydberg lines",
    "t1": "T1",
    "t1_fluctuations": "T1 fluctuations",
    "tweezer_array": "Tweezer array",
}
"""Titles of the benchmark's families for narrow tables. The names on the left are what ``-k`` takes."""


def family_title(family: str) -> str:
    """Return the family's title; of a family that is not in the benchmark, its name with spaces between the words."""
    return FAMILY_TITLES.get(family, family.replace("_", " "))
