"""An endpoint receives exactly what docs/protocol.md#requests says."""

import asyncio
import base64
import io
import json
import tracemalloc
from dataclasses import dataclass, replace

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from qcal_plugin.dataset.cases import ImagePart, TextPart
from qcal_plugin.demo.loopback import LoopbackServer
from qcal_plugin.engine.chat import ChatRequest
from qcal_plugin.engine.reply import parse_reply
from tests.dataset_factory import png, tiny_dataset
from tests.endpoint import Endpoint, Outcome, Reply
from tests.engine_factory import image_part, keys, running_engine, text_case
from tests.scripts import always, by_model, judge_reply
from tests.waiting import wait_until

pytest_plugins = ["pytester"]

ONE_SAMPLE = ("--limit", "1")


@pytest.fixture
def asked(quick, endpoint, tiny_folder):
    """Runs the suite on the tiny dataset and gives the requests that arrived."""

    def run(*options, folder=tiny_folder, url=None):
        arrived = len(endpoint.requests)
        result = quick.run(
            "--model-url", url or endpoint.base_url, "--dataset", str(folder), "--no-html", *options
        )
        assert 0 == result.exit_status, result.out
        return endpoint.requests[arrived:]

    return run


def image_block(shown):
    return {
        "type": "image_url",
        "image_url": {"url": f"data:image/png;base64,{base64.b64encode(shown).decode()}"},
    }


def text_block(text):
    return {"type": "text", "text": text}


def sent_image(block):
    return base64.b64decode(block["image_url"]["url"].removeprefix("data:image/png;base64,"), validate=True)


def contents(requests):
    return [request.body["messages"][0]["content"] for request in requests]


# --- the whole body ---


def test_body_has_the_four_fields_of_the_protocol_and_one_user_message(asked):
    """No top_p, no system prompt, no stream, nothing else."""
    for request in asked():
        content = request.body["messages"][0]["content"]
        expected = {
            "model": "model-a",
            "messages": [{"role": "user", "content": content}],
            "temperature": 0.0,
            "max_tokens": 16384,
        }
        assert expected == request.body
        assert "application/json" == request.headers["Content-Type"]
        assert int(request.headers["Content-Length"]) > 0  # some servers take no chunked body
        assert "Transfer-Encoding" not in request.headers


def test_every_item_is_asked_once_in_its_own_words(asked, endpoint):
    """Eight samples, each with six zero-shot prompts and three ICL prompts.

    An ICL prompt ends with the own image.
    """
    rows = tiny_dataset().samples
    zeroshot = [row[f"q{n}_prompt"] for row in rows for n in range(1, 7)]
    icl = [f"Example {n}:\nAnswer: fine.\n\nNow:\nwhat?" for row in rows for n in (3, 5, 6)]

    requests = asked()

    assert sorted(zeroshot + icl) == sorted(request.text for request in requests)
    assert [] == endpoint.asked_twice()


# --- content ---


def test_zeroshot_shows_all_images_in_order_then_the_prompt_with_its_tags_unchanged(asked, tmp_path):
    dataset = tiny_dataset()
    first, second, prompt = png(40), png(41), "  <image>\nCompare <image> with\t<image>?  "
    dataset.samples[0] |= {
        "images": [{"bytes": first, "path": None}, {"bytes": second, "path": None}],
        "image_ids": ["image-0", "image-x"],
        "q6_prompt": prompt,
    }

    (request,) = asked(
        *ONE_SAMPLE, "--questions=Q6", "--modes=zeroshot", folder=dataset.write(tmp_path / "several images")
    )

    assert [[image_block(first), image_block(second), text_block(prompt)]] == contents([request])


def test_icl_replaces_each_tag_by_the_next_image_of_the_row(asked, tmp_path):
    """One index runs over Q3, Q5 and Q6; pieces are stripped, empty ones dropped."""
    dataset = tiny_dataset()
    dataset.fewshot[0] |= {
        "q3_prompt": "<image>",
        "q5_prompt": "  One:\n<image>\n\n<image>\nand two. ",
        "q6_prompt": "Now: <image> what?",
        "image_ids": ["image-2", "image-0", "image-4", "image-6"],
    }

    requests = asked(*ONE_SAMPLE, "--modes=icl", "--concurrency=1", folder=dataset.write(tmp_path / "icl"))

    two, zero, four, six = (image_block(png(number)) for number in (2, 0, 4, 6))
    expected = [
        [two],
        [text_block("One:"), zero, four, text_block("and two.")],
        [text_block("Now:"), six, text_block("what?")],
    ]
    assert expected == contents(requests)


