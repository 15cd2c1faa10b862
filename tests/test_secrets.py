"""Keys and URL credentials stay where they are: in the environment, in memory and in the headers that need them."""

import base64
import html
import json
import re
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcal_plugin.cli.options import read_config
from qcal_plugin.engine.redaction import Redaction
from qcal_plugin.engine.transport import Transport, new_client
from qcal_plugin.session.active_run import ActiveRun
from qcal_plugin.worker.measuring import CaseUnderTest
from tests.endpoint import Raw, Reply, Stream
from tests.real_engine import free_port
from tests.scripts import always, error

pytest_plugins = ["pytester"]

KEY = 'model-"key"/7f3a9c41+d2='
JUDGE_KEY = "judge-key-58e1b0aa6c"
PASSWORD, QUERY_KEY = "url-password-0c9d1e", "query-key-77aa90b1"
PROXY_USER, PROXY_PASSWORD = "proxy-user", "pr:oxy/pass+3f"
LOUD = [
    "-vv",
    "-rA",
    "-l",
    "--showlocals",
    "--full-trace",
    "--log-level=DEBUG",
    "-olog_cli=true",
    "--log-file=all.log",
]
JUNIT = ["--junitxml=junit.xml", "-ojunit_logging=all"]


def encoded(secret):
    return base64.b64encode(secret.encode()).decode()


def forms(secret):
    """How a secret might be written."""
    return {
        secret,
        encoded(secret),
        encoded(secret).rstrip("="),
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
    }


SECRETS = {
    form for secret in (KEY, JUDGE_KEY, PASSWORD, f"someone:{PASSWORD}", QUERY_KEY) for form in forms(secret)
}


def leaks(result, *folders):
    """Return the places of a secret: names of files, or ``out``."""
    places = [("out", form) for form in SECRETS if form in result.out]
    for folder in folders:
        for path in Path(folder).rglob("*"):
            content = path.read_bytes() if path.is_file() else b""
            places += [(path.name, form) for form in SECRETS if form.encode() in content]
    return places


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


def test_no_credential_leaves_a_run_that_half_fails(quick, endpoint, asking, workers, prepared_cache):
    result = quick.run(*asking, *workers)

    assert 1 == result.exit_status
    assert {KEY, JUDGE_KEY} == {request.bearer for request in endpoint.requests}
    assert "bad key [key]" in result.out
    assert (
        {"scored", "request_failed", "judge_failed"} >= set(result.statuses().values()) >= {"request_failed"}
    )
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

    monkeypatch.setattr(ActiveRun, "__init__", crash)
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


def test_a_key_escaped_as_in_net_and_go_is_not_stored(quick, endpoint, asking):
    escaped = "".join(char if char.isalnum() else f"\\u{ord(char):04X}" for char in KEY)
    completion = (
        Reply(f"Status: SUCCESS {KEY}").body("model-a").decode().replace(json.dumps(KEY)[1:-1], escaped)
    )
    assert escaped in completion
    endpoint.script = always(Raw(completion.encode()))
    result = quick.run(*asking, "--limit=1", "--questions=Q6")
    assert "Status: SUCCESS [key]" in (result.run_dir / "answers.jsonl").read_text()
    assert [] == leaks(result, quick.folder)


def test_a_key_cut_over_the_events_of_a_stream_is_not_stored(quick, endpoint, asking):
    endpoint.script = always(Stream(["Status: SUCCESS ", KEY[:9], KEY[9:]]))
    result = quick.run(*asking, "--limit=1", "--questions=Q6", "--stream=always")
    assert "Status: SUCCESS [key]" in (result.run_dir / "answers.jsonl").read_text()
    assert [] == leaks(result, quick.folder)


def test_a_proxys_password_is_not_stored_however_it_is_echoed(quick, endpoint, asking, monkeypatch):
    def proxy(request):
        sent = request.headers["Proxy-Authorization"].removeprefix("Basic ")
        assert f"{PROXY_USER}:{PROXY_PASSWORD}" == base64.b64decode(sent).decode()
        return error(422, f"the proxy got {sent}, {base64.b64decode(sent).decode()}")

    endpoint.script = proxy
    user_info = f"{PROXY_USER}:{quote(PROXY_PASSWORD, safe='')}"
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, f"http://{user_info}@127.0.0.1:{endpoint.port}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    result = quick.run(*[option.replace("127.0.0.1", "model.example") for option in asking], "--limit=1")
    assert "the proxy got [key], [key]" in result.out
    written = [
        result.out,
        *(path.read_text("utf-8", "replace") for path in quick.folder.rglob("*") if path.is_file()),
    ]
    assert not [
        text
        for text in written
        if PROXY_PASSWORD in text or encoded(f"{PROXY_USER}:{PROXY_PASSWORD}") in text
    ]


