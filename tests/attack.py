"""Seeded attacks on a run's files and on the commands that read them: cuts, mutations, links, injections.

python -m tests.attack                         # all attacks; writes the figures into docs/reliability.md
python -m tests.attack --seed 7 --number 50    # other attacks, printed only
"""

import argparse
import contextlib
import importlib.util
import io
import itertools
import json
import os
import random
import re
import shutil
import sys
import tempfile
import traceback
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from qcal_plugin.engine.journal import AnswerJournal, JournalError
from qcal_plugin.session.directory import RunDirectoryError, read_manifest
from qcal_plugin.session.recording import Recorder
from qcal_plugin.session.stored import StoredAnswersError, load_stored_answers
from reports.__main__ import main as reports
from reports.records.floors import Floor
from reports.records.lines import sealed
from reports.records.records import Answer, JudgeIdentity, Verdict, manifest_to_json, record_to_json
from reports.records.run_files import RunFileError, load_run
from scoring.attacks import ATTACKS, attacked
from scoring.canary import load_canary
from scoring.suspicions import suspicious
from tests.dataset_factory import tiny_dataset
from tests.endpoint import Endpoint
from tests.inner_run import InnerPytest, InnerResult
from tests.kill_and_resume import options, script
from tests.run_factory import failed, manifest, planned_item, scored

DOCUMENT = Path(__file__).parents[1] / "docs" / "reliability.md"
BEGIN, END = "<!-- attack: begin -->\n", "<!-- attack: end -->\n"
EVERY_FIELD = 430
"""Mutations that touch each field of the run at least once."""
SECRET = "what only the owner of this machine may read"
LOG_COMMAND = "x\n::error::y\r::set-output name=a::b\u2028::warning::c\x1b[31m ##[error]d"
HOSTILE = (
    *(None, True, -1, 0, 1.5, 1e308, 2**63, 10**400, "", "x", LOG_COMMAND, "../../etc/passwd", "/etc/passwd"),
    *(
        [],
        {},
        [None],
        {"": None},
        [[[[[[[[]]]]]]]],
        "\0",
        "\u202e",
        "1e999",
        "NaN",
        "<script>alert(1)</script>",
    ),
    *("=1+1", "a" * 10_000),
)
RAW = (
    "1e999",
    "-1e999",
    "NaN",
    "Infinity",
    '"\\ud800"',
    "[" * 2000 + "]" * 2000,
    "1" * 5000,
    "nul",
    '"\\x"',
    "{",
    "",
)
JSON_FILES = ("run.json", "canary.json", "deviations.json", "report.json")
LINE_FILES = ("records.jsonl", "answers.jsonl", "samples.jsonl")
ISLANDS = ("data", "plots")
"""What report.html holds as JSON; a site packs it."""
INSPECT = ("inspect",) if importlib.util.find_spec("inspect_ai") else ()
COMMANDS = (
    ("leaderboard", "RUN", "WHOLE", "--out", "SITE"),
    ("RUN",),
    ("RUN", "--full"),
    ("compare", "RUN", "WHOLE"),
    ("merge", "RUN", "--out", "OUT"),
    ("gate", "RUN", "--gate", "GATE"),
    *(
        ("export", "RUN", "--format", kind, "--out", "FILE")
        for kind in ("csv", "parquet", "inference", "judged", "evalscope", *INSPECT)
    ),
)
LINE_ENDS = re.compile("[\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]")


def holds_commands(said: str) -> bool:
    """Return whether an output contains a command for a CI or a terminal."""
    lines = [line.strip() for line in LINE_ENDS.split(said)]
    return any(line.startswith("::") or "##[" in line for line in lines) or "\x1b" in said


