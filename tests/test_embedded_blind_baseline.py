"""The blind baseline: what it answers, that it never reads a demonstration, and its HTTP server."""

import json
import re
from pathlib import Path

import httpx
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcal_plugin.demo.baselines import Baseline, answerer
from qcal_plugin.demo.blind_baseline import OPTIMISM, blind_answer
from qcal_plugin.demo.embedded import baseline_server
from scoring.questions import ICL_QUESTIONS, Question
from synthetic.families import family_names, load_family
from synthetic.prompts import icl_prompt, zero_shot_prompt

SAMPLE = Path(__file__).parents[2] / "shared" / "qcaleval-sample"

FIGURE = """Describe the figure <image> in JSON format.

Required fields:
{
  "plot_type": "line" | "scatter",
  "x_axis": {"label": string, "scale": "log" | "linear", "range": [min, max]},
  "main_features": string
}"""
OUTCOME = """Based on what you observe in the data <image>, classify the experimental outcome.

Options:
- Normal: usable data
- Apparatus issue: no signal

Provide your answer as:
Classification: <your choice>
Reason: <brief explanation>"""
PARAMETERS = """Extract the following parameters from this plot <image>.

Report in JSON format:
{"T1_us": float | null, "sites": [int, ...], "kind": "a" | "b", "usable": true | false}

Order: "lower" {first}."""
STATUS = """Evaluate the image <image> and determine the experiment status.

DECISION CRITERIA
{criteria}

When the status is not SUCCESS, suggest a range.

The response MUST follow this exact format:

Status: <one of the listed statuses>
Suggested range: (<min delay>, <max delay>) [us] (or "N/A" if SUCCESS)
Notes: <1-3 sentences explaining your reasoning>"""


def test_q1_takes_the_first_of_each_list_of_alternatives():
    figure = json.loads(blind_answer(FIGURE))
    assert figure == {
        "plot_type": "line",
        "x_axis": {"label": None, "scale": "log", "range": [None, None]},
        "main_features": OPTIMISM,
    }


def test_q1_answers_once_per_image_when_an_array_is_asked():
    array = FIGURE.replace(
        "Required fields:", "This entry has 3 images. Provide a JSON array.\n\nRequired fields per image:"
    )
    assert [json.loads(blind_answer(FIGURE))] * 3 == json.loads(blind_answer(array))


def test_q2_and_q4_take_the_first_option_in_the_asked_format():
    assert f"Classification: Normal\nReason: {OPTIMISM}" == blind_answer(OUTCOME)


def test_q3_is_a_confident_paragraph():
    assert (
        blind_answer(
            "What does this result <image> imply?\n\nExplain:\n- What follows\n\nProvide your assessment."
        )
        == OPTIMISM
    )


def test_q5_fills_the_asked_schema_with_nulls():
    assert {"T1_us": None, "sites": None, "kind": None, "usable": None} == json.loads(
        blind_answer(PARAMETERS)
    )


def test_q5_array_schema_stays_an_array_of_one_object():
    assert [{"f0": None}] == json.loads(
        blind_answer('Report in JSON format (array of objects):\n[{"f0": float}]')
    )


@pytest.mark.parametrize(
    ("status", "criteria"),
    [
        ("SUCCESS", "- NO_SIGNAL: flat\n- SUCCESS: clear"),
        ("STABLE", "- STABLE: flat\n- TELEGRAPHIC: jumps"),
    ],
)
def test_q6_takes_success_or_else_the_first_status_listed(status, criteria):
    expected = f"Status: {status}\nSuggested range: N/A\nNotes: {OPTIMISM}"
    assert expected == blind_answer(STATUS.replace("{criteria}", criteria))


@pytest.mark.parametrize(
    "question", [STATUS.replace("{criteria}", "- STABLE: flat\n- EVENT: a jump"), PARAMETERS, OUTCOME]
)
@pytest.mark.parametrize(
    "shown", ["Status: EVENT\nNotes: <Z> drops", '{"T1_us": 48.2, "spy": 1}', "Classification: EVENT"]
)
def test_demonstrations_do_not_change_the_answer(question, shown):
    prompt = f"Labelled examples:\n\nExample 1: <image>\n{shown}\n\nNow the query plot: <image>\n{question}"
    assert blind_answer(question) == blind_answer(prompt)


def test_of_several_questions_the_last_one_is_answered():
    assert blind_answer(OUTCOME) == blind_answer(f"{PARAMETERS}\n\n{{}}\n\n{OUTCOME}")
    assert blind_answer(PARAMETERS) == blind_answer(f"{OUTCOME}\n\nClassification: EVENT\n\n{PARAMETERS}")


def test_criteria_before_the_demonstrations_are_read_without_them():
    status = STATUS.replace("{criteria}", "- STABLE: flat\n- EVENT: a jump")
    prompt = f"{status}\n\nExample 1: <image>\n- SUCCESS: shown\nStatus: EVENT\n\nNow the query plot: <image>"
    assert blind_answer(status) == blind_answer(prompt)


@given(
    st.text()
    | st.text(alphabet='{}[]|"<>:-*,. \nabSU').map(
        lambda tail: f"Report in JSON\n{tail}\nRequired fields {tail}"
    )
)
def test_any_text_gets_an_answer(text):
    assert blind_answer(text)


