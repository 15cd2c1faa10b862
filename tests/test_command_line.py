"""A mistake on the command line is one or two lines: what, where, what to do.

No traceback, and exit status 4.
"""

import re

import pytest

from qcal_plugin.cli.options import read_config
from scoring.questions import Question
from tests.endpoint import Raw
from tests.real_engine import free_port
from tests.scripts import always, error

pytest_plugins = ["pytester"]

USAGE_ERROR = 4
URL = "--model-url=http://localhost:8000/v1"
JUDGE = "--judge-url=http://localhost:8001/v1"


@pytest.fixture
def read(pytester):
    """The configuration that a command line gives."""
    return lambda *arguments: read_config(pytester.parseconfig(*arguments))


@pytest.fixture
def mistake(quick, tiny_folder):
    """The complaint of a session that cannot start."""

    def run(*arguments, run_dir="run", folder=tiny_folder):
        result = quick.run("--dataset", str(folder), *arguments, run_dir=run_dir)
        assert USAGE_ERROR == result.exit_status, result.out
        assert "Traceback" not in result.out
        assert "INTERNALERROR" not in result.out
        lines = [line for line in result.out.splitlines() if line.strip()]
        assert 1 == len(lines), result.out
        return lines[0].removeprefix("ERROR: ")

    return run


# --- options by themselves ---

