"""``qcaleval``: the reports' commands, and a doctor for endpoints."""

import base64
import io
import json
import os
import re
import subprocess
import sys

import pytest
from PIL import Image

from qcal_plugin.command.limits import highest, padded_picture
from qcal_plugin.command.main import main
from qcal_plugin.command.probe import COLOUR, QUESTION, ProbeReply, Way
from tests.dataset_factory import tiny_dataset
from tests.endpoint import Raw, Reply, Stream
from tests.real_engine import free_port
from tests.run_factory import run_of, write_run
from tests.scripts import always, error

KEY = "sk-0123456789abcdef"


@pytest.fixture
def doctor(endpoint, capsys):
    """The doctor's report on the endpoint: exit status, lines by name, whole output."""

    def examine(*arguments, url=endpoint.base_url):
        status = main(["doctor", "--model-url", url, *arguments])
        out, err = capsys.readouterr()
        facts = dict(line.split(":", 1) for line in out.splitlines())
        return status, {name: text.strip() for name, text in facts.items()}, out + err

    return examine


def test_doctor_of_a_server_that_can_all(doctor, endpoint):
    endpoint.script = always(Stream([{"reasoning_content": "It is"}, "Red", "."]))
    status, facts, _ = doctor()
    assert 0 == status
    assert f"yes: 'Red.' to '{QUESTION}'" == facts["answers"]
    assert "accepted, and the answer shows that the model saw it" == facts["images"]
    assert "in the field reasoning_content" == facts["reasoning"]
    assert "16384 accepted" == facts["max tokens"]
    assert re.match(r"yes, TTFT \d", facts["streaming"])
    assert "none: http is not encrypted" == facts["certificate"]
    assert f"pytest --model-url {endpoint.base_url} --model model-a" == facts["next"]
    assert 1 == len(endpoint.requests)
    assert 1 == len(endpoint.requests[0].images)


def test_doctor_of_a_server_with_few_tokens_and_limits(doctor, endpoint):
    class Limited(Reply):
        async def respond(self, http_request, model):
            response = await super().respond(http_request, model)
            response.headers["X-RateLimit-Remaining-Requests"] = "59"
            return response

    def script(request):
        too_many = error(400, "max_tokens must be at most 8192")
        return too_many if request.body["max_tokens"] > 8192 else Limited("blue")

    endpoint.script = script
    status, facts, _ = doctor()
    assert 0 == status
    assert "16384 refused: max_tokens must be at most 8192" == facts["max tokens"]
    assert "no" == facts["streaming"]
    assert f"accepted, but the answer is not {COLOUR!r}: is it a vision model?" == facts["images"]
    assert "x-ratelimit-remaining-requests: 59" == facts["rate limits"].lower()
    assert facts["next"].endswith("--max-tokens 1024")


def test_doctor_of_a_server_without_pictures(doctor, endpoint):
    endpoint.script = lambda request: (
        error(400, "image input is not supported") if request.images else Reply("Red")
    )
    status, facts, _ = doctor()
    assert 1 == status
    assert "no: image input is not supported" == facts["images"]
    assert "serve a model that accepts images" == facts["next"]


@pytest.mark.parametrize("code", [401, 404, 500])
def test_doctor_of_a_server_that_refuses(doctor, endpoint, code):
    endpoint.script = always(error(code, "No."))
    status, facts, _ = doctor("--model=model-b")
    assert 1 == status
    assert f"no: HTTP {code}: No." == facts["answers"]
    assert "does not list 'model-b'" in facts["model"]
    assert 1 == len(endpoint.requests)


@pytest.mark.parametrize("reply", [Raw(b"<html>"), Raw(b"[1]"), Raw(b'{"choices": [7]}')], ids=repr)
def test_doctor_of_a_server_that_talks_nonsense(doctor, endpoint, reply):
    endpoint.script = always(reply)
    assert "yes, but without text (finish_reason None)" == doctor()[1]["answers"]