def test_an_rgba_png_is_sent_byte_for_byte(asked, tmp_path):
    """It is not decoded and encoded again: no encoder would write it without compression."""
    original = io.BytesIO()
    Image.new("RGBA", (5, 3), (1, 2, 3, 4)).save(original, "PNG", compress_level=0)
    dataset = tiny_dataset()
    dataset.samples[0]["images"] = [{"bytes": original.getvalue(), "path": None}]

    (content,) = contents(
        asked(*ONE_SAMPLE, "--questions=Q2", "--modes=zeroshot", folder=dataset.write(tmp_path / "rgba"))
    )

    assert original.getvalue() == sent_image(content[0])


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "LA", "1", "I;16"])
def test_any_other_image_is_sent_as_the_rgba_png_of_the_same_pixels(asked, tmp_path, mode):
    picture = Image.linear_gradient("L").resize((9, 7)).convert(mode)
    original = io.BytesIO()
    picture.save(original, "PNG")
    dataset = tiny_dataset()
    dataset.samples[0]["images"] = [{"bytes": original.getvalue(), "path": None}]

    (content,) = contents(
        asked(*ONE_SAMPLE, "--questions=Q2", "--modes=zeroshot", folder=dataset.write(tmp_path / "other"))
    )

    sent = Image.open(io.BytesIO(sent_image(content[0])))
    assert ("PNG", "RGBA") == (sent.format, sent.mode)
    assert Image.open(original).convert("RGBA").tobytes() == sent.tobytes()


# --- parameters ---


def test_model_max_tokens_and_temperature_are_sent_as_given(asked, endpoint):
    endpoint.models = ("model-a", "model-b")
    (request,) = asked(
        *ONE_SAMPLE, "--questions=Q2", "--model=model-b", "--max-tokens=77", "--temperature=0.25"
    )
    assert {"model": "model-b", "max_tokens": 77, "temperature": 0.25} == {
        name: value for name, value in request.body.items() if name != "messages"
    }


def test_no_think_and_extra_body_add_their_fields_to_the_models_requests_only(asked, endpoint):
    endpoint.models = ("model-a", "judge-a")
    endpoint.script = by_model({"model-a": always(Reply("{}")), "judge-a": always(judge_reply([1, 1, 1]))})
    extra = {"chat_template_kwargs": {"style": "brief"}, "top_p": 0.9, "stop": ["é"]}

    requests = asked(
        *("--model", "model-a", "--judge-url", endpoint.base_url, "--judge-model", "judge-a"),
        *(*ONE_SAMPLE, "--questions=Q3", "--modes=zeroshot", "--no-think", "--extra-body", json.dumps(extra)),
    )

    model, judge = sorted(requests, key=lambda request: request.model, reverse=True)
    expected = extra | {"chat_template_kwargs": {"style": "brief", "enable_thinking": False}}
    assert expected == {name: model.body[name] for name in model.body.keys() - PROTOCOL_FIELDS}
    assert set() == judge.body.keys() - PROTOCOL_FIELDS


PROTOCOL_FIELDS = {"model", "messages", "temperature", "max_tokens"}


def test_no_think_alone(asked):
    (request,) = asked(*ONE_SAMPLE, "--questions=Q2", "--no-think")
    assert {"enable_thinking": False} == request.body["chat_template_kwargs"]


# --- where it goes ---


@pytest.mark.parametrize("suffix", ["", "/", "/chat/completions", "/chat/completions/"])
def test_model_url_is_a_base_or_the_full_url(asked, endpoint, suffix):
    requests = asked(*ONE_SAMPLE, "--questions=Q2", url=f"{endpoint.base_url}{suffix}")
    assert 1 == len(requests)
    assert 1 == endpoint.model_list_requests


def test_a_request_has_the_same_digest_wherever_it_is_sent(quick, endpoint, tiny_folder):
    options = ("--dataset", str(tiny_folder), "--no-html", *ONE_SAMPLE)
    with Endpoint(endpoint.script) as elsewhere:
        first = quick.run("--model-url", endpoint.base_url, *options, run_dir="first")
        second = quick.run(
            "--model-url", f"{elsewhere.base_url}/chat/completions", *options, run_dir="second"
        )
    digests = [
        {(record["question"], record["mode"]): record["request_sha256"] for record in result.records}
        for result in (first, second)
    ]
    assert 9 == len(set(digests[0].values()))
    assert digests[0] == digests[1]


# --- keys ---


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsWithKey(Outcome):
    """A list of one model; remembers which Authorization headers came."""

    seen: list

    async def respond(self, http_request, model):
        self.seen.append(http_request.headers.get("Authorization"))
        return web.json_response({"data": [{"id": "model-a"}]})


