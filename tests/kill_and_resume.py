"""Kill a run (SIGKILL) repeatedly, resume it each time, and measure what that costs.

python -m tests.kill_and_resume      # 50 kills; writes the figures into docs/reliability.md
"""

import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.dataset_factory import tiny_dataset
from tests.endpoint import Endpoint, Reply
from tests.inner_run import InnerPytest, InnerResult
from tests.scripts import by_model, delayed, judge_reply

CONCURRENCY, JUDGE_CONCURRENCY = 4, 2
ITEMS, REQUESTS = 72, 96  # the tiny dataset's: 72 for the model, 24 of them judged
DOCUMENT = Path(__file__).parents[1] / "docs" / "reliability.md"
BEGIN, END = "<!-- kills: begin -->\n", "<!-- kills: end -->\n"


@dataclass(slots=True)
class Kills:
    """The kills so far.

    ``lost`` holds, for each kill, the number of requests whose replies were not on disk.
    """

    lost: list[int]
    torn: int = 0
    orphans: int = 0

    @property
    def number(self) -> int:
        return len(self.lost)


def script():
    """Return answers and grades that depend only on the request, after 30 ms each."""

    def answer(request):
        return Reply(f"Status: {'SUCCESS' if int(request.body_sha256, 16) % 2 else 'DAMPED'}")

    def grades(request):
        return judge_reply([int(digit, 16) % 2 for digit in request.body_sha256[:3]])

    return by_model({"model-a": delayed(0.03, answer), "judge-a": delayed(0.03, grades)})


def options(endpoint: Endpoint, folder: Path) -> list[str]:
    urls = ["--model-url", endpoint.base_url, "--judge-url", endpoint.base_url]
    limits = [f"--concurrency={CONCURRENCY}", f"--judge-concurrency={JUDGE_CONCURRENCY}"]
    return [*urls, "--model=model-a", "--judge-model=judge-a", "--dataset", str(folder), *limits]


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """A run to be killed: its directory, its endpoint and its options."""

    inner: InnerPytest
    endpoint: Endpoint
    arguments: list[str]
    run_dir: str = "run"

    def kill_and_resume(self, chance: random.Random, times: int) -> tuple[InnerResult, Kills]:
        """Kill the controller `times` times, or until a session ends; then let one end."""
        kills = Kills(lost=[])
        while kills.number < times and self._kill_once(chance, kills):
            pass
        return self.inner.run(*self.arguments, *self._resume(), run_dir=self.run_dir), kills

    def _resume(self) -> list[str]:
        """Return the option to resume, if there is a run: a session killed during set-up leaves none."""
        return ["--resume"] if self._content("run.json") else []

    def _kill_once(self, chance: random.Random, kills: Kills) -> bool:
        """Start a session and kill its controller, after a number of requests or at any moment."""
        received, stored = len(self.endpoint.requests), self._lines("answers.jsonl")
        session = self.inner.start(*self.arguments, *self._resume(), run_dir=self.run_dir)
        threading.Thread(target=session.stdout.read, daemon=True).start()
        self._wait_for_the_moment(chance, session)
        if session.poll() is not None:
            return False
        workers = psutil.Process(session.pid).children(recursive=True)
        session.send_signal(signal.SIGKILL)
        session.wait()
        kills.orphans += len(psutil.wait_procs(workers, timeout=10)[1])
        kills.lost.append(len(self.endpoint.requests) - received - (self._lines("answers.jsonl") - stored))
        kills.torn += sum(self._is_torn(name) for name in ("answers.jsonl", "records.jsonl"))
        return True

    def _wait_for_the_moment(self, chance: random.Random, session: subprocess.Popen) -> None:
        until = len(self.endpoint.requests) + chance.randrange(1, REQUESTS // 4)
        if chance.random() < 0.2:
            time.sleep(chance.uniform(0.0, 3.0))
            return
        while len(self.endpoint.requests) < until and session.poll() is None:
            time.sleep(0.001)
        time.sleep(chance.uniform(0.0, 0.06))

    def _content(self, name: str) -> bytes:
        path = self.inner.folder / self.run_dir / name
        return path.read_bytes() if path.exists() else b""

    def _lines(self, name: str) -> int:
        return self._content(name).count(b"\n")

    def _is_torn(self, name: str) -> bool:
        content = self._content(name)
        return bool(content) and not content.endswith(b"\n")


def comparable_report(result: InnerResult) -> dict:
    return {name: value for name, value in result.report.items() if name not in {"run_id", "started_at"}}


def doubled_records(result: InnerResult) -> int:
    counts = Counter((record["sample_id"], record["question"], record["mode"]) for record in result.records)
    return sum(count - 1 for count in counts.values())


def main(times: int = 50, per_run: int = 5, seed: int = 2026) -> str:
    """Make this number of kills, over as many runs as that takes; every second run has two workers."""
    chance = random.Random(seed)
    totals, runs, missing, doubled, unequal = Kills(lost=[]), 0, 0, 0, 0
    with (
        tempfile.TemporaryDirectory() as temporary,
        Endpoint(script(), models=("model-a", "judge-a")) as endpoint,
    ):
        checkout = Path(temporary) / "checkout"
        checkout.mkdir()
        inner = InnerPytest(checkout, Path(temporary) / "cache")
        arguments = options(endpoint, tiny_dataset().write(Path(temporary) / "data"))
        undisturbed = comparable_report(inner.run(*arguments, run_dir="undisturbed"))
        while totals.number < times:
            with_workers = [*arguments, *(["-n2"] if runs % 2 else [])]
            victim = Victim(inner=inner, endpoint=endpoint, arguments=with_workers, run_dir=f"run-{runs}")
            result, kills = victim.kill_and_resume(chance, min(per_run, times - totals.number))
            runs += 1
            missing += ITEMS - len(result.values())
            doubled += doubled_records(result)
            unequal += comparable_report(result) != undisturbed
            totals = Kills(
                lost=totals.lost + kills.lost,
                torn=totals.torn + kills.torn,
                orphans=totals.orphans + kills.orphans,
            )
            sys.stdout.write(f"run {runs}: {kills}, exit status {result.exit_status}\n")
    return (
        f"`python -m tests.kill_and_resume` (seed {seed}): {totals.number} times SIGKILL for the controller, in {runs} "
        f"runs of {ITEMS} items and {REQUESTS} requests, every other run with `-n 2`, up to {CONCURRENCY} model and "
        f"{JUDGE_CONCURRENCY} judge requests in flight.\n\n"
        "| what | how many |\n|---|---|\n"
        f"| requests asked again after a kill | {sum(totals.lost)} in all, at most {max(totals.lost)} per kill |\n"
        f"| items missing at the end | {missing} |\n"
        f"| records doubled | {doubled} |\n"
        f"| torn lines | {totals.torn} |\n"
        f"| workers that outlived their controller by 10 s | {totals.orphans} |\n"
        f"| runs whose figures differ from an undisturbed run's | {unequal} |\n"
    )


if __name__ == "__main__":
    figures = main()
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(BEGIN)
    DOCUMENT.write_text(before + BEGIN + figures + END + rest.partition(END)[2])