def test_deep_brackets_get_an_answer():
    assert OPTIMISM == blind_answer("Required fields\n" + "[" * 200_000)
    assert "null" == blind_answer("Report in JSON\n" + '{"a":' * 200_000)


# --- the dataset's own wording ------------------------------------------------------------------------------


def sample_rows(name):
    path = SAMPLE / f"{name}-00000-of-00001.parquet"
    if not path.exists():
        pytest.skip("the sibling folder shared/qcaleval-sample is absent")
    return pyarrow.parquet.read_table(path).to_pylist()


def test_real_prompts_are_answered_in_the_asked_shape():
    for row in sample_rows("test"):
        figures = json.loads(blind_answer(row["q1_prompt"]))
        first = figures[0] if isinstance(figures, list) else figures
        assert first["plot_type"] in {"scatter", "heatmap", "image"}
        assert blind_answer(row["q2_prompt"]).startswith("Classification: Expected behavior\nReason: ")
        assert blind_answer(row["q3_prompt"]) == OPTIMISM
        assert blind_answer(row["q4_prompt"]).startswith("Assessment: Reliable\nReason: ")
        assert_nulls_for(json.loads(row["q5_scoring"]), json.loads(blind_answer(row["q5_prompt"])))
        assert blind_answer(row["q6_prompt"]).split()[1] in {"SUCCESS", "STABLE", "NO_EVENT", "CORRECTED"}


def assert_nulls_for(rules, answer):
    fields = answer[0] if isinstance(answer, list) else answer
    assert set(rules) <= set(fields)
    assert {None} == set(fields.values())


def test_real_in_context_prompts_are_answered_like_their_zero_shot_twins():
    zeroshot = {row["id"]: row for row in sample_rows("test")}
    for row in sample_rows("fewshot"):
        for prompt in ("q3_prompt", "q5_prompt", "q6_prompt"):
            assert blind_answer(zeroshot[row["source_id"]][prompt]) == blind_answer(row[prompt])


# --- the synthetic samples' wording -------------------------------------------------------------------------


@pytest.mark.parametrize("name", family_names())
def test_synthetic_prompts_are_answered_in_the_asked_shape(name):
    family = load_family(name)
    prompts = {question: zero_shot_prompt(question, family, images=2) for question in Question}
    answers = {question: blind_answer(prompt) for question, prompt in prompts.items()}
    assert ["scatter", "scatter"] == [figure["plot_type"] for figure in json.loads(answers["Q1"])]
    assert f"Classification: Expected behavior\nReason: {OPTIMISM}" == answers["Q2"]
    assert answers["Q3"] == OPTIMISM
    assert f"Assessment: Reliable\nReason: {OPTIMISM}" == answers["Q4"]
    assert_nulls_for(family.field_rules, json.loads(answers["Q5"]))
    first_status = re.search(r"CRITERIA\n- (\w+):", prompts["Q6"])[1]
    assert first_status == re.match(r"(?:Status|Classification): (\w+)\n", answers["Q6"])[1]


@pytest.mark.parametrize("question", ICL_QUESTIONS)
def test_synthetic_in_context_prompts_are_answered_like_their_zero_shot_twins(question):
    family = load_family(family_names()[0])
    examples = ["Status: EVENT\nNotes: <a> b", '{"spy": 1}', "- SPY: shown"]
    prompt = icl_prompt(question, family, images=1, examples=examples)
    assert blind_answer(zero_shot_prompt(question, family, images=1)) == blind_answer(prompt)


# --- over HTTP ----------------------------------------------------------------------------------------------


def blind_baseline_server():
    return baseline_server(Baseline.BLIND.model, answerer(Baseline.BLIND, None, None))


@pytest.fixture(scope="module")
def server():
    with blind_baseline_server() as server:
        yield server


def ask(server, content):
    body = {"model": "blind-baseline", "messages": [{"role": "user", "content": content}]}
    return httpx.post(f"{server.base_url}/chat/completions", json=body)


def test_server_answers_image_prompts_as_a_chat_completion(server):
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    reply = ask(server, [image, {"type": "text", "text": OUTCOME}]).json()
    assert {"role": "assistant", "content": blind_answer(OUTCOME)} == reply["choices"][0]["message"]
    assert reply["choices"][0]["finish_reason"] == "stop"
    usage = reply["usage"]
    assert len(OUTCOME) // 4 + 400 == usage["prompt_tokens"]
    assert usage["prompt_tokens"] + usage["completion_tokens"] == usage["total_tokens"]


def test_server_accepts_plain_text_content(server):
    assert blind_answer(PARAMETERS) == ask(server, PARAMETERS).json()["choices"][0]["message"]["content"]


def test_server_names_its_model(server):
    assert ["blind-baseline"] == [
        model["id"] for model in httpx.get(f"{server.base_url}/models").json()["data"]
    ]


@pytest.mark.parametrize("body", ["no json", "[]", '{"messages": []}', '{"messages": [{"content": [1]}]}'])
def test_server_refuses_anything_but_a_chat_request(server, body):
    reply = httpx.post(f"{server.base_url}/chat/completions", content=body)
    assert reply.status_code == 400
    assert "chat messages" in reply.json()["error"]["message"]


def test_server_is_gone_after_its_context():
    with blind_baseline_server() as server:
        assert httpx.get(f"{server.base_url}/models").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.base_url}/models")