def test_doctor_never_repeats_a_key(doctor, endpoint, monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    endpoint.script = always(error(400, f"key {KEY} is not valid"))
    _, facts, said = doctor("--model-key-env=MY_KEY")
    assert "from MY_KEY" == facts["key"]
    assert KEY == endpoint.requests[0].bearer
    assert KEY not in said


def test_doctor_reports_mistakes_in_one_line(doctor):
    for url, words in (
        (f"http://127.0.0.1:{free_port()}/v1", "no connection"),
        ("localhost:1", "is not an http or https"),
    ):
        status, _, said = doctor(url=url)
        assert 2 == status
        assert said.startswith("qcaleval doctor: ")
        assert words in said
        assert 1 == said.count("\n")


# --- the other commands ---


def test_reports_by_another_name(tmp_path, capsys):
    run = write_run(run_of({("a", "Q6", "zeroshot"): 1.0}), tmp_path / "run")
    assert 0 == main(["report", str(run)])
    assert "Q6 diagnosis" in capsys.readouterr().out
    target = tmp_path / "records.csv"
    assert 0 == main(["export", str(run), "--format", "csv", "--out", str(target)])
    assert f"written: {target}: csv, {target.stat().st_size:,} bytes\n" == capsys.readouterr().out
    assert 0 == main(["merge", str(run), "--out", str(tmp_path / "joined")])
    assert "joined" == json.loads((tmp_path / "joined" / "run.json").read_text())["run_id"]


@pytest.mark.parametrize(
    "command", ["report", "compare", "gate", "merge", "export", "import", "synthetic", "doctor"]
)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert 0 == stopped.value.code
    assert "usage:" in capsys.readouterr().out


def test_version_help_and_what_is_unknown(capsys):
    assert 0 == main(["--version"])
    assert capsys.readouterr().out.startswith("qcaleval 0.")
    assert 0 == main([])
    assert "pytest --model-url" in capsys.readouterr().out
    assert 2 == main(["leader"])
    assert (
        "qcaleval: unknown command 'leader'; qcaleval --help lists the commands\n" == capsys.readouterr().err
    )


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo terminal")
def test_full_reports_are_turned_page_by_page(tmp_path):
    run = write_run(run_of({("a", "Q6", "zeroshot"): 1.0}), tmp_path / "run")
    controller, terminal = os.openpty()
    command = [sys.executable, "-m", "reports", str(run), "--full"]
    process = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal)
    os.close(terminal)
    shown = b""
    while b"Enter to continue, q to stop" not in shown:
        shown += os.read(controller, 65536)
    os.write(controller, b"q\n")
    assert 0 == process.wait(timeout=30)
    os.close(controller)
    assert b"-- page 2 of " in shown
    assert 1 == shown.count(b"-- page")


@pytest.fixture
def plots(tmp_path):
    """A dataset of one image in each zero-shot prompt, and a second one in each with a demonstration."""
    return str(tiny_dataset().write(tmp_path / "data"))


def test_doctor_says_how_many_images_are_taken_and_how_many_items_need_more(doctor, endpoint, plots):
    endpoint.script = lambda request: (
        error(400, "at most 1 image") if len(request.images) > 1 else Reply("red")
    )
    _, facts, _ = doctor("--dataset", plots)
    assert "PNG with transparency (RGBA) accepted" == facts["image kinds"]
    assert "1 accepted, 2 refused: at most 1 image; 24 of 72 items need more" == facts["images a request"]
    assert facts["request size"].endswith(f"bytes accepted, the most that {plots} needs")


def test_doctor_names_the_kinds_of_images_that_are_taken(doctor, endpoint, plots):
    def script(request):
        url = request.body["messages"][0]["content"][0].get("image_url", {}).get("url", "")
        return error(400, "cannot read PNG") if "image/png" in url else Reply("red")

    endpoint.script = script
    _, facts, _ = doctor("--dataset", plots)
    assert "no: cannot read PNG" == facts["images"]
    assert "PNG with transparency (RGBA) refused: cannot read PNG; accepted: JPEG" == facts["image kinds"]
    assert "images a request" not in facts


def test_doctor_finds_the_largest_request_that_passes_a_proxy():
    accepted, refusal = highest(3_000_000, _proxy_of(1_200_000), step=100_000)
    assert 1_100_000 <= accepted <= 1_200_000
    assert "HTTP 413" == refusal


def _proxy_of(most):
    way = Way(stream=False, max_tokens=8, picture=True)
    return lambda size: ProbeReply(way=way if size <= most else None, status=413, headers={})


@pytest.mark.parametrize("size", [10_000, 2_000_000])
def test_a_padded_picture_has_the_size_and_can_be_opened(size):
    url = padded_picture(size)
    assert size == pytest.approx(len(url), abs=200)
    Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).load()