def make_run(folder: Path) -> Path:
    """Make a complete run, with stored answers, judges, a canary, samples and deviations."""
    folder.mkdir(parents=True)
    items = [
        planned_item(f"drag_success_{name}", question)
        for name in "abcdefgh"
        for question in ("Q2", "Q3", "Q6")
    ]
    verdict = Verdict(judge="judge-a", reply="[1]", grades=(1.0,))
    records = [
        scored(
            item,
            (place % 3) / 2,
            answer=Answer(text=f"Status: {place}", finish_reason="stop", reasoning="thought"),
            verdicts=(verdict,) if item.key.question == "Q3" else (),
            extracted={"a": [1.5]},
            expected="SUCCESS",
            request_sha256=f"{place:064x}",
            floors={Floor.CONSTANT: 0.5} if item.key.question == "Q2" else {},
            flags=("truncated",),
        )
        for place, item in enumerate(items[:-2])
    ]
    records += [failed(item) for item in items[-2:]]
    settings = {
        "max_tokens": 16384,
        "temperature": 0.0,
        "extra_body": {"top_p": 0.5},
        "judge_max_tokens": 4096,
    }
    made = replace(
        manifest(items, settings=settings), judges=(JudgeIdentity(model="judge-a", base_url="http://h/v1"),)
    )
    (folder / "run.json").write_text(json.dumps(manifest_to_json(made)))
    (folder / "records.jsonl").write_bytes(b"".join(sealed(record_to_json(record)) for record in records))
    journal = AnswerJournal(folder / "answers.jsonl")
    for record in records[:-2]:
        journal.add_answer(record.key, record.request_sha256, record.answer)
    journal.add_verdict(records[1].key, "f" * 64, verdict)
    journal.close()
    canary = {"judges": [{"judge": "judge-a", "agreement": 0.9, "grades": [[1.0]], "gullibility": 0.1}]}
    (folder / "canary.json").write_text(json.dumps(canary | {"answers": [{"name": "a", "known": [1]}]}))
    (folder / "deviations.json").write_text(
        json.dumps({"deviations": ["model: no temperature"], "changes": {}})
    )
    text, picture = {"text": "What?"}, {"image": "ab" * 32}
    sheet = {
        "sample_id": "drag_success_a",
        "plots": ["ab" * 32],
        "prompts": {"zeroshot": {"Q6": [text, picture]}},
        "answers": {"zeroshot": {"Q6": "Status: SUCCESS"}},
        "key_points": {"Q3": ["a"]},
    }
    (folder / "samples.jsonl").write_text(json.dumps(sheet) + "\n")
    (folder / "plots").mkdir()
    (folder / "plots" / f"{'ab' * 32}.png").write_bytes(b"not a picture")
    with contextlib.redirect_stdout(io.StringIO()):
        reports([str(folder)])
    (folder / "report.json").write_text(json.dumps({"gates": {"verdict": "PASS", "gates": []}}))
    return folder


