"""Make run directories for tests of report.html, with two families, plots, judges, failures and chosen texts."""

import io
import json

from PIL import Image

from reports.records.records import Answer, Run, Verdict
from scoring.questions import Mode, Question
from tests.run_factory import failed, judge_failed, manifest, planned_item, scored, unjudged, write_run

HOSTILE = (
    "</script><script>window.pwned = 1</script><!-- <script> ]]> <img src=x onerror='window.pwned = 2'> "
    "\" onfocus=alert(1) autofocus ' `${window.pwned = 3}` {{7*7}} javascript:alert(1) &lt;b&gt; "
    "\u2028\u2029 \u202egnp.exe \x1b[31m"
)
BENIGN = "plain"
SCENARIOS = (("rabi", "rabi_success"), ("rabi", "rabi_damped"), ("drag", "drag_success"))
LETTERS = "abcd"


def digest(number):
    return f"{number:064x}"


def plot(number, size=(120, 80)):
    file = io.BytesIO()
    Image.new("RGB", size, (number * 23 % 256, 90, 180)).save(file, "WEBP")
    return file.getvalue()


def samples():
    """Yield (number, sample, family, scenario) of all samples."""
    names = [(family, scenario, letter) for family, scenario in SCENARIOS for letter in LETTERS]
    return [
        (number, f"{scenario}_{letter}", family, scenario)
        for number, (family, scenario, letter) in enumerate(names)
    ]


def report_run(text=BENIGN):
    """Return a run of 12 samples in both modes.

    Every text from a model, a judge or a server contains ``text``.
    """
    planned, records = [], []
    for number, sample, family, scenario in samples():
        for mode in Mode:
            for question in mode.questions:
                item = planned_item(sample, question, mode, family=family, scenario=scenario)
                planned.append(item)
                record = _record(item, number, text)
                if record is not None:
                    records.append(record)
    run = manifest(planned, model=f"vlm {text}", versions={"python": text})
    return Run(manifest=run, records=tuple(records))


def _record(item, number, text):
    question, mode = item.key.question, item.key.mode
    answer = Answer(
        text=f"{text} answer of {item.key.sample_id} {question}",
        finish_reason="stop",
        reasoning=text,
        latency_s=0.5 + number,
        completion_tokens=100 + number,
        prompt_tokens=900,
    )
    request = {
        "answer": answer,
        "request_sha256": digest(1000 + number),
        "flags": ("addresses_grader",) * (number == 3),
    }
    if number == 11 and question is Question.Q6:
        return None if mode is Mode.ICL else failed(item, "http_500", text)
    if question.needs_judge:
        verdicts = (
            Verdict(judge=f"judge-a {text}", reply=text, grades=(1.0, 0.0, number / 11)),
            Verdict(judge="judge-b", reply="[1, 1]", grades=(1.0, 1.0, 0.0), faults=("short",)),
        )
        if number == 10 and mode is Mode.ZEROSHOT:
            return unjudged(item) if question is Question.Q1 else judge_failed(item, message=text)
        return scored(
            item, number / 11, components=_judged_parts(question, number / 11), verdicts=verdicts, **request
        )
    if question is Question.Q5:
        read = {"amplitude": text, "__proto__": text, "invented": [text]}
        parts = {"amplitude": 0.5, "visible": 1.0, "__proto__": 0.0}
        return scored(
            item,
            0.5,
            extracted=read,
            expected={"amplitude": 0.7, "visible": True},
            components=parts,
            **request,
        )
    right = number % 3 > 0
    expected = {Question.Q2: "Expected behavior", Question.Q4: "Reliable", Question.Q6: "SUCCESS"}[question]
    wrong = {Question.Q2: "Apparatus issue", Question.Q4: text, Question.Q6: "NO_SIGNAL"}[question]
    return scored(item, float(right), extracted=expected if right else wrong, expected=expected, **request)


def _judged_parts(question, key_points):
    read = (
        dict.fromkeys(("plot_type", "x_scale", "y_scale", "fields"), 1.0) if question is Question.Q1 else {}
    )
    return {**read, "key_points": key_points}


def report_dir(folder, text=BENIGN, *, illustrated=True):
    """Write the run's directory, without its reports."""
    write_run(report_run(text), folder)
    if illustrated:
        (folder / "plots").mkdir()
        for number, *_ in samples():
            (folder / "plots" / f"{digest(number)}.webp").write_bytes(plot(number))
        lines = [json.dumps(_sheet(number, sample, text)) + "\n" for number, sample, *_ in samples()]
        (folder / "samples.jsonl").write_text("".join(lines))
    return folder


def _sheet(number, sample, text):
    own, demonstration = {"image": digest(number)}, {"image": digest(0)}
    asked = {"text": f"What do you see? {text}"}
    return {
        "sample_id": sample,
        "plots": [digest(number)],
        "prompts": {
            "zeroshot": {question: [own, asked] for question in Mode.ZEROSHOT.questions},
            "icl": {
                question: [{"text": "Example:"}, demonstration, own, asked] for question in Mode.ICL.questions
            },
        },
        "answers": {mode: dict.fromkeys(mode.questions, f"reference of {sample}") for mode in Mode},
        "key_points": {"Q1": ["an axis", text, "a line"], "Q3": ["a cause", text, "an effect"]},
    }
