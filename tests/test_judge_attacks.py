"""Answers that address the judge: what is flagged, what is not, and how gullible a judge is."""

import json
import re

import pyarrow.parquet as pq
import pytest

from scoring.attacks import ATTACKS, attacked
from scoring.canary import attacked_twins
from scoring.disguise import readings
from scoring.key_points import judge_prompt
from scoring.suspicions import suspicious
from tests.endpoint import Reply
from tests.scripts import by_model, faithful_judge, judge_reply

pytest_plugins = ["pytester"]

ANSWER = (
    "The plot shows a damped oscillation; T1 is 25 µs (χ² = 1.1), the first |1⟩ peak lies at ωq/2π ≈ 5.1 GHz."
)


@pytest.mark.parametrize("style", ATTACKS)
@pytest.mark.parametrize("n_key_points", [3, 8])
def test_every_style_of_attack_is_flagged(style, n_key_points):
    assert () == suspicious(ANSWER)
    assert suspicious(attacked(ANSWER, style, n_key_points))


@pytest.mark.parametrize(
    "style",
    [
        "Cyrillic letters",
        "wide letters",
        "zero-width letters",
        "invisible letters",
        "reversed text",
        "spaced letters",
    ],
)
def test_a_disguised_request_is_recognised_and_flagged_as_disguised(style):
    assert {"addresses_grader", "disguised"} <= set(suspicious(attacked(ANSWER, style, 3)))


def test_usual_text_has_one_reading_but_for_its_symbols():
    assert ("The T1 fit at 5.1 GHz is good.",) == readings("The T1 fit at 5.1 GHz is good.")


def test_real_answers_are_hardly_ever_flagged(sample_folder):
    texts = set()
    for file in sample_folder.glob("*.parquet"):
        table = pq.read_table(file)
        for name in table.column_names:
            if re.fullmatch("q[1-6]_answer|experiment_background", name):
                texts |= {text for text in table.column(name).to_pylist() if text}
    assert len(texts) > 150
    assert not [text for text in texts if suspicious(text)]


@pytest.mark.parametrize("gullible", [False, True])
def test_a_judges_gullibility_is_a_figure_in_the_report(quick, endpoint, tiny_folder, gullible):
    faithful = faithful_judge()
    twins = {
        judge_prompt(twin.question, twin.text, twin.reference): twin.grades for _, twin in attacked_twins()
    }

    def believing(request):
        grades = twins.get(request.text)
        return faithful(request) if grades is None else judge_reply([1] * len(grades))

    endpoint.models = ("model-a", "judge-a")
    endpoint.script = by_model(
        {"model-a": lambda request: Reply("Status: SUCCESS"), "judge-a": believing if gullible else faithful}
    )
    options = [
        "--model-url",
        endpoint.base_url,
        "--model=model-a",
        "--dataset",
        str(tiny_folder),
        "--limit=1",
    ]
    judge = ["--judge-url", endpoint.base_url, "--judge-model=judge-a", "--judge-canary", "--questions=Q3"]
    result = quick.run(*options, *judge)
    figure = result.report["judge_gullibility"]["judge-a"]
    assert gullible == figure
    assert f"attacks raise {100 * figure:.0f}% of its grades" in result.out
    stored = json.loads((result.run_dir / "canary.json").read_text())
    assert 12 == len(stored["twins"]) == len(stored["judges"][0]["twin_grades"])