class Bench:
    """A complete run to copy, a victim's file next to it, and the findings: attacks that had an effect."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.whole = make_run(folder / "whole")
        self.run = load_run(self.whole)
        self.victim = folder / "victim.txt"
        self.victim.write_text(SECRET)
        self.gate = folder / "gate.toml"
        self.gate.write_text('[[gate]]\nmetric = "zeroshot.Q6"\nmin = 60\n')
        self.findings: list[str] = []
        self._number = itertools.count()

    def copy(self) -> Path:
        shutil.rmtree(self.folder / "copies", ignore_errors=True)
        return Path(shutil.copytree(self.whole, self.folder / "copies" / f"{next(self._number)}"))

    def command(self, run: Path, words: tuple[str, ...]) -> tuple[int | None, str]:
        """Return exit status and output; None after a traceback, which is a finding."""
        out = run.parent / f"{run.name}-out"
        places = {
            "RUN": run,
            "WHOLE": self.whole,
            "OUT": out,
            "SITE": out.with_suffix(".site"),
            "FILE": out.with_suffix(".json"),
            "GATE": self.gate,
        }
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                return reports([str(places.get(word, word)) for word in words]), said.getvalue()
        except Exception:  # noqa: BLE001 - any is a finding
            return None, said.getvalue() + traceback.format_exc(limit=-3)

    def judged(self, run: Path, words: tuple[str, ...], what: str) -> str:
        """Return whether a command did its work or refused; anything else is a finding."""
        status, said = self.command(run, words)
        if status not in {0, 1, 2, 10, 11}:
            self.findings.append(f"{what}: {' '.join(words)}: traceback\n{said}")
            return "traceback"
        if SECRET in said or self.victim.read_text() != SECRET:
            self.findings.append(f"{what}: {' '.join(words)}: the victim's file was shown or changed")
            return "victim"
        if holds_commands(said):
            self.findings.append(f"{what}: {' '.join(words)}: a command in the log: {said!r}")
            return "log command"
        return "refused" if status == 2 else "done"


# --- cuts ------------------------------------------------------------------------------------------------------------


def cut(content: bytes, rng: random.Random) -> tuple[str, bytes]:
    """Return the content after one accident of a disk or a copy."""
    start = rng.randrange(len(content))
    kind = rng.choice(
        ["end lost", "block lost", "block of zeros", "block twice", "byte changed", "lines swapped"]
    )
    match kind:
        case "end lost":
            return kind, content[:start]
        case "block lost":
            return kind, content[:start] + content[start + 512 :]
        case "block of zeros":
            return kind, content[:start] + b"\0" * len(content[start : start + 512]) + content[start + 512 :]
        case "block twice":
            return kind, content[: start + 512] + content[start:]
        case "byte changed":
            return kind, content[:start] + bytes([content[start] ^ rng.randrange(1, 256)]) + content[
                start + 1 :
            ]
        case _:
            lines = content.splitlines(keepends=True)
            rng.shuffle(lines)
            return kind, b"".join(lines)


def cuts(bench: Bench, rng: random.Random, number: int) -> Counter[str]:
    """Cut records and answers: everything that is read afterwards must be as it was written."""
    counts: Counter[str] = Counter()
    records = set(map(repr, bench.run.records))
    answers = {record.key: record.answer for record in bench.run.records if record.answer is not None}
    for _ in range(number):
        name, run = rng.choice(LINE_FILES[:2]), bench.copy()
        kind, content = cut((run / name).read_bytes(), rng)
        (run / name).write_bytes(content)
        counts["cuts"] += 1
        try:
            loaded = load_run(run)
            changed = {repr(record) for record in loaded.records} - records
            journal = AnswerJournal(run / "answers.jsonl")
            Recorder(run / "records.jsonl", outcome=lambda _: None).close()
            stored = {
                record.key: journal.answer(record.key, record.request_sha256) for record in bench.run.records
            }
            journal.close()
            wrong = [key for key, answer in stored.items() if answer is not None and answer != answers[key]]
        except (RunFileError, JournalError):
            counts["refused"] += 1
            continue
        if changed or wrong:
            counts["unnoticed changes"] += 1
            bench.findings.append(f"{kind} in {name}: {changed or wrong}")
        counts["told"] += bool(
            loaded.damaged_lines or loaded.torn_lines or journal.damaged_lines or journal.torn_bytes
        )
    return counts


# --- mutations -------------------------------------------------------------------------------------------------------


def places(data, path=()):
    """Yield every place in JSON data, as a path."""
    entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in entries:
        yield (*path, key)
        yield from places(value, (*path, key))


def mutated(data, path, rng: random.Random) -> str:
    """Return the data as JSON text with another value at a place, which may be one that JSON does not allow."""
    marker = "@@here@@"
    changed = json.loads(json.dumps(data))
    place = changed
    for key in path[:-1]:
        place = place[key]
    if rng.random() < 0.1 and isinstance(place, dict):
        del place[path[-1]]
        return json.dumps(changed)
    value = rng.choice([*HOSTILE, *map(Raw, RAW)])
    place[path[-1]] = marker if isinstance(value, Raw) else value
    return json.dumps(changed).replace(f'"{marker}"', value.text if isinstance(value, Raw) else "")


class Raw:
    """Text that replaces a value."""

    def __init__(self, text: str) -> None:
        self.text = text


def fields_of(run: Path) -> list[tuple[str, int, tuple]]:
    """List every field of every file of a run: file, line (of the last three), path. Islands are in report.html."""
    fields = [
        (name, 0, path)
        for name in JSON_FILES
        if (run / name).exists()
        for path in places(json.loads((run / name).read_text()))
    ]
    if (run / "report.html").exists():
        page = (run / "report.html").read_text()
        fields += [
            (name, 0, path)
            for name in ISLANDS
            for path in places(json.loads(island(page, name)[1]))
            if path[0] != "items" or path[1:2] in {(), (0,)}
        ]
    for name in filter(lambda name: (run / name).exists(), LINE_FILES):
        for line, text in enumerate((run / name).read_text().splitlines()[-3:]):
            fields += [(name, line, path) for path in places(json.loads(text)) if path != ("crc",)]
    return fields


def mutate(run: Path, field: tuple[str, int, tuple], rng: random.Random) -> str:
    """Give a field of a run another value and update the checksum; return the field's name."""
    name, line, path = field
    if name in JSON_FILES:
        (run / name).write_text(mutated(json.loads((run / name).read_text()), path, rng))
    elif name in ISLANDS:
        before, data, after = island((run / "report.html").read_text(), name)
        (run / "report.html").write_text(before + mutated(json.loads(data), path, rng) + after)
    else:
        lines = (run / name).read_bytes().splitlines(keepends=True)
        data = json.loads(lines[-3:][line])
        data.pop("crc", None)
        body = mutated(data, path, rng).encode("utf-8", "surrogatepass")
        lines[len(lines) - len(lines[-3:]) + line] = reseal(body)
        (run / name).write_bytes(b"".join(lines))
    return f"{name}, {'.'.join(map(str, path))}"


