"""Real sessions with ``--gate`` at the benchmark's size: how often their verdicts are right, for docs/ci.md.

    python -m tests.gate_sessions --minutes 30                 as many sessions as that takes; prints the table
    python -m tests.gate_sessions --releases 5 --write         5 of each kind, and the table into docs/ci.md
    python -m tests.gate_sessions --log sessions.jsonl ...     continues from the sessions in this file

Each session is a process ``pytest test_qcaleval ... --gate gates.toml --max-repeats 4``, plain or with ``-n 2``. A
scripted server on loopback is the model and its judge. The dataset has 243 samples of 22 families, with tiny images.
The models are those of `tests.gate_simulation`: each item is right with its own chance, drawn again for each release
and repeat.

The model in production is asked eight times in a real session, once per flip rate. For each release its answers are
drawn again and written into a copy of that run.

Each session's verdict and number of repeats are compared with those that `gate_simulation.verdicts` computes from the
recorded scores. As they agree, sessions have the error rates of the simulation, which can afford more releases.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from reports.records.lines import sealed
from reports.records.records import record_to_json
from reports.records.run_files import RECORDS_NAME, load_run
from scoring.questions import Question
from tests.dataset_factory import DatasetFactory, png
from tests.endpoint import Endpoint, Outcome, ParsedRequest, Reply
from tests.gate_simulation import (
    CASES,
    FAMILIES,
    PARTS,
    SAMPLES,
    SEED,
    SEQUENTIAL,
    Design,
    Floats,
    answers,
    verdicts,
    world,
)
from tests.inner_run import InnerPytest, InnerResult
from tests.scripts import judge_reply

DOCUMENT = Path(__file__).parents[1] / "docs" / "ci.md"
BEGIN, END = "<!-- sessions: begin -->\n", "<!-- sessions: end -->\n"
GATES = '[[gate]]\nmetric = "zeroshot.mean"\nbaseline = "{baseline}"\nmax_drop = 2\n'
RULES = {name: {"type": "bool"} for name in ("first", "second", "third")}
PLOT = {"plot_type": "scatter", "x_axis": {"scale": "linear"}, "y_axis": {"scale": "linear"}}
JUDGE = "judge"
PRODUCTION = "production"
COVERED = 0.95
SCENARIOS = {
    "same": ("same",),
    "new": ("new",),
    "drop of 2": ("drop 2, thin", "drop 2, concentrated", "drop 2, new"),
    "drop of 4": ("drop 4, thin", "drop 4, concentrated", "drop 4, new"),
}
"""What a release is like -> the kinds of releases that take turns."""
WANTED = {"same": "PASS", "new": "PASS", "drop of 2": "PASS", "drop of 4": "FAIL"}
"""The verdict that is counted; a drop of exactly ``max_drop`` may pass in 5% of cases."""


# --- dataset ---------------------------------------------------------------------------------------------------------


def dataset(samples: int = SAMPLES) -> DatasetFactory:
    """Make samples of 22 families. Q1, Q3 and Q5 are graded in thirds, the others are right or wrong."""
    families = [f"family{number:02}" for number in range(FAMILIES)]
    rows = [_sample_row(number, families[number % FAMILIES]) for number in range(samples)]
    return DatasetFactory(
        samples=rows,
        fewshot=[_fewshot_row(row) for row in rows],
        config={
            family: {"q5_scoring": RULES, "q6_status_mapping": {f"{family}_success": "SUCCESS"}}
            for family in families
        },
    )


def _sample_row(number: int, family: str) -> dict[str, object]:
    return {
        "id": f"sample{number:03}",
        "experiment_type": f"{family}_success",
        "experiment_family": family,
        "images": [{"bytes": png(number), "path": None}],
        "image_ids": [f"image-{number}"],
        "experiment_background": f"An experiment of {family}.",
        **{f"q{n}_prompt": f"Q{n} of sample {number}: <image> what?" for n in range(1, 7)},
        "q1_answer": json.dumps(PLOT),
        "q2_answer": "Classification: Expected behavior",
        "q3_answer": "It is significant.",
        "q4_answer": "Assessment: Reliable",
        "q5_answer": json.dumps(dict.fromkeys(RULES, True)),
        "q6_answer": "Status: SUCCESS",
        "q1_key_points": ["first", "second", "third"],
        "q3_key_points": ["first", "second", "third"],
        "q5_scoring": json.dumps(RULES),
        "q6_expected_status": "SUCCESS",
    }


def _fewshot_row(row: dict[str, object]) -> dict[str, object]:
    return {
        "id": f"icl_{row['id']}",
        "source_id": row["id"],
        "experiment_type": row["experiment_type"],
        **{f"q{n}_prompt": "Example: <image> fine. Now: <image> what?" for n in (3, 5, 6)},
        **{f"q{n}_answer": row[f"q{n}_answer"] for n in (3, 5, 6)},
        "image_ids": ["image-0", *row["image_ids"]] * 3,
    }


# --- the server ------------------------------------------------------------------------------------------------------


def text_of(question: Question, score: float) -> str:
    """Return an answer that gets this score."""
    parts = round(PARTS * score)
    covered = f"This covers {parts} key points."
    match question:
        case Question.Q1:
            return json.dumps({**dict(list(PLOT.items())[:parts]), "note": covered})
        case Question.Q2:
            return f"Classification: {'Expected' if parts else 'Anomalous'} behavior"
        case Question.Q4:
            return f"Assessment: {'Reliable' if parts else 'Unreliable'}"
        case Question.Q5:
            return json.dumps({name: place < parts for place, name in enumerate(RULES)})
        case Question.Q6:
            return f"Status: {'SUCCESS' if parts else 'DAMPED'}"
    return covered


class ScriptedModels:
    """The script of the server: the scores that each model has next, by its name, and the judge."""

    def __init__(self) -> None:
        self.scores: dict[str, Floats] = {}

    def __call__(self, request: ParsedRequest) -> Outcome:
        if request.model == JUDGE:
            covered = int(re.search(r"covers (\d) key points", request.text)[1])
            return judge_reply([float(place < covered) for place in range(PARTS)])
        question, sample = re.search(r"Q(\d) of sample (\d+):", request.text).groups()
        scores = self.scores[request.model][:, int(sample), int(question) - 1]
        return Reply(text_of(Question(f"Q{question}"), scores[request.attempt - 1]))


# --- sessions --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is repeated: a scenario at a flip rate, plain or with workers."""

    scenario: str
    flips: float
    workers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What one session and the simulation made of a release."""

    scenario: str
    flips: float
    workers: int
    release: int
    verdict: str
    repeats: int
    exit_status: int
    expected_verdict: str
    expected_repeats: int
    seconds: float

    @property
    def agrees(self) -> bool:
        """Whether the simulation has the same verdict after as many repeats, with the matching exit status."""
        status = {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 10}[self.expected_verdict]
        return (self.expected_verdict, self.expected_repeats, status) == (
            self.verdict,
            self.repeats,
            self.exit_status,
        )


class Sessions:
    """A folder in which sessions run against a server of scripted models."""

    def __init__(
        self,
        inner: InnerPytest,
        endpoint: Endpoint,
        *,
        samples: int = SAMPLES,
        design: Design = SEQUENTIAL,
    ) -> None:
        self.inner = inner
        self.endpoint = endpoint
        self.samples = samples
        self.design = design
        self.models = ScriptedModels()
        endpoint.script = self.models
        self._dataset = dataset(samples).write(inner.folder / "dataset")

    def run(self, kind: Kind, release: int) -> Session:
        """Run one release: draw the baseline, ask the candidate, and compare the verdicts."""
        place = (list(SCENARIOS).index(kind.scenario), round(1000 * kind.flips), kind.workers, release)
        random = np.random.default_rng((SEED, *place))
        cases = SCENARIOS[kind.scenario]
        model = f"release-{'-'.join(map(str, place))}"
        chances = CASES[cases[release % len(cases)]](world(kind.flips))[: self.samples]
        baseline = self._redrawn(
            kind.flips, answers(random, self._chances(kind.flips), 1, self.design.baseline)[0]
        )
        self.models.scores[model] = answers(random, chances, 1, self.design.looks[-1])[0]
        (self.inner.folder / "gates.toml").write_text(GATES.format(baseline=baseline.name))
        options = ["--gate=gates.toml", f"--max-repeats={self.design.looks[-1]}"]
        started = time.monotonic()
        result = self._session(
            model, *options, *([f"-n{kind.workers}"] if kind.workers else []), run_dir="run"
        )
        seconds = time.monotonic() - started
        session = _compared(kind, release, result, baseline, design=self.design, seconds=seconds)
        shutil.rmtree(result.run_dir)
        shutil.rmtree(baseline)
        return session

    def production(self, flips: float) -> Path:
        """Return the run of the model in production; a session makes it if it does not exist yet."""
        name = f"{PRODUCTION}-{round(1000 * flips)}"
        if not (self.inner.folder / name).exists():
            random = np.random.default_rng((SEED, round(1000 * flips)))
            self.models.scores[name] = answers(random, self._chances(flips), 1, self.design.baseline)[0]
            result = self._session(name, f"--repeats={self.design.baseline}", run_dir=name)
            if result.exit_status:
                raise RuntimeError(f"the baseline could not be made:\n{result.out}")
        return self.inner.folder / name

    def _chances(self, flips: float) -> Floats:
        return world(flips).chances[: self.samples]

    def _session(self, model: str, *options: str, run_dir: str) -> InnerResult:
        url = self.endpoint.base_url
        asking = ["--model-url", url, "--model", model, "--judge-url", url, "--judge-model", JUDGE]
        quiet = ["--modes=zeroshot", "--no-html", "--retries=0", "-q", "--dataset", str(self._dataset)]
        result = self.inner.run(*asking, *quiet, *options, run_dir=run_dir, timeout_s=900)
        self.endpoint.requests.clear()
        self.endpoint.counts.clear()
        return result

    def _redrawn(self, flips: float, scores: Floats) -> Path:
        """Copy the run in production with these scores, of shape (repeats, samples, questions)."""
        source, copy = self.production(flips), self.inner.folder / "baseline"
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("*.jsonl", "report*", "summary*"))
        with (copy / RECORDS_NAME).open("wb") as file:
            for record in load_run(source).records:
                key = record.key
                value = scores[key.repeat, int(key.sample_id[-3:]), list(Question).index(key.question)]
                redrawn = replace(record, score=replace(record.score, value=float(value)))
                file.write(sealed(record_to_json(redrawn)))
        return copy


def _compared(
    kind: Kind, release: int, result: InnerResult, baseline: Path, *, design: Design, seconds: float
) -> Session:
    try:
        gated = result.report["gates"]
    except OSError:
        raise RuntimeError(f"no verdict in:\n{result.out}") from None
    sides = (recorded_scores(baseline), recorded_scores(result.run_dir))
    padding = design.looks[-1] - len(sides[1])
    candidate = np.concatenate([sides[1], np.zeros((padding, *sides[1].shape[1:]))])
    passed, failed, repeats = (each[0] for each in verdicts(sides[0][None], candidate[None], design))
    verdict = gated["verdict"]
    return Session(
        **asdict(kind),
        release=release,
        verdict="PASS" if verdict == "WORSE BUT WITHIN" else verdict,
        repeats=gated["look"]["repeats"],
        exit_status=result.exit_status,
        expected_verdict="PASS" if passed else "FAIL" if failed else "INCONCLUSIVE",
        expected_repeats=int(repeats),
        seconds=round(seconds, 1),
    )


def recorded_scores(run_dir: Path) -> Floats:
    """Read the scores of a run: shape (repeats, samples, questions)."""
    records = load_run(run_dir, texts=False).records
    repeats, samples = (
        len({record.key.repeat for record in records}),
        len({record.key.sample_id for record in records}),
    )
    scores = np.full((repeats, samples, len(Question)), np.nan)
    for record in records:
        place = record.key.repeat, int(record.key.sample_id[-3:]), list(Question).index(record.key.question)
        scores[place] = record.score.value
    if np.isnan(scores).any():
        raise RuntimeError(f"{run_dir}: not everything was scored")
    return scores


# --- the table -------------------------------------------------------------------------------------------------------


def table(sessions: Sequence[Session]) -> Iterator[str]:
    """Yield Markdown: shares with 95% confidence intervals (Clopper and Pearson)."""
    yield "| release | flips | sessions, plain + `-n 2` | verdict counted | share | 95% interval | mean repeats |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for kind in dict.fromkeys(map(_row_of, sorted(sessions, key=_order))):
        yield _row([session for session in sessions if _row_of(session) == kind])


def _row_of(session: Session) -> tuple[str, float]:
    return session.scenario, session.flips


def _order(session: Session) -> tuple[float, int]:
    return -session.flips, list(SCENARIOS).index(session.scenario)


def _row(sessions: Sequence[Session]) -> str:
    first, plain = sessions[0], sum(session.workers == 0 for session in sessions)
    hits = sum(session.verdict == WANTED[first.scenario] for session in sessions)
    interval = binomtest(hits, len(sessions)).proportion_ci(COVERED)
    cells = (
        first.scenario,
        f"{100 * first.flips:.0f}%",
        f"{plain} + {len(sessions) - plain}",
        WANTED[first.scenario],
        f"{hits / len(sessions):.2f}",
        f"{interval.low:.2f} to {interval.high:.2f}",
        f"{np.mean([session.repeats for session in sessions]):.1f}",
    )
    return f"| {' | '.join(cells)} |"


def closing(sessions: Sequence[Session]) -> str:
    """Return how many sessions there were, and how many agree with the simulation."""
    agreeing = sum(session.agrees for session in sessions)
    return (
        f"{len(sessions)} sessions; {agreeing} have the verdict and the number of repeats of the simulation."
    )


def into_document(lines: Sequence[str], document: Path = DOCUMENT) -> None:
    """Replace the text between the marks."""
    before, _, rest = document.read_text().partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise SystemExit(f"{document}: no {BEGIN.strip()} ... {END.strip()} in it")
    document.write_text("".join((before, BEGIN, "\n", *(f"{line}\n" for line in lines), "\n", END, after)))


# --- the command -----------------------------------------------------------------------------------------------------


def read_log(file: Path) -> list[Session]:
    """Read the sessions of earlier calls; none if there is no such file."""
    lines = file.read_text().splitlines() if file.exists() else []
    return [Session(**json.loads(line)) for line in lines]


def run_sessions(
    sessions: Sessions,
    kinds: Sequence[Kind],
    done: list[Session],
    *,
    goes_on: Callable[[], bool],
    releases: int,
) -> Iterator[Session]:
    """Yield sessions, one release of each kind after the other; ``releases`` of each, or without limit if 0."""
    asked = {(s.scenario, s.flips, s.workers, s.release) for s in done}
    for release in count() if releases == 0 else range(releases):
        for kind in kinds:
            if (kind.scenario, kind.flips, kind.workers, release) in asked:
                continue
            if not goes_on():
                return
            yield sessions.run(kind, release)


def main() -> None:
    """Run the sessions that the options ask for; print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--releases", type=int, default=0, help="of each kind (default: no limit)")
    parser.add_argument(
        "--minutes", type=float, default=30, help="start no session after this time (default: 30)"
    )
    parser.add_argument(
        "--flips", type=float, nargs="+", default=[35, 9], help="flip rates in percent (default: 35 9)"
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 2], help="values of -n (default: 0 2)")
    parser.add_argument("--scenarios", nargs="+", choices=SCENARIOS, default=list(SCENARIOS))
    parser.add_argument(
        "--log", type=Path, help="append each session to this file; continue from its sessions"
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/ci.md")
    options = parser.parse_args()
    kinds = [
        Kind(scenario=scenario, flips=flips / 100, workers=workers)
        for flips in options.flips
        for scenario in options.scenarios
        for workers in options.workers
    ]
    deadline = time.monotonic() + 60 * options.minutes
    done = read_log(options.log) if options.log else []
    with tempfile.TemporaryDirectory() as temporary, Endpoint(ScriptedModels(), models=(JUDGE,)) as endpoint:
        checkout = Path(temporary) / "checkout"
        checkout.mkdir()
        sessions = Sessions(InnerPytest(checkout, Path(temporary) / "cache"), endpoint)
        goes_on = lambda: time.monotonic() < deadline  # noqa: E731
        for session in run_sessions(sessions, kinds, done, goes_on=goes_on, releases=options.releases):
            done.append(session)
            sys.stderr.write(f"{session}\n")
            if options.log:
                with options.log.open("a") as log:
                    log.write(f"{json.dumps(asdict(session))}\n")
    lines = [*table(done), "", closing(done)]
    sys.stdout.write("\n".join(lines) + "\n")
    if options.write:
        into_document(lines)
    sys.exit(not all(session.agrees for session in done))


if __name__ == "__main__":
    main()