MISTAKES = [
    # where the model is
    (
        ["--model-url=localhost:8000/v1"],
        "--model-url: 'localhost:8000/v1' is not an http or https URL; expected something",
    ),
    (["--model-url=ftp://host/v1"], "--model-url: 'ftp://host/v1' is not an http or https URL"),
    (["--model-url=http://"], "--model-url: 'http://' is not an http or https URL"),
    (["--model-url=http://host:port/v1"], "--model-url: 'http://host:port/v1' is not an http or https URL"),
    (["--model-url=http://host:99999/v1"], "--model-url: 'http://host:99999/v1' is not an http or https URL"),
    (["--model-url=http://my host/v1"], "--model-url: 'http://my host/v1' is not an http or https URL"),
    (["--model-url=http://a..b/v1"], "--model-url: 'http://a..b/v1' is not an http or https URL"),
    (
        ["--model-url=http://[::1/v1"],
        "--model-url: not a URL (Invalid IPv6 URL); expected something like http://localhost:8000/v1",
    ),
    ([URL, "--demo"], "--model-url and --demo: give one of them; each is a source of answers"),
    ([URL, "--answers=run"], "--model-url and --answers: give one of them"),
    (["--demo", "--model=model-a"], "--model goes with --model-url, not with --demo"),
    (["--answers=run", "--model-key-env=HOME"], "--model-key-env goes with --model-url, not with --answers"),
    # judges
    ([URL, "--judge-model=a"], "--judge-model without --judge-url: give the judge's URL"),
    (
        [URL, "--judge-key-env=HOME"],
        "--judge-key-env without --judge-url: there is no judge that needs a key",
    ),
    (
        [URL, JUDGE, JUDGE, "--judge-model=a"],
        "2 --judge-url and 1 --judge-model: give as many of each, or one URL",
    ),
    (
        [URL, JUDGE, JUDGE, *["--judge-model=a"] * 3],
        "2 --judge-url and 3 --judge-model: give as many of each",
    ),
    (
        [URL, JUDGE, *["--judge-model=a"] * 3, *["--judge-key-env=HOME"] * 2],
        "2 --judge-key-env for 3 judges: give one, or one for each",
    ),
    ([URL, "--judge-url=judge"], "--judge-url: 'judge' is not an http or https URL"),
    (["--demo", JUDGE], "--demo brings its own judge: leave out --judge-url"),
    ([URL, "--judge-canary"], "--judge-canary without --judge-url: there is no judge"),
    ([URL, "--judge-template=absent.txt"], "--judge-template absent.txt: No such file or directory"),
    # keys
    (
        [URL, "--model-key-env=QCAL_TEST_UNSET"],
        "--model-key-env QCAL_TEST_UNSET: the environment variable is not set",
    ),
    (
        [URL, JUDGE, "--judge-key-env=QCAL_TEST_UNSET"],
        "--judge-key-env QCAL_TEST_UNSET: the environment variable is",
    ),
    # what is asked
    ([URL, "--questions=Q1,Q7"], "--questions: unknown question 'q7': choose from Q1,Q2,Q3,Q4,Q5,Q6"),
    ([URL, "--questions="], "--questions: no question given: choose from Q1,Q2,Q3,Q4,Q5,Q6"),
    ([URL, "--modes=fewshot"], "--modes: unknown mode 'fewshot': choose from zeroshot,icl"),
    ([URL, "--scoring=lenient"], "--scoring: unknown scorer 'lenient': choose from compatible, strict"),
    ([URL, "--shard=3/2"], "--shard: shard '3/2': expected i/n with 1 <= i <= n, such as 2/5"),
    ([URL, "--limit=3", "--sample=3"], "--limit and --sample: give one of them; both choose samples"),
    ([URL, "--limit=0"], "--limit 0: expected a number, at least 1"),
    ([URL, "--sample=-1"], "--sample -1: expected a number, at least 1"),
    ([URL, "--repeats=0"], "--repeats 0: expected a number, at least 1"),
    # how it is asked
    ([URL, "--max-tokens=0"], "--max-tokens 0: expected a number, at least 1"),
    ([URL, "--temperature=-0.1"], "--temperature -0.1: expected a number, at least 0"),
    ([URL, "--temperature=nan"], "--temperature nan: expected a number, at least 0"),
    ([URL, "--temperature=inf"], "--temperature inf: expected a number, at least 0"),
    ([URL, "--concurrency=0"], "--concurrency 0: expected a number, at least 1"),
    ([URL, "--judge-concurrency=0"], "--judge-concurrency 0: expected a number, at least 1"),
    ([URL, "--retries=-1"], "--retries -1: expected a number, at least 0"),
    ([URL, "--request-timeout=0"], "--request-timeout 0.0: expected a number, at least 0.001"),
    ([URL, "--budget-requests=0"], "--budget-requests 0: expected a number, at least 1"),
    ([URL, "--budget-tokens=0"], "--budget-tokens 0: expected a number, at least 1"),
    (
        [URL, "--extra-body={top_p: 1}"],
        "--extra-body: not JSON (Expecting property name enclosed in double quotes",
    ),
    (
        [URL, "--extra-body=[1]"],
        '--extra-body: [1] is JSON, but not an object; expected something like {"top_p": 0.9}',
    ),
    ([URL, "--extra-body=null"], "--extra-body: null is JSON, but not an object"),
    (
        [URL, '--extra-body={"top_p": NaN}'],
        "--extra-body: not JSON (NaN is not a number that JSON can carry)",
    ),
    (
        [URL, '--extra-body={"top_p": 1e999}'],
        "--extra-body: not JSON (1e999 is not a number that JSON can carry)",
    ),
    ([URL, f"--extra-body={'[' * 100_000}"], "--extra-body: too deeply nested"),
    *(
        (
            [URL, f'--extra-body={{"{name}": 1}}'],
            f"--extra-body: {name}: set by another option, or by the suite",
        )
        for name in ("model", "messages", "max_tokens", "temperature", "stream")
    ),
    (
        [URL, "--no-think", '--extra-body={"chat_template_kwargs": 3}'],
        "--no-think: adds to chat_template_kwargs, which --extra-body sets to something other than an object",
    ),
    # marks
    *(
        (
            [URL, f"--pass-mark={mark}"],
            f"--pass-mark: '{mark}' is not a score from 0 to 100, such as 50 or Q6=100",
        )
        for mark in ("half", "-1", "101", "nan", "Q6=", "Q6=101", "")
    ),
    ([URL, "--pass-mark=Q9=50"], "--pass-mark: unknown question 'q9': choose from Q1,Q2,Q3,Q4,Q5,Q6"),
]