def mutations(bench: Bench, rng: random.Random, number: int, commands=COMMANDS) -> Counter[str]:
    """Mutate fields and update the checksums: every command does its work or refuses in one line."""
    counts: Counter[str] = Counter()
    fields = fields_of(bench.whole)
    rng.shuffle(fields)
    for field in itertools.islice(itertools.cycle(fields), number):
        run = bench.copy()
        what = mutate(run, field, rng)
        counts["fields"] += 1
        for words in commands:
            counts[bench.judged(run, words, what)] += 1
        readers(bench, run, what, counts)
    return counts


def island(page: str, name: str) -> tuple[str, str, str]:
    """Return the text before a page's JSON of that name, the JSON, and the text after it."""
    before, opening, rest = page.partition(f'id="{name}">')
    data, closing, after = rest.partition("</script>")
    return before + opening, data, closing + after


def reseal(body: bytes) -> bytes:
    """Return the line with a correct checksum, as a forger would write it."""
    open_body = body[:-1]
    return b'%s,"crc":"%08x"}\n' % (open_body, zlib.crc32(open_body))


def readers(bench: Bench, run: Path, what: str, counts: Counter[str]) -> None:
    """Read a run as a session does for --resume and --answers."""
    for read in (
        lambda: read_manifest(run),
        lambda: load_stored_answers(run),
        lambda: AnswerJournal(run / "answers.jsonl").close(),
        lambda: Recorder(run / "records.jsonl", outcome=lambda _: None).close(),
    ):
        try:
            read()
            counts["done"] += 1
        except (RunDirectoryError, StoredAnswersError, JournalError):
            counts["refused"] += 1
        except Exception:  # noqa: BLE001 - any is a finding
            counts["traceback"] += 1
            bench.findings.append(f"{what}: a session's reader: traceback\n{traceback.format_exc(limit=-3)}")


# --- live runs -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sessions:
    """Real sessions, one after the other, against an endpoint that answers at once."""

    inner: InnerPytest
    arguments: tuple[str, ...]

    def run(self, run_dir: str, *more: str) -> InnerResult:
        return self.inner.run(*self.arguments, *more, run_dir=run_dir)


def resumes(bench: Bench, session: Sessions, rng: random.Random, number: int) -> Counter[str]:
    """Cut and mutate a real run, and resume it in a real session.

    After a cut, the run must end with its earlier scores; after a mutation, it may be refused.
    """
    counts: Counter[str] = Counter()
    whole = session.run("whole")
    scores, fields = whole.values(), fields_of(whole.run_dir)
    for turn in range(number):
        run = whole.run_dir.with_name(f"resumed-{turn}")
        shutil.copytree(whole.run_dir, run)
        if is_cut := turn % 2 == 0:
            name = rng.choice(LINE_FILES[:2])
            kind, content = cut((run / name).read_bytes(), rng)
            (run / name).write_bytes(content)
            what = f"{kind} in {name}"
        else:
            what = mutate(run, rng.choice(fields), rng)
        result = session.run(run.name, "--resume")
        counts["resumed"] += 1
        counts["ended" if result.exit_status == 0 else "refused"] += 1
        if result.exit_status not in {0, 1, 2, 4} or "Traceback" in result.out:
            counts["traceback"] += 1
            bench.findings.append(f"{what}: --resume: exit status {result.exit_status}\n{result.out}")
        if holds_commands(result.out):
            counts["log command"] += 1
            bench.findings.append(f"{what}: --resume: a command in the log: {result.out!r}")
        if is_cut and (result.exit_status != 0 or result.values() != scores):
            counts["other scores"] += 1
            bench.findings.append(f"{what}: --resume: not the scores of the whole run\n{result.out}")
    return counts


@contextlib.contextmanager
def sessions(folder: Path) -> Iterator[Sessions]:
    with Endpoint(script(), models=("model-a", "judge-a")) as endpoint:
        checkout = folder / "checkout"
        checkout.mkdir()
        inner = InnerPytest(checkout, folder / "cache")
        yield Sessions(inner, session_options(endpoint, tiny_dataset().write(folder / "data")))


def session_options(endpoint: Endpoint, folder: Path) -> tuple[str, ...]:
    return (*options(endpoint, folder), "--limit=3", "-q", "--no-html", "--color=no")


# --- links -----------------------------------------------------------------------------------------------------------


