"""Run the real suite in an inner pytest, in a separate process, and read back its output and files."""

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qcal_plugin.cli.spelling import join_paths

REPOSITORY = Path(__file__).parents[1]
SAMPLE_FOLDER = REPOSITORY.parent / "shared" / "qcaleval-sample"
OF_OTHERS = ("QCAL_", "COV_", "CI", "BUILD_NUMBER", "GITHUB_")
"""Prefixes of variables that inner sessions must not see: those of a CI change what pytest prints."""
VOLATILE_FIELDS = ("finished_at", "latency_s", "queue_s", "crc")
LOADED_BY_SESSIONS = (
    "qcal_plugin.session.owner",
    "qcal_plugin.worker.remote",
    "qcal_plugin.demo.embedded",
    "reports.html.page",
    "reports.publish",
    "httpx_aiohttp",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_svg",
    "httpcore",
    "datasets",
)
OFF = " ".join(f"-p no:{name}" for name in ("hypothesispytest", "anyio", "syrupy"))
"""Plugins of these tests that a session under test does not need; each process would load them."""

INI = f"[pytest]\naddopts = --import-mode=importlib {OFF}\nasyncio_default_fixture_loop_scope = function\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class InnerResult:
    """What an inner session printed and wrote. ``out`` is stdout and stderr."""

    exit_status: int
    out: str
    run_dir: Path

    @property
    def records(self) -> list[dict[str, Any]]:
        """Return the lines of records.jsonl, in order."""
        path = self.run_dir / "records.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def manifest(self) -> dict[str, Any]:
        return json.loads((self.run_dir / "run.json").read_text())

    @property
    def report(self) -> dict[str, Any]:
        return json.loads((self.run_dir / "report.json").read_text())

    def statuses(self) -> dict[tuple[str, str, str], str]:
        """Return the status by (sample, question, mode); the last record of each counts."""
        return {item_of(record): record["status"] for record in self.records}

    def values(self) -> dict[tuple[str, str, str], float | None]:
        """Return the score by (sample, question, mode), 0..1."""
        return {item_of(record): record["score"] and record["score"]["value"] for record in self.records}

    def comparable_records(self) -> list[dict[str, Any]]:
        """Return the records without their order and times."""
        lines = [{k: v for k, v in record.items() if k not in VOLATILE_FIELDS} for record in self.records]
        for line in lines:
            line["verdicts"] = [
                {k: v for k, v in verdict.items() if k != "latency_s"} for verdict in line["verdicts"]
            ]
        return sorted(lines, key=item_of)


def item_of(record: dict[str, Any]) -> tuple[str, str, str]:
    return record["sample_id"], record["question"], record["mode"]


class InnerPytest:
    """A folder with the suite's tests, in which inner sessions run.

    They share pytest's cache, as a user's do.
    """

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith((*OF_OTHERS, "PYTEST_"))
            },
            "QCAL_CACHE_DIR": str(cache),
            "COLUMNS": "80",
        }
        shutil.copytree(
            REPOSITORY / "test_qcaleval",
            folder / "test_qcaleval",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        shutil.copy(REPOSITORY / "conftest.py", folder)
        (folder / "pytest.ini").write_text(INI)

    def command(self, *arguments: str, run_dir: str | None = "run") -> list[str]:
        options = ["--run-dir", run_dir] if run_dir else []
        # joined as the suite itself would, which costs a session a second reading of its configuration
        joined = join_paths([*map(str, options), *arguments], self.folder, made_by_run={"--run-dir"})
        return [sys.executable, "-m", "pytest", "test_qcaleval", *joined]

    def run(self, *arguments: str, run_dir: str | None = "run", timeout_s: float = 60.0) -> InnerResult:
        """Run to the end. With ``run_dir`` None the suite chooses the folder."""
        done = subprocess.run(
            self.command(*arguments, run_dir=run_dir),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
        )
        return self.result(done.returncode, done.stdout.decode("utf-8", "replace"), run_dir)

    def start(self, *arguments: str, run_dir: str | None = "run") -> subprocess.Popen[bytes]:
        """Start a session in a new process group, to interrupt or kill it."""
        # SIGINT may be ignored here, as in a shell's background job, and the session would inherit that
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return subprocess.Popen(
            self.command(*arguments, run_dir=run_dir),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def result(self, exit_status: int, out: str, run_dir: str | None = "run") -> InnerResult:
        path = (
            self.folder / run_dir if run_dir else max((self.folder / "runs").glob("*"), default=self.folder)
        )
        return InnerResult(exit_status=exit_status, out=out, run_dir=path)


class QuickPytest(InnerPytest):
    """The same in this process, which is ten times as fast: for sessions that are neither interrupted nor measured."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
        super().__init__(pytester.path, cache)
        self.pytester = pytester
        self.monkeypatch = monkeypatch
        for name in list(os.environ):
            if name.startswith((*OF_OTHERS, "PYTEST_XDIST_")):
                monkeypatch.delenv(name)
        monkeypatch.setenv("QCAL_CACHE_DIR", str(cache))
        monkeypatch.setenv("COLUMNS", "80")

    def run(self, *arguments: str, run_dir: str | None = "run", timeout_s: float = 0.0) -> InnerResult:
        """Run to the end, without a time limit."""
        done = self.pytester.runpytest_inprocess(*self.command(*arguments, run_dir=run_dir)[3:])
        return self.result(int(done.ret), f"{done.stdout}\n{done.stderr}", run_dir)


@pytest.fixture(scope="session")
def prepared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of prepared datasets that all inner sessions share."""
    return tmp_path_factory.mktemp("qcal-cache")


@pytest.fixture
def inner(tmp_path: Path, prepared_cache: Path) -> InnerPytest:
    """The suite in an inner pytest (tests/inner_run.py)."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    return InnerPytest(folder, prepared_cache)


@pytest.fixture(scope="session")
def loaded_by_sessions() -> None:
    """Load some extension modules first: pytester unloads later ones, and these load only once per process."""
    for module in LOADED_BY_SESSIONS:
        importlib.import_module(module)


@pytest.fixture
def quick(
    loaded_by_sessions: None, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, prepared_cache: Path
) -> QuickPytest:
    """The suite as in `inner`, but in this process."""
    return QuickPytest(pytester, monkeypatch, prepared_cache)


@pytest.fixture(params=[(), ("-n2",)], ids=["plain", "n2"])
def workers(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Options of a session: none, or two xdist workers."""
    return request.param


@pytest.fixture
def sample_folder() -> Path:
    """The folder of real samples next to the project."""
    if not SAMPLE_FOLDER.is_dir():
        pytest.skip("the sibling folder shared/qcaleval-sample is absent")
    return SAMPLE_FOLDER