@pytest.mark.parametrize(
    ("arguments", "complaint"), MISTAKES, ids=[" ".join(given)[:60] for given, _ in MISTAKES]
)
def test_mistake_is_named(read, arguments, complaint):
    with pytest.raises(pytest.UsageError) as raised:
        read(*arguments)
    assert str(raised.value).startswith(complaint)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 200


def test_mistyped_url_with_a_password_is_not_repeated(read):
    with pytest.raises(pytest.UsageError) as raised:
        read("--model-url=htp://me:pass-word-1@host/v1")
    assert "--model-url: htp:... is not an http or https URL" in str(raised.value)


def test_key_that_no_header_can_carry_is_refused_and_not_repeated(read, monkeypatch):
    monkeypatch.setenv("QCAL_MODEL_KEY", "sk-0123\n456")
    with pytest.raises(
        pytest.UsageError, match=r"^--model-key-env QCAL_MODEL_KEY: the key holds characters no header"
    ):
        read(URL)


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        (b"Grade $answer", "$key_points is missing, so there is nothing to grade by"),
        (b"$key_points", "$answer (or $verbatim_answer) is missing, so there is nothing to grade"),
        (b"$key_points $answer $grade", "unknown $grade"),
        (b"\xff\xfe$key_points", "can't decode"),
    ],
)
def test_judge_template_that_cannot_work_is_refused(read, tmp_path, template, complaint):
    file = tmp_path / "template.txt"
    file.write_bytes(template)
    with pytest.raises(pytest.UsageError, match=re.escape(complaint)):
        read(URL, JUDGE, f"--judge-template={file}")


# --- what is understood ---


def test_defaults_are_the_protocols(read):
    config = read(URL)
    assert (16384, 0.0, {}) == (config.max_tokens, config.temperature, config.requests.extra_body)
    assert (32, 16, 5, 900.0) == (
        config.concurrency,
        config.judge_concurrency,
        config.retries,
        config.request_timeout_s,
    )
    assert "nvidia/QCalEval" == config.dataset
    assert {} == config.pass_marks


def test_one_judge_url_serves_all_judge_models(read):
    judges = read(URL, JUDGE, "--judge-model=a", "--judge-model=b").judges
    assert [("http://localhost:8001/v1", "a"), ("http://localhost:8001/v1", "b")] == [
        (judge.target.public_url, judge.model) for judge in judges
    ]


def test_judge_urls_and_models_pair_in_order(read):
    judges = read(URL, JUDGE, "--judge-url=http://other/v1", "--judge-model=a", "--judge-model=b").judges
    assert [("http://localhost:8001/v1", "a"), ("http://other/v1", "b")] == [
        (judge.target.public_url, judge.model) for judge in judges
    ]


def test_judge_urls_without_models_take_what_they_list(read):
    assert [None, None] == [judge.model for judge in read(URL, JUDGE, "--judge-url=http://other/v1").judges]


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        (["50"], dict.fromkeys(Question, 50.0)),
        (["Q6=100"], {Question.Q6: 100.0}),
        (["q5,Q6=0"], {Question.Q5: 0.0, Question.Q6: 0.0}),
        (["Q6=100", "50"], dict.fromkeys(Question, 50.0) | {Question.Q6: 100.0}),
    ],
)
def test_pass_marks_are_for_all_questions_or_for_one_which_wins(read, marks, expected):
    assert expected == read(URL, *(f"--pass-mark={mark}" for mark in marks)).pass_marks


def test_empty_model_name_means_none_was_given(read):
    """As from a shell variable that is not set."""
    assert read(URL, "--model=").model.model is None


# --- endpoints ---


def test_refused_connection(mistake):
    url = f"http://127.0.0.1:{free_port()}/v1"
    assert mistake(f"--model-url={url}") == (
        f"--model-url {url}: no connection ([Errno 111] Connection refused); "
        "is the server running, and are host and port right?"
    )