def links(bench: Bench, commands=COMMANDS) -> Counter[str]:
    """Replace every file of a run by a link to the victim's, a link to a device, or a pipe; plant temporary names."""
    counts: Counter[str] = Counter()
    names = (
        *JSON_FILES,
        *LINE_FILES,
        f"plots/{'ab' * 32}.png",
        "plots",
        "report.json",
        ".report.json",
        "report.html",
    )
    for name, kind in itertools.product(names, ("link", "device", "pipe")):
        run = bench.copy()
        path = run / name
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        if kind == "pipe":
            os.mkfifo(path)
        else:
            path.symlink_to(bench.victim if kind == "link" else "/dev/zero")
        counts["files"] += 1
        for words in commands:
            counts[bench.judged(run, words, f"{name} a {kind}")] += 1
        pages = [file for file in run.parent.rglob("*") if file.is_file() and not file.is_symlink()]
        if any(SECRET.encode() in file.read_bytes() for file in pages):
            bench.findings.append(f"{name} a {kind}: the victim's file was copied")
            counts["victim"] += 1
        readers(bench, run, f"{name} a {kind}", counts)
    return counts


# --- injections ------------------------------------------------------------------------------------------------------


def injections(bench: Bench, rng: random.Random, number: int) -> Counter[str]:
    """Put attacks on the judge at any place in answers: they are flagged, and the plain answers are not."""
    counts: Counter[str] = Counter()
    honest = [answer for answer in load_canary() if not suspicious(answer.text)]
    for _ in range(number):
        answer, style = rng.choice(honest), rng.choice(sorted(ATTACKS))
        attack = attacked("", style, len(answer.grades)).strip()
        place = rng.choice([0, len(answer.text)])
        text = f"{answer.text[:place]}\n{attack}\n{answer.text[place:]}"
        counts["injections"] += 1
        if suspicious(text):
            counts["flagged"] += 1
        else:
            bench.findings.append(f"not flagged: {style} in {answer.name}")
    return counts


# --- the command -----------------------------------------------------------------------------------------------------


def table(seed: int, counts: dict[str, Counter[str]], findings: list[str]) -> str:
    cut_, field, link, resumed, said = (
        counts[name] for name in ("cuts", "mutations", "links", "resumes", "injections")
    )
    rows = [
        (
            "cuts of `records.jsonl` and `answers.jsonl`",
            cut_["cuts"],
            "data changed unnoticed",
            cut_["unnoticed changes"],
        ),
        ("mutated fields of all files of a run", field["fields"], "commands in a log", field["log command"]),
        ("commands and readers on them", _used(field), "tracebacks", field["traceback"]),
        (
            "links, devices and pipes in place of files",
            link["files"],
            "files shown, copied or changed",
            link["victim"],
        ),
        ("commands and readers on them", _used(link), "tracebacks", link["traceback"]),
        (
            "cut and mutated runs, resumed by a session",
            resumed["resumed"],
            "tracebacks, commands in a log, other scores after a cut",
            sum(resumed[harm] for harm in ("traceback", "log command", "other scores")),
        ),
        (
            "attempts to influence a judge",
            said["injections"],
            "not flagged",
            said["injections"] - said["flagged"],
        ),
    ]
    head = f"`python -m tests.attack` (seed {seed}); findings in all: {len(findings)}."
    lines = ["| attack | how many | harm | how often |", "|---|---|---|---|"]
    lines += [f"| {what} | {number:,} | {harm} | {count} |" for what, number, harm, count in rows]
    return "\n".join([head, "", *lines, ""])


def _used(counts: Counter[str]) -> int:
    return sum(counts[name] for name in ("done", "refused", "traceback", "victim", "log command"))


def attack_all(seed: int, number: int) -> tuple[dict[str, Counter[str]], list[str]]:
    """Run all attacks; return the counts of what happened, and the findings."""
    with tempfile.TemporaryDirectory(prefix="qcal-attack-") as folder, sessions(Path(folder)) as session:
        bench, rng = Bench(Path(folder)), random.Random(seed)
        counts = {
            "cuts": cuts(bench, rng, 4 * number),
            "mutations": mutations(bench, rng, number),
            "links": links(bench),
            "resumes": resumes(bench, session, rng, max(2, number // 8)),
            "injections": injections(bench, rng, 4 * number),
        }
        return counts, bench.findings


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument(
        "--number",
        type=int,
        default=None,
        help="mutations; four times as many cuts and injections, an eighth resumed",
    )
    given = parser.parse_args()
    counts, findings = attack_all(given.seed, given.number or EVERY_FIELD)
    text = table(given.seed, counts, findings)
    sys.stdout.write(
        "\n".join(
            [*findings, "", *(f"{name}: {dict(of_kind)}" for name, of_kind in counts.items()), "", text]
        )
    )
    if given.number is None:
        before, _, rest = DOCUMENT.read_text().partition(BEGIN)
        DOCUMENT.write_text(before + BEGIN + text + END + rest.partition(END)[2])
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
