"""Keys and URL credentials stay where they are: in the environment, in memory and in the headers that need them."""

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from qcal_plugin.cli.options import read_config
from qcal_plugin.engine.redaction import Redaction
from qcal_plugin.engine.transport import Transport, new_client
from qcal_plugin.session.evaluation import Evaluation
from qcal_plugin.worker.measuring import CaseUnderTest
from tests.endpoint import Raw, Reply
from tests.real_engine import free_port
from tests.scripts import error

pytest_plugins = ["pytester"]

KEY = 'model-"key"/7f3a9c41+d2='
JUDGE_KEY = "judge-key-58e1b0aa6c"
PASSWORD, QUERY_KEY = "url-password-0c9d1e", "query-key-77aa90b1"
LOUD = ["-vv", "-rA", "-l", "--showlocals", "--full-trace", "--log-level=DEBUG", "-olog_cli=true", "--log-file=all.log"]
JUNIT = ["--junitxml=junit.xml", "-ojunit_logging=all"]


def forms(secret):
    """How a secret might be written."""
    raw = secret.encode()
    encoded = base64.b64encode(raw).decode()
    return {secret, encoded, encoded.rstrip("="), quote(secret, safe=""), json.dumps(secret)[1:-1]}


SECRETS = {form for secret in (KEY, JUDGE_KEY, PASSWORD, f"someone:{PASSWORD}", QUERY_KEY) for form in forms(secret)}


def leaks(result, *folders):
    """Where a secret stands: names of files, or ``out``."""
    found = [("out", form) for form in SECRETS if form in result.out]
    for folder in folders:
        for path in Path(folder).rglob("*"):
            content = path.read_bytes() if path.is_file() else b""
            found += [(path.name, form) for form in SECRETS if form.encode() in content]
    return found


def echoing(request):
    """A server that repeats the credentials it got, in every kind of reply."""
    key = request.bearer or ""
    echoes = [
        Reply(f"Status: SUCCESS. Your key is {key}."),
        Reply("Status: SUCCESS", reasoning=f"They sent {key}"),
        error(400, f"bad key {key}, that is {base64.b64encode(key.encode()).decode()}"),
        error(500, "x" * 290 + f" {key}"),
        Raw(f"<html>{quote(key, safe='')} and {key}</html>".encode(), status=422),
        Raw(f'{{"debug": "{key}"}}'.encode()),
        Raw(b'{"choices": [' + key.encode()),
        Reply(f"[1, 1, 1] {key}"),
    ]
    if request.model == "judge-a":
        return echoes[1] if request.number % 2 else echoes[-1]
    return echoes[int(request.text.partition(":")[0].split()[-1]) % 7]


@pytest.fixture
def asking(endpoint, tiny_folder, monkeypatch):
    """Options of a run with a key for the model, one for the judge, a password and a key in the URL."""
    endpoint.script, endpoint.models = echoing, ("model-a", "judge-a")
    monkeypatch.setenv("MY_KEY", KEY)
    monkeypatch.setenv("QCAL_JUDGE_KEY", JUDGE_KEY)
    url = endpoint.base_url.replace("//", f"//someone:{PASSWORD}@") + f"?api-key={QUERY_KEY}"
    model = ["--model-url", url, "--model=model-a", "--model-key-env=MY_KEY", "--dataset", str(tiny_folder)]
    judge = ["--judge-url", endpoint.base_url, "--judge-model=judge-a"]
    return [*model, *judge, "--modes=zeroshot", "--questions=Q3,Q6", "--retries=1", *LOUD, *JUNIT]


def test_no_credential_leaves_a_run_of_which_half_fails(quick, endpoint, asking, workers, prepared_cache):
    result = quick.run(*asking, *workers)

    assert 1 == result.exit_status
    assert {KEY, JUDGE_KEY} == {request.bearer for request in endpoint.requests}
    assert "bad key [key]" in result.out
    assert {"scored", "request_failed", "judge_failed"} >= set(result.statuses().values()) >= {"request_failed"}
    assert "[key]" in (result.run_dir / "answers.jsonl").read_text()
    assert (quick.folder / "junit.xml").exists()
    assert (quick.folder / "all.log").exists()
    assert [] == leaks(result, quick.folder, prepared_cache)


def test_no_credential_shows_when_the_plugin_crashes_in_a_test(quick, asking, monkeypatch):
    def crash(self, answer, verdicts=()):
        raise RuntimeError("scorer crashed")

    monkeypatch.setattr(CaseUnderTest, "score", crash)
    result = quick.run(*asking, "--limit=1")
    assert "scorer crashed" in result.out
    assert [] == leaks(result, quick.folder)


def test_no_credential_shows_when_the_plugin_crashes_in_the_engine(quick, asking, monkeypatch):
    async def crash(self, body):
        headers = new_client(self._settings).headers
        raise RuntimeError(f"engine crashed: {self._settings} {headers}")

    monkeypatch.setattr(Transport, "chat", crash)
    result = quick.run(*asking, "--limit=1")
    assert "engine crashed" in result.out
    assert [] == leaks(result, quick.folder)


def test_no_credential_shows_when_the_plugin_crashes_at_the_start(quick, asking, monkeypatch):
    def crash(self, config, dataset, who, directory, **_):
        raise RuntimeError(f"set-up crashed: {config} {who}")

    monkeypatch.setattr(Evaluation, "__init__", crash)
    result = quick.run(*asking)
    assert "set-up crashed" in result.out
    assert "INTERNALERROR" in result.out
    assert [] == leaks(result, quick.folder)


def test_no_credential_shows_when_an_endpoint_refuses_or_is_not_there(quick, endpoint, asking):
    endpoint.models = error(401, f"{KEY} and {JUDGE_KEY} are refused")
    refused = quick.run(*asking)
    assert "HTTP 401: the key in MY_KEY is refused ([key] and" in refused.out
    absent = [option.replace(f":{endpoint.port}", f":{free_port()}") for option in asking]
    unreachable = quick.run(*absent)
    assert "no connection" in unreachable.out
    assert [] == leaks(unreachable, quick.folder)


def test_no_repr_holds_a_credential(pytester, asking):
    config = read_config(pytester.parseconfig("-p", "no:cacheprovider", *asking[: asking.index("-vv")]))
    shown = f"{config!r} {config.model!r} {config.model.redaction!r} {config.judges!r}"
    assert KEY == config.model.key
    assert not [form for form in SECRETS if form in shown]


# --- what is redacted ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", sorted(forms(KEY)))
def test_every_form_of_a_secret_is_redacted(form):
    assert b"say [key]!" == Redaction([KEY]).error(f"say {form}!".encode())
    assert b"say [key]!" == Redaction([KEY]).reply(f"say {form}!".encode())


@pytest.mark.parametrize("dummy", ["EMPTY", "none", "sk-1234", "not-needed"])
def test_a_dummy_key_leaves_answers_as_they_are(dummy):
    answer = f"The array is {dummy}.".encode()
    assert answer == Redaction([dummy]).reply(answer)
    assert b"The array is [key]." == Redaction([dummy]).error(answer)


def test_nothing_to_hide_changes_nothing():
    assert b"as it was" == Redaction([]).error(b"as it was") == Redaction(["", "abc"]).error(b"as it was")