def test_credentials_in_netrc_are_not_sent(quick, endpoint, tiny_folder, monkeypatch):
    netrc = quick.folder / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password netrc-password\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    quick.run("--model-url", endpoint.base_url, "--dataset", str(tiny_folder), "--questions=Q2", "--limit=1")
    assert endpoint.requests
    assert not [request for request in endpoint.requests if "Authorization" in request.headers]


# --- what is redacted ---------------------------------------------------------------------------------------


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


def test_json_is_rewritten_only_if_it_held_a_secret():
    body = b'{"b": 1, "a": "caf\\u00e9", "n": NaN}'
    assert body == Redaction([KEY]).reply(body)
    assert b'{"a": "[key]", "[key]": ["[key]"], "n": "[key]"}' == Redaction(
        ["secret-5f2c", "12345678"]
    ).error(b'{"a": "secr\\u0065t\\u002D5f2c", "secret-5f2c": ["secret%2d5f2c"], "n": 12345678}')


def _as_html(char):
    return st.sampled_from(
        [f"&#{ord(char)};", f"&#x{ord(char):X};", f"&#x{ord(char):05x};", html.escape(char)]
    )


def _as_json(char):
    units = char.encode("utf-16-be").hex()
    unit = "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
    upper = unit.upper().replace("\\U", "\\u")
    return st.sampled_from([unit, upper, unit.replace("\\", "\\\\"), json.dumps(char)[1:-1]])


def _in_url(char):
    percent = "".join(f"%{byte:02X}" for byte in char.encode())
    return st.sampled_from([percent, percent.lower(), percent.replace("%", "%25"), percent.replace("%", "=")])


def _mixed(char):
    return st.one_of(st.just(char), _as_html(char), _as_json(char), _in_url(char))


def _base64(secret, before=b"", behind=b""):
    return base64.b64encode(before + secret.encode() + behind).decode()


@st.composite
def written(draw, secret):
    """A secret as somebody might echo it: every letter as it is or escaped, all of it nested or as base64."""
    way = draw(st.sampled_from([st.just, _as_html, _as_json, _in_url, _mixed]))
    text = "".join(draw(way(char)) for char in secret)
    few = st.binary(max_size=5)
    whole = [
        text,
        quote(text, safe=""),
        json.dumps(json.dumps(text)),
        _base64(secret, draw(few), draw(few)),
        quote(_base64(f"someone:{secret}").translate(str.maketrans("+/", "-_"))),
        base64.encodebytes(b"x" * draw(st.integers(40, 80)) + secret.encode()).decode(),
        secret.encode().hex(),
        secret.encode().hex().upper(),
        base64.b64encode(secret.encode("utf-16-le")).decode(),
    ]
    return draw(st.sampled_from(whole))


SECRET_TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=16, max_size=48) | st.text(
    st.characters(min_codepoint=33, exclude_categories=["C", "Z"]), min_size=16, max_size=24
)
AROUND = st.text(st.sampled_from(["a", " ", "\n", '"', "é", ".", ":", "<", ">"]), max_size=6)


@settings(max_examples=150)
@given(st.data())
def test_no_way_of_writing_a_secret_gets_through(data):
    secret = data.draw(SECRET_TEXT.filter(lambda text: text == unescaped(text) and "\\" not in text))
    said = f" {data.draw(AROUND)} {data.draw(written(secret))} {data.draw(AROUND)}"
    redaction = Redaction([secret])
    for body in (said.encode(), json.dumps({"message": [said]}).encode(), json.dumps(said).encode("utf-16")):
        for clean in (redaction.error(body), redaction.reply(body)):
            assert b"[key]" in clean
            assert not holds(clean.decode(), secret)
    assert "[key]" in redaction.text(said)


def unescaped(text):
    """What a reader would make of it, by the libraries' own decoders."""
    for _ in range(4):
        text = re.sub(r"\\+(u[0-9a-fA-F]{4})", lambda match: json.loads(f'"\\{match[1]}"'), text)
        text = re.sub(r'\\+(["/])', r"\1", text)
        text = html.unescape(unquote(re.sub("=([0-9A-Fa-f]{2})", r"%\1", text)))
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def holds(text, secret):
    runs = re.findall(r"[A-Za-z0-9_+/-]{20,}", re.sub(r"\s", "", unescaped(text)))
    decoded = [
        base64.b64decode(run[at:] + "==", altchars=b"-_")
        for run in runs
        for at in range(4)
        if len(run[at:]) % 4 != 1
    ]
    return secret in unescaped(text) or any(secret.encode() in each for each in decoded)


@given(st.text(max_size=200))
def test_text_without_a_secret_stays_as_it_is(text):
    assert text == Redaction(["nothing-like-this-1f8a"]).text(text)
