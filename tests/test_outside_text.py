"""What models, servers, datasets and files say reaches no terminal, log, summary or annotation as a command."""

import json
import re
from dataclasses import replace

import pytest

from qcal_plugin.command import doctor
from reports.__main__ import main as reports
from reports.records.plain_text import log_line, log_text
from reports.records.records import Answer, Run
from tests.dataset_factory import tiny_dataset
from tests.endpoint import Raw, Reply
from tests.run_factory import failed, manifest, planned_item, scored, write_run
from tests.scripts import always, by_model, error

pytest_plugins = ["pytester"]

HOSTILE = (
    "x\n::set-output name=a::b\r::error::c\u2028::warning::d\x85::notice::e\n  ::add-mask::f\x1b[31mred\x1b]0;t\x07"
    " ##[error]g ##vso[task.complete]h ##teamcity[i] \u202e\x9b2J ::debug::"
)
LINE_ENDS = re.compile("[\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]")


def commands(text):
    """Lines that a CI would act on, and characters that would move a cursor; annotations of gates are meant."""
    lines = [line.strip() for line in LINE_ENDS.split(text)]
    meant = re.compile(r"::(error|warning|notice) title=QCalEval gate%3A [A-Za-z ]+::")
    taken = [line for line in lines if line.startswith("::") and not meant.match(line)]
    taken += [line for line in lines if re.search(r"##(\[|vso\[|teamcity\[)", line)]
    return taken + [repr(char) for char in text if not char.isprintable() and char not in "\n\t"]


@pytest.mark.parametrize("text", [HOSTILE, "::error::a", "\t::error::a", "a ##[error]b"])
def test_one_function_disarms_them_all(text):
    assert commands(text)
    assert [] == commands(log_text(text)) == commands(log_line(text))
    assert "\n" not in log_line(text)


def test_usual_text_stays_as_it_is():
    text = "tests/test_a.py::test_b[x] a::b\n  # ## heading\n\tT1 = 5 µs"
    assert text == log_text(text)


