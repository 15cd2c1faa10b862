"""Run a command against a fresh endpoint and measure wall time, CPU time and memory of its process tree."""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

Command = Callable[[str], Sequence[str]]
"""Makes the command, given the endpoint's URL."""

ROOT = Path(__file__).parents[1]
SAMPLE_INTERVAL_S = 0.2
SAMPLING_SHARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One run. Times in seconds, memory as proportional set size (PSS) in bytes.

    ``worker_bytes`` is the largest of the processes below the first one, None if there was none.
    ``to_first_request_s`` counts from the command's start, ``asking_s`` from the first request's arrival to
    the last reply, ``after_last_s`` from there to the command's end; None without requests. ``model`` and
    ``judge`` are the endpoint's counts.
    """

    name: str
    exit_status: int
    wall_s: float
    cpu_s: float
    peak_bytes: int
    worker_bytes: int | None
    to_first_request_s: float | None
    asking_s: float | None
    after_last_s: float | None
    model: dict[str, Any]
    judge: dict[str, Any]
    output: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """Delays of the endpoint: fixed, or lognormal for the model if a median is given."""

    fixed_s: float
    median_s: float | None = None
    sigma: float = 0.8

    def arguments(self) -> list[str]:
        """The options of bench.server."""
        tail = [] if self.median_s is None else ["--median", f"{self.median_s}", "--sigma", f"{self.sigma}"]
        return ["--delay", f"{self.fixed_s}", *tail]


def measure(
    name: str, command: Command, delays: Delays, log: Path, variables: Mapping[str, str]
) -> Measurement:
    """Run the command for the endpoint's URL, with ``variables`` added to the environment."""
    with endpoint(delays) as url, log.open("wb") as output:
        started_at, begin = time.time(), time.monotonic()
        process = subprocess.Popen(
            command(url), cwd=ROOT, env=environment(variables), stdout=output, stderr=subprocess.STDOUT
        )
        tree = _Tree(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - begin
        tree.stop()
        ended_at = time.time()
        stats = json.load(urllib.request.urlopen(f"{url}/stats"))
    process.returncode = os.waitstatus_to_exitcode(
        status
    )  # Popen does not know that it was reaped and would wait again
    first = [lane["first_request_at"] for lane in stats.values() if lane["first_request_at"] is not None]
    last = [lane["last_reply_at"] for lane in stats.values() if lane["last_reply_at"] is not None]
    return Measurement(
        name=name,
        exit_status=process.returncode,
        wall_s=wall_s,
        cpu_s=max(usage.ru_utime + usage.ru_stime, tree.cpu_s()),
        peak_bytes=tree.peak_bytes,
        worker_bytes=tree.worker_bytes,
        to_first_request_s=min(first) - started_at if first else None,
        asking_s=max(last) - min(first) if first and last else None,
        after_last_s=ended_at - max(last) if last else None,
        model=stats["model"],
        judge=stats["judge"],
        output=log.read_text(errors="replace"),
    )


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return this process's variables with these; Python may keep its bytecode, as it does by default.

    Else every process would compile this project again, but not the libraries that the alternatives consist
    of.
    """
    return {
        name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
    } | variables


@contextmanager
def endpoint(delays: Delays) -> Iterator[str]:
    """Start a bench.server and yield its URL; it ends with the context."""
    command = [sys.executable, "-m", "bench.server", *delays.arguments()]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.kill()


class _Tree:
    """Samples a process and its descendants until stopped, using at most a twentieth of one core."""

    def __init__(self, pid: int) -> None:
        self.peak_bytes = 0
        self.worker_bytes: int | None = None
        self._root = psutil.Process(pid)
        self._cpu_s: dict[int, float] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def cpu_s(self) -> float:
        """The sum of the last samples.

        It includes processes that were never reaped, and lacks the time after them.
        """
        return sum(self._cpu_s.values())

    def _run(self) -> None:
        pause_s = 0.0
        while not self._stopped.wait(pause_s):
            begin = time.monotonic()
            self._sample()
            pause_s = max(SAMPLE_INTERVAL_S, (time.monotonic() - begin) / SAMPLING_SHARE)

    def _sample(self) -> None:
        try:
            processes = [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        sizes = {process.pid: self._size(process) for process in processes}
        self.peak_bytes = max(self.peak_bytes, sum(sizes.values()))
        workers = [size for pid, size in sizes.items() if pid != self._root.pid]
        if workers:
            self.worker_bytes = max(self.worker_bytes or 0, *workers)

    def _size(self, process: psutil.Process) -> int:
        try:
            times = process.cpu_times()
            self._cpu_s[process.pid] = times.user + times.system
            return int(process.memory_full_info().pss)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return 0