def test_without_a_key_no_authorization_is_sent(asked, endpoint):
    endpoint.models = ModelsWithKey(seen=[])
    (request,) = asked(*ONE_SAMPLE, "--questions=Q2")
    assert request.bearer is None
    assert [None] == endpoint.models.seen


@pytest.mark.parametrize(
    ("variable", "options"),
    [("QCAL_MODEL_KEY", ()), ("MY_KEY", ("--model-key-env", "MY_KEY"))],
    ids=["default variable", "named variable"],
)
def test_the_key_in_the_variable_is_sent_as_bearer(asked, endpoint, monkeypatch, variable, options):
    monkeypatch.setenv(variable, " sk-model-0123456789\n")  # as an editor leaves it
    endpoint.models = ModelsWithKey(seen=[])
    (request,) = asked(*ONE_SAMPLE, "--questions=Q2", *options)
    assert "sk-model-0123456789" == request.bearer
    assert ["Bearer sk-model-0123456789"] == endpoint.models.seen


def test_each_endpoint_gets_its_own_key(asked, endpoint, monkeypatch):
    monkeypatch.setenv("QCAL_MODEL_KEY", "sk-model-0123456789")
    monkeypatch.setenv("KEY_OF_B", "sk-judge-b-0123456789")
    endpoint.models = ("model-a", "judge-a", "judge-b")
    judge = always(judge_reply([1, 1, 1]))
    endpoint.script = by_model({"model-a": always(Reply("{}")), "judge-a": judge, "judge-b": judge})
    monkeypatch.setenv("QCAL_JUDGE_KEY", "sk-judge-a-0123456789")
    judges = [f"--judge-url={endpoint.base_url}", "--judge-model=judge-a", "--judge-model=judge-b"]
    variables = ["--judge-key-env=QCAL_JUDGE_KEY", "--judge-key-env=KEY_OF_B"]

    requests = asked(*ONE_SAMPLE, "--questions=Q1", "--model=model-a", *judges, *variables)

    expected = {
        "model-a": "sk-model-0123456789",
        "judge-a": "sk-judge-a-0123456789",
        "judge-b": "sk-judge-b-0123456789",
    }
    assert expected == {request.model: request.bearer for request in requests}


# --- judges ---


def test_a_judge_gets_one_text_with_all_that_it_grades_by(asked, endpoint):
    """Experiment type, Q1 reference as context, question, reference answer, model's answer, numbered key points."""
    endpoint.models = ("model-a", "judge-a")
    answer = "The fit is fine, says the model."
    endpoint.script = by_model(
        {"model-a": always(Reply(answer)), "judge-a": always(judge_reply([1, 0.5, 0]))}
    )
    row = tiny_dataset().samples[0]

    requests = asked(
        *("--model=model-a", "--judge-url", endpoint.base_url, "--judge-model=judge-a", "--temperature=0.5"),
        *(*ONE_SAMPLE, "--questions=Q3", "--modes=zeroshot", "--max-tokens=77"),
    )

    (judge,) = [request for request in requests if request.model == "judge-a"]
    message = {"role": "user", "content": judge.text}
    assert {"model": "judge-a", "messages": [message], "temperature": 0.0, "max_tokens": 4096} == judge.body
    for part in (
        row["experiment_type"],
        row["q1_answer"],
        row["q3_answer"],
        answer,
        "experimental significance",
    ):
        assert part in judge.text
    for number, point in enumerate(row["q3_key_points"], start=1):
        assert f"{number}. {point}" in judge.text


def test_judges_are_asked_about_q1_and_q3_only(asked, endpoint):
    endpoint.models = ("model-a", "judge-a")
    endpoint.script = by_model({"model-a": always(Reply("{}")), "judge-a": always(judge_reply([1, 1, 1]))})
    requests = asked(
        "--model=model-a", "--judge-url", endpoint.base_url, "--judge-model=judge-a", *ONE_SAMPLE
    )
    assert {"model-a": 9, "judge-a": 3} == {
        model: sum(request.model == model for request in requests) for model in ("model-a", "judge-a")
    }


def test_a_sample_without_images_is_asked_with_one_text_block(asked, tmp_path):
    data = tiny_dataset()
    data.samples[0]["images"] = None
    folder = data.write(tmp_path / "blind")
    (request,) = asked("--limit=1", "--questions=Q2", "--modes=zeroshot", folder=folder)
    assert [text_block(data.samples[0]["q2_prompt"])] == request.body["messages"][0]["content"]