def test_unknown_host(mistake):
    complaint = mistake("--model-url=http://no-such-host.invalid/v1")
    assert complaint.startswith("--model-url http://no-such-host.invalid/v1: no connection (")


def test_judge_that_is_not_there_is_named_as_judge(mistake, endpoint):
    url = f"http://127.0.0.1:{free_port()}/v1"
    complaint = mistake(f"--model-url={endpoint.base_url}", f"--judge-url={url}", "--judge-model=judge-a")
    assert complaint.startswith(f"--judge-url {url}: no connection (")


def test_url_that_leads_nowhere(mistake, endpoint):
    complaint = mistake(f"--model-url={endpoint.base_url}/nowhere", "--model=model-a")
    assert complaint == (
        f"--model-url {endpoint.base_url}/nowhere: no list of models (HTTP 404: 404: Not Found); "
        f"did you mean --model-url {endpoint.base_url}?"
    )


@pytest.mark.parametrize("spelled", ["http://127.0.0.1:{port}", "https://127.0.0.1:{port}/v1"], ids=str)
def test_obvious_neighbours_are_tried_and_named(mistake, endpoint, spelled):
    url = spelled.format(port=endpoint.port)
    assert mistake(f"--model-url={url}", "--model=model-a").endswith(
        f"; did you mean --model-url {endpoint.base_url}?"
    )
    assert [] == endpoint.requests


def test_wrong_port_on_this_machine(mistake, endpoint, monkeypatch):
    monkeypatch.setattr("qcal_plugin.session.neighbours.USUAL_PORTS", (endpoint.port,))
    complaint = mistake(f"--model-url=http://127.0.0.1:{free_port()}/v1")
    assert complaint.endswith(f"Connection refused); did you mean --model-url {endpoint.base_url}?")


def test_key_is_not_shown_to_neighbours(mistake, endpoint, monkeypatch):
    monkeypatch.setenv("QCAL_MODEL_KEY", "sk-0123456789")
    seen = []

    class Lists(Raw):
        async def respond(self, http_request, model):
            seen.append(http_request.headers.get("Authorization"))
            return await super().respond(http_request, model)

    endpoint.models = Lists(b'{"data": []}')
    assert "did you mean" in mistake(f"--model-url=http://127.0.0.1:{endpoint.port}", "--model=model-a")
    assert [None] == seen


def test_server_with_neither_models_nor_chat_completions_gets_no_images(mistake, endpoint):
    """The server refuses twice; a run would have sent dozens of images only to be refused."""
    endpoint.models = error(404, "no route for GET models")
    complaint = mistake(f"--model-url={endpoint.base_url.removesuffix('/v1')}/v2", "--model=model-a")
    assert (
        "no list of models (HTTP 404: 404: Not Found), and no chat completions either; check the URL"
        in complaint
    )
    assert [] == endpoint.requests


def test_server_without_a_list_of_models_is_asked_with_its_own_words_as_a_note(quick, endpoint, tiny_folder):
    endpoint.models = error(404, "no route for GET models")
    result = quick.run(
        *("--model-url", endpoint.base_url, "--model=model-a", "--dataset", str(tiny_folder)),
        *("--limit=1", "--questions=Q6", "--modes=zeroshot"),
    )
    assert "no list of models (HTTP 404: no route for GET models); asking for 'model-a' anyway" in result.out
    assert 1 == len(endpoint.requests)


def test_missing_key(mistake, endpoint):
    endpoint.models = error(401, "No key, no answer.")
    assert mistake(f"--model-url={endpoint.base_url}", "--model=model-a") == (
        f"--model-url {endpoint.base_url}: HTTP 401: it requires a key: export QCAL_MODEL_KEY, "
        "or name another variable with --model-key-env (No key, no answer.)"
    )


