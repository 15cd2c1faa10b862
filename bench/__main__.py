"""Compare the suite with alternatives, one after the other, on the same endpoint: python -m bench [--quick]

It prints the measurements and compares them with the target figures (docs/performance.md says how to read them).
Slow results do not make it fail.
"""

import argparse
import json
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.make_dataset import ICL_ROWS, SAMPLES, make
from bench.measure import Command, Delays, Measurement, measure
from bench.tables import MEGABYTE, Target, measurement_table, target_table

COLLECTED_IN = re.compile(r"collected in ([\d.]+)s")
KILOBYTE = 1e3
KILOBYTES_OF_OURS = 4
MISSING_SHARE = 0.05
PLAIN_TESTS = """
import pytest

@pytest.mark.parametrize("item", [pytest.param(i, marks=pytest.mark.filterwarnings("ignore")) for i in range({count})])
def test_plain(item, request):
    request.node.user_properties.extend((f"qcal_{{name}}", f"value {{item}}") for name in range(8))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The size of the measurements. Delays of the endpoint are in seconds."""

    samples: int
    icl_rows: int
    copies: int
    concurrency: int
    judge_concurrency: int
    workers: tuple[int, ...]
    delay_s: float
    short_delay_s: float
    median_s: float


FULL = Scale(
    samples=SAMPLES,
    icl_rows=ICL_ROWS,
    copies=10,
    concurrency=128,
    judge_concurrency=64,
    workers=(4, 16),
    delay_s=1.0,
    short_delay_s=0.25,
    median_s=2.0,
)
QUICK = Scale(
    samples=40,
    icl_rows=40,
    copies=3,
    concurrency=32,
    judge_concurrency=8,
    workers=(2,),
    delay_s=0.5,
    short_delay_s=0.25,
    median_s=0.5,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One benchmark: its scale, its folder for datasets, caches, runs and logs, and its measurements so far."""

    scale: Scale
    folder: Path
    measured: list[Measurement] = field(default_factory=list)

    @property
    def dataset(self) -> Path:
        """The dataset of all parts except the one about scale."""
        return self.folder / "dataset"

    def ours(self, dataset: Path, *more: str, page: bool = False, run_dir: Path | None = None) -> Command:
        """The suite's command as a user would type it; without the page for comparison with scripts that write none."""
        run_dir = run_dir or self.folder / f"run{len(self.measured)}"
        return lambda url: [
            *(
                sys.executable,
                "-m",
                "pytest",
                "test_qcaleval",
                "-q",
                "-o",
                f"cache_dir={self.folder / 'pytest_cache'}",
            ),
            *("--dataset", str(dataset), "--run-dir", str(run_dir)),
            *("--model-url", f"{url}/model/v1", "--model", "model"),
            *("--judge-url", f"{url}/judge/v1", "--judge-model", "judge"),
            *(() if page else ("--no-html",)),
            *self._limits(),
            *more,
        ]

    def plain_pytest(self, items: int) -> Command:
        """As many trivial tests as items, with a mark and the same number of properties, to measure pytest's memory."""
        tests = self.folder / f"test_plain_{items}.py"
        tests.write_text(PLAIN_TESTS.format(count=items))
        off = ("-p", "no:cacheprovider", "-p", "no:qcaleval", "-p", "no:asyncio")
        return lambda _url: [sys.executable, "-m", "pytest", "-q", *off, str(tests)]

    def script(self, module: str, *more: str) -> Command:
        """A script of bench/."""
        command = [sys.executable, "-m", f"bench.{module}", str(self.dataset), *self._limits(), *more]
        return lambda url: [*command, "--url", url]

    def run(self, name: str, command: Command, delays: Delays, *, cold: bool = False) -> Measurement:
        """Measure, store and print; ``cold``: with an empty cache, without a prepared dataset or plots."""
        number = len(self.measured)
        variables = {
            "QCAL_CACHE_DIR": str(self.folder / (f"cache{number}" if cold else "cache")),
            "HF_DATASETS_CACHE": str(self.folder / f"datasets{number}"),
            "HF_HUB_OFFLINE": "1",
        }
        measurement = measure(name, command, delays, self.folder / f"log{number}.txt", variables)
        self.measured.append(measurement)
        _say(f"{name}: {measurement.wall_s:.1f} s")
        if measurement.exit_status:
            words = f"exit status {measurement.exit_status}; its last output:\n{measurement.output[-1500:]}"
            sys.exit(f"{name}: {words}\nNothing can be compared with a run that failed.")
        return measurement

    def _limits(self) -> list[str]:
        scale = self.scale
        return ["--concurrency", str(scale.concurrency), "--judge-concurrency", str(scale.judge_concurrency)]


def fixed_delay(bench: Bench) -> list[Target]:
    """Zero-shot, in-context and judging with a fixed delay, compared with the bound and with plain scripts."""
    scale, delays = bench.scale, Delays(fixed_s=bench.scale.delay_s)
    ours = bench.run("ours", bench.ours(bench.dataset), delays)
    parallel = [
        bench.run(f"ours -n {n}", bench.ours(bench.dataset, "-n", str(n)), delays) for n in scale.workers
    ]
    out = str(bench.folder)
    plain = bench.run("reference-shaped", bench.script("reference_shaped", "--out", out), delays)
    pool = ("--judge-pool", str(scale.judge_concurrency))
    pooled = bench.run(
        "  with a full judge pool", bench.script("reference_shaped", "--out", out, *pool), delays
    )
    bound_s = scale.delay_s * max(
        ours.model["requests"] / scale.concurrency, ours.judge["requests"] / scale.judge_concurrency
    )
    return [
        Target("asking / bound", _over(ours.asking_s, bound_s), 1.10),
        Target("wall / bound, start-up included", _over(ours.wall_s, bound_s), 1.20),
        Target("wall / reference-shaped", ours.wall_s / plain.wall_s, 0.50),
        Target("CPU / reference-shaped", ours.cpu_s / plain.cpu_s, 0.60),
        Target("peak memory / reference-shaped", ours.peak_bytes / plain.peak_bytes, 0.50),
        Target("wall / reference-shaped with a full judge pool", ours.wall_s / pooled.wall_s, 1.00),
        Target("time to the first request", ours.to_first_request_s, 2.5, "s"),
        *_page_targets(bench, bound_s),
        *_flow_targets(ours, scale.concurrency),
        *(target for run in parallel for target in _parallel_targets(run, ours, scale.concurrency)),
    ]


def _page_targets(bench: Bench, bound_s: float) -> list[Target]:
    """The wait for report.html: with a data set whose plots have not been made yet, and afterwards."""
    delays = Delays(fixed_s=bench.scale.delay_s)
    first = bench.run("ours, page on, data set new", bench.ours(bench.dataset, page=True), delays, cold=True)
    # encodes the plots, which the cache keeps for the next run
    bench.run("ours, page on, plots to encode", bench.ours(bench.dataset, page=True), delays)
    again = bench.run("ours, page on", bench.ours(bench.dataset, page=True), delays)
    return [
        Target("page on, data set new: last answer to prompt", first.after_last_s, 3.0, "s"),
        Target("page on: last answer to prompt", again.after_last_s, 3.0, "s"),
        Target("page on: wall / bound", _over(again.wall_s, bound_s), 1.25),
        Target("page on: CPU an item", 1000 * again.cpu_s / again.model["requests"], 4.0, "ms"),
    ]


def _flow_targets(run: Measurement, concurrency: int) -> list[Target]:
    unused_slots = abs(concurrency - run.model["in_flight_peak"])
    asked_twice = run.model["duplicates"] + run.judge["duplicates"]
    return [
        Target(f"{run.name}: in-flight peak off --concurrency", unused_slots, 0, "requests"),
        Target(f"{run.name}: asked twice", asked_twice, 0, "requests"),
    ]


def _parallel_targets(run: Measurement, single: Measurement, concurrency: int) -> list[Target]:
    return [
        *_flow_targets(run, concurrency),
        Target(f"{run.name}: asking / that of one process", _over(run.asking_s, single.asking_s), 1.02),
        Target(f"{run.name}: wall / that of one process", run.wall_s / single.wall_s, 1.15),
        Target(f"{run.name}: CPU / that of one process", run.cpu_s / single.cpu_s, 1.8),
        Target(f"{run.name}: memory / that of one process", run.peak_bytes / single.peak_bytes, 2.5),
        Target(f"{run.name}: memory of a worker", _over(run.worker_bytes, MEGABYTE), 60, "MB"),
    ]


def long_tail(bench: Bench) -> list[Target]:
    """Lognormal delays, compared with an unbounded loop. The judge is fast here, so that the model's tail decides."""
    scale = bench.scale
    delays = Delays(fixed_s=scale.short_delay_s, median_s=scale.median_s)
    loop = bench.run("long tail: unbounded loop", bench.script("unbounded"), delays)
    spread: list[tuple[str, ...]] = [(), *(("-n", str(workers)) for workers in scale.workers)]
    runs = [
        bench.run(" ".join(("long tail: ours", *more)), bench.ours(bench.dataset, *more), delays)
        for more in spread
    ]
    return [
        Target(f"{run.name}: asking / that of the loop", _over(run.asking_s, loop.asking_s), 1.08)
        for run in runs
    ]


def many_times(bench: Bench) -> list[Target]:
    """The same items, and several times as many, at a short delay.

    Memory is compared with pytest's own for as many tests: bodies that were kept would show as 270 kB an
    item, answers as 1 to 2 kB for each copy of their text.
    """
    scale, delays = bench.scale, Delays(fixed_s=bench.scale.short_delay_s)
    large = bench.folder / "large"
    make(large, samples=scale.samples, icl_rows=scale.icl_rows, copies=scale.copies)
    prepared = bench.run(
        f"{scale.copies} times the data set, new", bench.ours(large, "--collect-only"), delays
    )
    one = bench.run("short delay: ours", bench.ours(bench.dataset), delays)
    many = bench.run(f"short delay: ours, {scale.copies} times the items", bench.ours(large), delays)
    items = one.model["requests"], many.model["requests"]
    plain = [
        bench.run(f"plain pytest, {count} trivial tests", bench.plain_pytest(count), delays)
        for count in items
    ]
    further = (items[1] - items[0]) * KILOBYTE
    pytests_own = _over(plain[1].peak_bytes - plain[0].peak_bytes, further) or 0.0
    per_item = _over(many.peak_bytes - one.peak_bytes, further)
    times = f"{scale.copies} times the items"
    return [
        Target(f"{times}: wall", many.wall_s / one.wall_s, scale.copies * 1.05),
        Target(f"{times}: memory per further item", per_item, pytests_own + KILOBYTES_OF_OURS, "kB"),
        Target(f"{times}: data set prepared, wall", prepared.wall_s, 12.0, "s"),
        Target(f"{times}: data set prepared, memory", prepared.peak_bytes / MEGABYTE, 250, "MB"),
        *_reported_targets(bench, large, times),
    ]


def _reported_targets(bench: Bench, dataset: Path, times: str) -> list[Target]:
    """With the page: writing it after many items, again from the run's files, and after resuming."""
    delays, run_dir = Delays(fixed_s=bench.scale.short_delay_s), bench.folder / "paged"
    run = bench.run(f"{times}, page on", bench.ours(dataset, page=True, run_dir=run_dir), delays)
    page_bytes = (run_dir / "report.html").stat().st_size
    again = bench.run(
        f"{times}: python -m reports", lambda _: [sys.executable, "-m", "reports", str(run_dir)], delays
    )
    _forget(run_dir, share=MISSING_SHARE)
    resume = bench.ours(dataset, "--resume", page=True, run_dir=run_dir)
    resumed = bench.run(f"{times}: --resume with {MISSING_SHARE:.0%} missing", resume, delays)
    return [
        Target(f"{times}, page on: last answer to prompt", run.after_last_s, 15.0, "s"),
        Target(f"{times}, page on: memory", run.peak_bytes / MEGABYTE, 300, "MB"),
        Target(f"{times}: size of the page", page_bytes / MEGABYTE, 30, "MB"),
        Target(f"{times}: python -m reports, wall", again.wall_s, 8.0, "s"),
        Target(f"{times}: --resume with {MISSING_SHARE:.0%} missing, wall", resumed.wall_s, 25.0, "s"),
    ]


def _forget(run_dir: Path, *, share: float) -> None:
    """Remove the last recorded items from a run, as if it had been stopped before them."""
    records = (run_dir / "records.jsonl").read_bytes().splitlines(keepends=True)
    gone = {_item(line) for line in records[round(len(records) * (1 - share)) :]}
    for name in ("answers.jsonl", "records.jsonl"):
        lines = (run_dir / name).read_bytes().splitlines(keepends=True)
        (run_dir / name).write_bytes(b"".join(line for line in lines if _item(line) not in gone))


def _item(line: bytes) -> tuple[str, str, str]:
    data = json.loads(line)
    return data["sample_id"], data["question"], data["mode"]


def rate(bench: Bench) -> list[Target]:
    """The highest rate, with an endpoint that answers at once. 900 requests a second are 1.11 ms each."""
    run = bench.run("no delay: ours", bench.ours(bench.dataset), Delays(fixed_s=0.0))
    requests = run.model["requests"] + run.judge["requests"]
    return [
        Target("no delay: time a request", _over(1000 * (run.asking_s or 0.0), requests), 1000 / 900, "ms")
    ]


def cold(bench: Bench) -> list[Target]:
    """A new data set: preparing all of it, and preparing five samples."""
    delays = Delays(fixed_s=0.0)
    whole = bench.run(
        "data set new: collection", bench.ours(bench.dataset, "--collect-only"), delays, cold=True
    )
    five = bench.run("data set new: --limit 5", bench.ours(bench.dataset, "--limit", "5"), delays, cold=True)
    return [
        Target("data set new: --limit 5, wall", five.wall_s, 3.0, "s"),
        Target("data set new: collected, wall", whole.wall_s, 12.0, "s"),
        Target("data set new: collected, memory", whole.peak_bytes / MEGABYTE, 250, "MB"),
    ]


def collection(bench: Bench) -> list[Target]:
    """The collection time that pytest prints, with a warm cache; the best of three."""
    delays = Delays(fixed_s=0.0)
    runs = [bench.run("collection", bench.ours(bench.dataset, "--collect-only"), delays) for _ in range(3)]
    times_s = [float(match[1]) for run in runs if (match := COLLECTED_IN.search(run.output))]
    return [Target("collection", min(times_s, default=None), 1.0, "s")]


PARTS: dict[str, Callable[[Bench], list[Target]]] = {
    "collection": collection,
    "cold": cold,
    "fixed": fixed_delay,
    "rate": rate,
    "tail": long_tail,
    "scale": many_times,
}


def main() -> None:
    """Measure the chosen parts and print the results."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="qcal-bench-") as folder:
        bench = Bench(scale=QUICK if options.quick else FULL, folder=Path(folder))
        make(bench.dataset, samples=bench.scale.samples, icl_rows=bench.scale.icl_rows)
        _warm_up(bench, bench.dataset)
        targets = [target for name in options.parts for target in PARTS[name](bench)]
    heading = (
        f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{time.strftime('%F')}"
    )
    sys.stdout.write(f"\n{heading}\n\n{measurement_table(bench.measured)}\n\n{target_table(targets)}\n")
    if options.quick:
        sys.stdout.write(
            "\nThe target figures are for the full benchmark: start-up has more weight in a short run.\n"
        )
    if options.json:
        runs = [{**asdict(run), "output": None} for run in bench.measured]
        document = {"machine": heading, "runs": runs, "targets": [asdict(target) for target in targets]}
        options.json.write_text(json.dumps(document, indent=1) + "\n")


def _warm_up(bench: Bench, dataset: Path) -> None:
    """Prepare the dataset's cache; this is not in the tables."""
    bench.run("warming up", bench.ours(dataset, "--collect-only"), Delays(fixed_s=0.0))
    bench.measured.pop()


def _over(value: float | None, other: float | None) -> float | None:
    return value / other if value is not None and other else None


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--quick", action="store_true", help="a small dataset and short delays: a minute or two"
    )
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS), help="default: all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    return parser.parse_args()


if __name__ == "__main__":
    main()