# --- replies ---


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([{"type": "text", "text": "Status:"}, {"type": "text", "text": "DAMPED"}], "Status: DAMPED"),
        ([{"type": "thinking", "text": "Status: NO_SIGNAL"}, {"type": "text", "text": "DAMPED"}], "DAMPED"),
        ([{"type": "reasoning", "text": "NO_SIGNAL"}, {"text": "NO_SIGNAL"}, "NO_SIGNAL", None], ""),
        ([{"type": "text", "text": None}, {"type": "text"}, {"type": "text", "text": "DAMPED"}], "DAMPED"),
        ([], ""),
    ],
)
def test_of_a_list_only_parts_of_type_text_are_the_answer(parts, text):
    completion = {"choices": [{"message": {"content": parts, "reasoning": "Status: NO_SIGNAL"}}]}
    reply = parse_reply(json.dumps(completion).encode())
    assert (text, text, False) == (reply.text, reply.content, reply.from_reasoning)


# --- bytes and identity ---

TEXTS = st.text(st.characters(), max_size=20).map(
    lambda text: TextPart(text=text)
)  # lone surrogates among them
PICTURES = st.binary(min_size=1, max_size=40)
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
EXTRA_NAMES = st.text(max_size=8).filter(lambda name: name not in PROTOCOL_FIELDS)
EXTRAS = st.dictionaries(EXTRA_NAMES, JSON_VALUES, max_size=3)


@st.composite
def requests_with_bytes(draw, folder):
    """A request, and the same as content blocks made the plain way."""
    prompt, blocks = [], []
    for part in draw(st.lists(TEXTS | PICTURES, min_size=1, max_size=4)):
        if isinstance(part, TextPart):
            blocks.append(text_block(part.text))
            prompt.append(part)
        else:
            blocks.append(image_block(part))
            prompt.append(image_part(folder / f"{len(prompt)}.b64", part))
    request = ChatRequest(
        model=draw(st.text(max_size=10)),
        prompt=tuple(prompt),
        max_tokens=draw(st.integers(1, 10**6)),
        temperature=draw(st.floats(0, 2)),
        extra_body=draw(EXTRAS),
    )
    return request, blocks[0]["text"] if len(blocks) == 1 and blocks[0]["type"] == "text" else blocks


@given(data=st.data())
def test_body_is_the_json_that_plain_code_would_make(tmp_path_factory, data):
    request, content = data.draw(requests_with_bytes(tmp_path_factory.getbasetemp()))
    expected = {
        "model": request.model,
        "messages": [{"role": "user", "content": content}],
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        **{
            name: value for name, value in request.extra_body.items() if value is not None
        },  # null leaves a field out
    }
    body = bytes(request.body())
    assert len(body) == request.body().size_bytes
    assert body.isascii()
    assert expected == json.loads(body)


class Swallowing(LoopbackServer):
    """Reads requests, keeps nothing of them, never replies."""

    def __init__(self):
        super().__init__(chat_completions=self._swallow, models=self._swallow)
        self.read_bytes = []

    async def _swallow(self, http_request):
        self.read_bytes.append(sum([len(chunk) async for chunk in http_request.content.iter_any()]))
        await asyncio.Event().wait()


def test_requests_that_wait_for_a_reply_hold_no_image_in_memory(tmp_path):
    """Else 128 prompts with all their demonstrations would be in memory while a slow model thinks."""
    image, in_flight = bytes(1_500_000), 20
    part = image_part(tmp_path / "image.b64", image)

    def case(key):
        return replace(text_case(key), prompt=(part, TextPart(text=key.sample_id)))

    given = {"case": case, "concurrency": in_flight}
    with Swallowing() as server, running_engine(server.base_url, tmp_path, **given) as (engine, _):
        tracemalloc.start()
        try:
            for key in keys(in_flight):
                engine.demand(key)
            wait_until(lambda: len(server.read_bytes) == in_flight)
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert all(read > len(image) for read in server.read_bytes)
    assert held < in_flight * len(image) / 5


def overwritten(path, content):
    """Other bytes of the same length: existence and size are not enough to notice that."""
    path.write_bytes((content + path.read_bytes())[: path.stat().st_size])


DAMAGES = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-4]),
    "overwritten": lambda path: overwritten(path, b"AAAA"),
}