def test_refused_key_is_named_by_its_variable_and_not_repeated(mistake, endpoint, monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-0123456789")
    endpoint.models = error(401, "Incorrect API key provided: sk-0123456789.")
    assert mistake(f"--model-url={endpoint.base_url}", "--model-key-env=MY_KEY") == (
        f"--model-url {endpoint.base_url}: HTTP 401: the key in MY_KEY is refused (Incorrect API key provided: [key].)"
    )


def test_several_models_and_none_named(mistake, endpoint):
    endpoint.models = ("model-a", "model-b")
    assert mistake(f"--model-url={endpoint.base_url}") == (
        f"--model-url {endpoint.base_url}: name the model with --model; listed there: model-a, model-b"
    )


@pytest.mark.parametrize(
    "listed", [Raw(b"<html>"), Raw(b'{"data": "models"}'), Raw(b"[" * 100_000), Raw(b"[1]")], ids=repr
)
def test_malformed_list_of_models(mistake, endpoint, listed):
    endpoint.models = listed
    assert "no list of models (HTTP 200); name the model with --model" in mistake(
        f"--model-url={endpoint.base_url}"
    )


def test_model_that_the_server_does_not_list_is_used_with_a_note(quick, endpoint, tiny_folder):
    """Servers differ: the name to send is not always the one that is listed."""
    result = quick.run(
        *("--model-url", endpoint.base_url, "--model=model-b", "--dataset", str(tiny_folder)),
        *("--limit=1", "--questions=Q6", "--modes=zeroshot"),
    )
    assert 0 == result.exit_status, result.out
    assert (
        "does not list 'model-b' (listed: model-a); asking for it anyway; did you mean model-a?" in result.out
    )
    assert ["model-b"] == [request.model for request in endpoint.requests]


@pytest.mark.parametrize(
    ("status", "message"),
    [(404, "The model model-b does not exist."), (401, "This key may not use model-b.")],
)
def test_model_that_is_refused_stops_the_run_at_once(quick, endpoint, tiny_folder, status, message):
    assert_model_is_refused(quick, endpoint, tiny_folder, status, message)


def test_model_that_is_refused_stops_all_workers(inner, endpoint, tiny_folder):
    assert_model_is_refused(inner, endpoint, tiny_folder, 404, "The model model-b does not exist.", "-n2")


def assert_model_is_refused(session, endpoint, folder, status, message, *options):
    """Two requests are in flight when the first refusal arrives; 70 are never sent."""
    endpoint.models = ("model-a", "model-b")
    endpoint.script = always(error(status, message))
    url = ("--model-url", endpoint.base_url, "--model=model-b")
    result = session.run(*url, "--dataset", str(folder), "--concurrency=2", *options)
    assert 2 == result.exit_status, result.out
    assert 2 >= len(endpoint.requests)
    assert f"qcal: stopped asking: {endpoint.base_url} refuses: HTTP {status}: {message}" in result.out
    assert "Traceback" not in result.out
    assert "72 of 72 items not measured" in result.out


# --- datasets ---


def test_dataset_that_is_not_there(mistake, endpoint, tmp_path):
    complaint = mistake(f"--model-url={endpoint.base_url}", folder=tmp_path / "absent")
    assert complaint.startswith(
        f"dataset {tmp_path / 'absent'}: no such folder. Give a folder, a Hub id such as"
    )


def test_dataset_that_cannot_be_read(mistake, endpoint, tiny_folder):
    (tiny_folder / "experiment_config.json").write_text("{")
    complaint = mistake(f"--model-url={endpoint.base_url}")
    assert "experiment_config.json" in complaint
    assert 0 == len(endpoint.requests)


def test_selection_of_nothing(mistake, endpoint):
    complaint = mistake(f"--model-url={endpoint.base_url}", "--modes=icl", "--questions=Q1")
    assert complaint.startswith("nothing to ask: 8 samples have no item for modes icl and questions Q1")


# --- folders ---


def test_resume_without_a_run(mistake, endpoint):
    assert "--resume: no earlier run is known here; name its folder with --run-dir" == mistake(
        f"--model-url={endpoint.base_url}", "--resume", run_dir=None
    )
    assert "--resume: no run in run; leave it out to start one there" == mistake(
        f"--model-url={endpoint.base_url}", "--resume"
    )


def test_folder_that_holds_a_run(mistake, quick, endpoint, tiny_folder):
    url = f"--model-url={endpoint.base_url}"
    quick.run(url, "--dataset", str(tiny_folder), "--limit=1", "--questions=Q6")
    asked = len(endpoint.requests)

    complaint = mistake(url)
    assert "run already holds a run: add --resume to continue it, or choose another --run-dir" == complaint
    other = mistake(url, "--resume", "--max-tokens=5")
    assert "run is another run: max_tokens was 16384, is now 5; choose another --run-dir" == other
    assert asked == len(endpoint.requests)


def test_folder_that_is_a_file(mistake, endpoint):
    complaint = mistake(f"--model-url={endpoint.base_url}", run_dir="pytest.ini")
    assert "pytest.ini: File exists; choose another --run-dir" == complaint


def test_answers_of_no_run(mistake):
    assert "--answers elsewhere: no run there (no run.json)" == mistake("--answers=elsewhere")


# --- sessions ---


@pytest.mark.parametrize("options", [(), ("-n2",), ("--limit=1",)], ids=str)
def test_no_model_to_ask(mistake, options):
    assert (
        "no model to ask: add --model-url http://localhost:8000/v1, or --demo to try it without one"
        == mistake(*options)
    )


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["-n2", "--dist=each"], "--dist=each runs every item on each worker; use --dist=load"),
        (
            ["-d", "--tx=ssh=me@host"],
            "--tx ssh=me@host: a worker on another machine cannot reach this run's engine; ",
        ),
        (
            ["-d", "--tx=popen", "--tx=socket=host:1"],
            "--tx socket=host:1: a worker on another machine cannot reach",
        ),
    ],
    ids=str,
)
def test_distribution_that_cannot_reach_the_engine(mistake, endpoint, options, complaint):
    assert mistake(f"--model-url={endpoint.base_url}", *options).startswith(complaint)
    assert 0 == endpoint.model_list_requests