@pytest.fixture
def summary(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    return tmp_path / "summary.md"


def everything(result, summary):
    """All that people and CIs read of a session."""
    files = [result.run_dir / name for name in ("report.md", "summary.md")] + [summary]
    return "\n".join([result.out, *(file.read_text() for file in files if file.exists())])


@pytest.mark.parametrize(
    "script",
    [
        always(Reply(HOSTILE, reasoning=HOSTILE, finish_reason=HOSTILE)),
        always(Reply(None, finish_reason=HOSTILE)),
        always(error(400, HOSTILE)),
        always(error(401, HOSTILE)),
        always(Raw(HOSTILE.encode(), status=422, headers={"Content-Type": "text/plain"})),
        always(Raw(HOSTILE.encode())),
        always(Raw(json.dumps({"error": {"code": HOSTILE, "message": HOSTILE, "param": HOSTILE}}).encode())),
        by_model({"judge-a": always(Reply(HOSTILE)), HOSTILE: always(Reply("Status: SUCCESS"))}),
        always(Raw(b"", status=301, headers={"Location": "http://elsewhere/%0A::error::"})),
    ],
    ids=["answer", "no answer", "400", "401", "text", "not JSON", "error in reply", "judge", "redirect"],
)
def test_a_run_against_a_hostile_server(quick, endpoint, tiny_folder, summary, script):
    endpoint.models, endpoint.script = (HOSTILE,), script
    options = ["--model-url", endpoint.base_url, "--dataset", str(tiny_folder), "--limit=1", "--retries=0"]
    judge = ["--judge-url", endpoint.base_url, "--judge-model=judge-a"]
    result = quick.run(*options, *judge, "--questions=Q3,Q6", "-rA", "-v")
    assert "set-output" in result.out
    assert [] == commands(everything(result, summary))


@pytest.mark.parametrize(
    "models",
    [
        (HOSTILE, f"{HOSTILE}2"),
        error(401, HOSTILE),
        Raw(HOSTILE.encode(), status=500),
        Raw(f"<title>{HOSTILE}</title>".encode(), headers={"Content-Type": "text/html"}),
        Raw(json.dumps({"data": [{"id": HOSTILE}], "object": HOSTILE}).encode()),
    ],
    ids=["two", "401", "500", "page", "one"],
)
def test_the_first_question_to_a_hostile_server(quick, endpoint, tiny_folder, models, capsys):
    endpoint.models = models
    result = quick.run(
        "--model-url", endpoint.base_url, "--dataset", str(tiny_folder), "--limit=1", "--questions=Q6"
    )
    assert [] == commands(result.out)
    doctor.main(["--model-url", endpoint.base_url])
    said = capsys.readouterr()
    assert [] == commands(said.out + said.err)


def test_the_doctor_and_a_hostile_answer(endpoint, capsys):
    headers = {"x-ratelimit-limit": "1 ::error::\u0085x".encode("latin-1", "replace").decode("latin-1")}
    endpoint.models = (HOSTILE,)
    for script in (
        Raw(Reply(HOSTILE, finish_reason=HOSTILE).body(HOSTILE), headers=headers),
        error(400, HOSTILE),
    ):
        endpoint.script = always(script)
        doctor.main(["--model-url", endpoint.base_url])
        said = capsys.readouterr()
        assert "set-output" in said.out
        assert [] == commands(said.out + said.err)


def test_a_run_on_a_hostile_dataset(quick, endpoint, summary):
    dataset = tiny_dataset()
    for row in dataset.samples:
        row["experiment_background"] = row["q2_answer"] = HOSTILE
        row["q6_answer"] = f"Status: {HOSTILE}"
    folder = dataset.write(quick.folder / "hostile")
    asking = ["--model-url", endpoint.base_url, "--limit=2"]
    result = quick.run(*asking, "--dataset", str(folder), "--questions=Q2,Q6", "-v")
    assert [] == commands(everything(result, summary))
    for row in dataset.samples:
        row["experiment_family"] = row["experiment_type"] = HOSTILE
        row["id"] += HOSTILE
    folder = dataset.write(quick.folder / "worse")
    result = quick.run(*asking, "--dataset", str(folder), run_dir="worse-run")
    assert [] == commands(result.out)
    assert [] == commands(quick.run("--list=families", "--dataset", str(folder), run_dir=None).out)


# --- run directories that somebody sent ---


def hostile_run(folder, text=HOSTILE):
    """Every free text of a run, hostile."""
    items = [
        planned_item(f"{number}{text}", question, family=text, scenario=text)
        for number in range(4)
        for question in ("Q2", "Q6")
    ]
    answer = Answer(
        text=text, finish_reason=text, served_model=text, fingerprint=text, provider=text, reasoning=text
    )
    records = [
        scored(item, 0.5, extracted=text, expected=text, answer=answer, flags=(text,)) for item in items[:6]
    ]
    records += [failed(item, kind=text, message=text) for item in items[6:]]
    made = manifest(items)
    texts = dict.fromkeys(("run_id", "model", "base_url", "dataset", "dataset_revision", "started_at"), text)
    judges = tuple(replace(judge, model=text, base_url=text) for judge in made.judges)
    made = replace(
        made, **texts, judges=judges, settings={text: text}, dataset_warnings=(text,), stand_ins=(text,)
    )
    write_run(Run(manifest=made, records=tuple(records)), folder)
    (folder / "deviations.json").write_text(json.dumps({"deviations": [text], "changes": {}}))
    canary = {"schema_version": 1, "answers": [], "judges": [{"judge": text, "agreement": 0.5}]}
    (folder / "canary.json").write_text(json.dumps(canary))
    return folder


@pytest.mark.parametrize(
    "arguments",
    ["RUN", "RUN --full", "compare RUN OTHER", "merge RUN OTHER --out OUT", "gate RUN --gate GATE"],
)
def test_the_reports_of_a_hostile_run(tmp_path, capsys, summary, arguments):
    run, other = hostile_run(tmp_path / "run"), hostile_run(tmp_path / "other", f"other {HOSTILE}")
    gate = tmp_path / "gate.toml"
    gate.write_text(f'[[gate]]\nmetric = "zeroshot.Q6"\nfamily = {json.dumps(HOSTILE)}\nmin = 90\n')
    places = {"RUN": run, "OTHER": other, "OUT": tmp_path / "out", "GATE": gate}
    reports([str(places.get(argument, argument)) for argument in arguments.split()])
    said = capsys.readouterr()
    written = [file.read_text() for file in [*tmp_path.rglob("*.md")]]
    assert "set-output" in said.out + said.err
    assert [] == commands("\n".join([said.out, said.err, *written]))


def test_a_field_that_is_refused_is_named_without_its_commands(tmp_path, capsys):
    folder = hostile_run(tmp_path / "run")
    for name, content in (
        ("run.json", {HOSTILE: 1}),
        ("canary.json", {"judges": [{"judge": 1, HOSTILE: 2}]}),
    ):
        saved = (folder / name).read_text()
        (folder / name).write_text(json.dumps(content))
        assert 2 == reports([str(folder)])
        (folder / name).write_text(saved)
    assert 2 == reports([str(tmp_path / HOSTILE.replace("/", ""))])
    said = capsys.readouterr()
    assert [] == commands(said.out + said.err)