@pytest.fixture
def one_by_one(quick, endpoint, tiny_folder):
    """Runs Q2 and Q6 of one sample one after the other.

    Every image in the cache meets the damage in between.
    """
    quick.monkeypatch.setenv("QCAL_CACHE_DIR", str(quick.folder / "own cache"))
    target = [
        "--model-url",
        endpoint.base_url,
        "--dataset",
        str(tiny_folder),
        "--no-html",
        "--modes=zeroshot",
    ]

    def run(*options, meanwhile):
        def script(_):
            if len(endpoint.requests) == 1:
                meanwhile(quick.folder / "own cache")
            return Reply("Status: SUCCESS")

        endpoint.script = script
        return quick.run(*target, *ONE_SAMPLE, "--questions=Q2,Q6", "--concurrency=1", *options)

    return run


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_an_image_that_was_damaged_meanwhile_is_rebuilt_and_sent_as_it_was(one_by_one, endpoint, damage):
    def damage_images(cache):
        for image in cache.rglob("*.b64"):
            damage(image)

    result = one_by_one(meanwhile=damage_images)
    assert 0 == result.exit_status, result.out
    first, second = endpoint.requests
    assert first.images == second.images
    assert 1 == result.out.count("damaged in the cache and rebuilt from the source: ")


def test_an_image_that_cannot_be_rebuilt_is_an_error_until_the_source_is_back(
    one_by_one, endpoint, tiny_folder
):
    def lose_everything(cache):
        for image in cache.rglob("*.b64"):
            image.unlink()
        tiny_folder.rename(tiny_folder.with_name("elsewhere"))

    first = one_by_one(meanwhile=lose_everything)
    tiny_folder.with_name("elsewhere").rename(tiny_folder)
    failed = [record for record in first.records if record["error"]]
    assert [("Q6", "no_image")] == [(record["question"], record["error"]["kind"]) for record in failed], (
        first.out
    )
    assert "--resume prepares it again" in first.out
    assert 1 == len(endpoint.requests)

    again = one_by_one("--resume", meanwhile=lambda cache: None)
    assert 0 == again.exit_status, again.out
    assert 2 == len(endpoint.requests)


def test_a_truncated_references_file_is_rebuilt_and_no_run_is_stuck(one_by_one, quick, endpoint):
    def cut_references(cache):
        for file in cache.rglob("references-*.jsonl"):
            file.write_bytes(file.read_bytes()[:100])

    first = one_by_one(meanwhile=cut_references)
    assert 0 == first.exit_status, first.out
    again = one_by_one("--repeats=2", meanwhile=lambda cache: None)
    assert 0 != again.exit_status or again.values() == first.values()


def identified(**changes):
    request = ChatRequest(
        model="model-a",
        prompt=(ImagePart(image_id="one", sha256="1" * 64, base64_path="a"), TextPart(text="What?")),
        max_tokens=100,
        temperature=0.0,
        extra_body={"top_p": 0.5, "seed": 1},
    )
    return replace(request, **changes)


@given(
    field=st.sampled_from(["model", "prompt", "max_tokens", "temperature", "extra_body"]),
    model=st.text(),
    prompt=st.lists(
        TEXTS
        | st.integers(0, 9).map(lambda n: ImagePart(image_id="one", sha256=f"{n}" * 64, base64_path="a")),
        max_size=4,
    ).map(tuple),
    max_tokens=st.integers(1, 10**6),
    temperature=st.floats(0, 2),
    extra_body=EXTRAS,
)
def test_digest_changes_with_every_parameter(field, **changed):
    later = identified(**{field: changed[field]})
    assert (getattr(identified(), field) == changed[field]) == (identified().sha256 == later.sha256)


def test_digest_distinguishes_what_a_plain_join_would_not():
    image = ImagePart(image_id="one", sha256="1" * 64, base64_path="a")
    prompts = [
        (TextPart(text="a"), TextPart(text="b")),
        (TextPart(text="ab"),),
        (TextPart(text="b"), TextPart(text="a")),
        (image, TextPart(text="a")),
        (TextPart(text="a"), image),
        (image, image, TextPart(text="a")),
        (TextPart(text=json.dumps({"png_sha256": "1" * 64})), TextPart(text="a")),
    ]
    assert len(prompts) == len({identified(prompt=prompt).sha256 for prompt in prompts})


def test_digest_depends_on_an_images_content_not_on_its_name_or_place():
    moved = ImagePart(image_id="two", sha256="1" * 64, base64_path="elsewhere", size_bytes=5)
    assert identified().sha256 == identified(prompt=(moved, TextPart(text="What?"))).sha256


def test_digest_ignores_the_order_of_extra_fields():
    assert identified().sha256 == identified(extra_body={"seed": 1, "top_p": 0.5}).sha256


def test_a_digest_once_stored_stays_valid():
    """Runs on disk are continued by their digests: a change here throws paid answers away."""
    assert "258422a3f41aa5bae991e95b0eed9050ae57fc279470e13bb02f8f5e53af5356" == identified().sha256