def test_mistake_under_xdist_is_reported_once_by_the_controller(mistake):
    url = f"http://127.0.0.1:{free_port()}/v1"
    assert mistake(f"--model-url={url}", "-n2").startswith(f"--model-url {url}: no connection (")


def test_mistake_in_a_look_at_the_collection(mistake, quick, tmp_path):
    assert "--questions: unknown question 'q7': choose from Q1,Q2,Q3,Q4,Q5,Q6" == mistake(
        "--co", "--questions=Q7"
    )
    absent = quick.run("--co", "--dataset", str(tmp_path / "absent"))
    assert 2 == absent.exit_status
    assert "absent: no such folder" in absent.out
    assert "Traceback" not in absent.out


def test_whole_processes_complain_the_same_way(inner, tiny_folder):
    """The sessions above run in this process; the real command ends in the same way."""
    result = inner.run(f"--model-url=http://127.0.0.1:{free_port()}/v1", "--dataset", str(tiny_folder), "-n2")
    assert USAGE_ERROR == result.exit_status
    assert 1 == len(result.out.strip().splitlines()), result.out
    assert "is the server running, and are host and port right?" in result.out


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(404, "check the model's name and the URL"), (401, "check the key: --model-key-env")],
)
def test_a_refusal_at_the_first_request_says_what_to_do(quick, endpoint, tiny_folder, status, remedy):
    endpoint.script = always(error(status, "no"))

    result = quick.run("--model-url", endpoint.base_url, "--dataset", str(tiny_folder), "--no-html", "-q")

    assert f"refuses: HTTP {status}: no; {remedy}" in result.out
    assert "Traceback" not in result.out
