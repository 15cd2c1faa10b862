"""The process that owns a run: the only one, or the xdist controller. Hooks delegate to the `Evaluation`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from qcal_plugin.canary import CanaryResult
from qcal_plugin.channel import ChannelServer
from qcal_plugin.dataset import DatasetError, prepare
from qcal_plugin.evaluation import Evaluation, Participants, describe, find_participants
from qcal_plugin.failures import EngineStopped
from qcal_plugin.illustrations import write_illustrated_page
from qcal_plugin.journal import JournalError
from qcal_plugin.keys import RUNNER
from qcal_plugin.measuring import Measurement
from qcal_plugin.options import RunConfig
from qcal_plugin.outcome import Outcome
from qcal_plugin.preflight import PreflightError
from qcal_plugin.progress import Progress
from qcal_plugin.roles import WORKER_INPUT
from qcal_plugin.run_directory import MANIFEST_FILE, RunDirectory, RunDirectoryError, new_run_path
from qcal_plugin.running import Runner
from qcal_plugin.selection import select_items
from qcal_plugin.stored import StoredAnswersError, load_stored_answers
from reports.records import ItemKey, PlannedItem, identity_properties

LAST_RUN = "qcal/last_run"
RUNS_FOLDER = "runs"


class RunSession:
    """Sets a run up, serves it to workers, writes what they measure, prints the tables."""

    def __init__(self, pytest_config: pytest.Config, config: RunConfig, *, controller: bool) -> None:
        self._pytest_config = pytest_config
        self._config = config
        self._controller = controller
        self._exits = ExitStack()
        self._failures = 0
        self._trouble: str | None = None
        self._html: tuple[str, ...] = ()
        self.evaluation: Evaluation | None = None

    # --- hooks ---

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Find dataset, endpoints and folder; anything wrong ends the session before a worker starts."""
        self._session = session
        try:
            self._set_up()
        except (DatasetError, PreflightError, RunDirectoryError, StoredAnswersError, JournalError, ValueError) as error:
            raise pytest.UsageError(str(error)) from error

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401 - xdist's class is not public
        """Tell a worker, a replacement too, where the engine is and what to collect."""
        node.workerinput[WORKER_INPUT] = self._worker_input

    def pytest_report_header(self) -> list[str]:
        """What is measured, on what, and where it is written."""
        return self._header

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Any:  # noqa: ANN401 - pytest's own result
        """Close the engine however the tests end: normally, at ``-x``, by Ctrl-C."""
        try:
            return (yield)
        finally:
            self._stop_asking()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write the measurement down before anybody is told that the test passed."""
        self._record(report)
        self._stop_at_maxfail(report)
        self.progress.report(report)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the tables of the whole run, from what is on disk."""
        if self.evaluation is not None:
            self._summarise(self.evaluation, terminalreporter)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None, None, None]:
        """Close with what to do next, below pytest's own last line."""
        yield
        self._close_log()

    def pytest_unconfigure(self) -> None:
        """Let go of everything, also where setting up failed half-way."""
        self._exits.close()

    # --- what they do ---

    def _set_up(self) -> None:
        stored = load_stored_answers(self._config.answers) if self._config.answers else None
        dataset_name = self._pytest_config.getoption("dataset") or (stored.dataset if stored else None)
        self._dataset = prepare(
            dataset_name or self._config.dataset,
            self._config.dataset_revision,
            progress=partial(self._show_progress, "checking images"),
        )
        self._selection = self._config.selection
        if stored is not None:
            stored = stored.of_samples(self._dataset)
            self._selection = stored.narrowed(self._selection)
        items = select_items(self._selection, self._dataset.samples)
        who = find_participants(self._config, stored, self._exits)
        path, resume = self._run_path(who.model_name)
        manifest = describe(self._config, self._dataset, who, path.name)
        directory = RunDirectory.open(path, manifest, resume=resume)
        self._exits.callback(directory.close)
        evaluation = self.evaluation = Evaluation(self._config, self._dataset, who, directory)
        self._exits.callback(evaluation.close)
        self._remember(path)
        self._identity = identity_properties(directory.manifest)
        self.progress = Progress(evaluation, self._pytest_config)
        canary = evaluation.try_judges() if self._config.judge_canary else ()
        self._header = [*self._header_lines(evaluation, who), *map(_canary_line, canary)]
        if self._controller:
            self._serve_workers(evaluation)
        else:
            self._run_tests_here(evaluation, items)

    def _run_tests_here(self, evaluation: Evaluation, items: Sequence[PlannedItem]) -> None:
        runner = Runner(
            self._config,
            dataset=self._dataset,
            items=items,
            source=LocalSource(evaluation, self.progress),
            identity=self._identity,
        )
        self._pytest_config.stash[RUNNER] = runner
        self._pytest_config.pluginmanager.register(runner, "qcal-runner")

    def _serve_workers(self, evaluation: Evaluation) -> None:
        server = ChannelServer(evaluation.engine.loop, demand=evaluation.demand, declare=evaluation.declare)
        address = server.start()
        self._exits.callback(server.close)
        self._worker_input = json.dumps(
            {
                "address": address.to_json(),
                "dataset": str(self._dataset.directory),
                "modes": self._selection.modes,
                "identity": self._identity,
            }
        )

    def _run_path(self, model: str) -> tuple[Path, bool]:
        """The run's folder, and whether a run in it goes on."""
        config = self._config
        resume = config.resume or config.last_failed
        if config.run_dir is not None:
            if config.resume and not (config.run_dir / MANIFEST_FILE).exists():
                raise RunDirectoryError(f"--resume: no run in {config.run_dir}; leave it out to start one there")
            return config.run_dir, resume
        last = self._cache.get(LAST_RUN, None) if resume and self._cache is not None else None
        if last is not None and Path(last).is_dir():
            return Path(last), True
        if config.resume:
            raise RunDirectoryError("--resume: no earlier run is known here; name its folder with --run-dir")
        return new_run_path(self._pytest_config.invocation_params.dir / RUNS_FOLDER, model), False

    def _remember(self, path: Path) -> None:
        if self._cache is not None:
            self._cache.set(LAST_RUN, str(path.absolute()))

    @property
    def _cache(self) -> pytest.Cache | None:
        """None under ``-p no:cacheprovider``."""
        return getattr(self._pytest_config, "cache", None)

    def _header_lines(self, evaluation: Evaluation, who: Participants) -> list[str]:
        manifest = evaluation.directory.manifest
        judges = ", ".join(judge.model for judge in manifest.judges) or "none: Q1 and Q3 stay unjudged"
        return [
            f"qcal: {manifest.model} at {manifest.base_url}; judge: {judges}",
            f"qcal: dataset {manifest.dataset} at {manifest.dataset_revision}",
            f"qcal: writing {_shown(evaluation.directory.path)}",
            *(f"qcal: note: stand-in: {stand_in}" for stand_in in manifest.stand_ins),
            *(f"qcal: note: {warning}" for warning in (*who.warnings, *self._dataset.warnings, *evaluation.repaired)),
        ]

    def _show_progress(self, what: str, done: int, planned: int) -> None:
        terminal = self._pytest_config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None and terminal.isatty:
            terminal.rewrite(f"qcal: {what} {done}/{planned}", erase=True)
            if done == planned:
                terminal.write_line("")

    def _record(self, report: pytest.TestReport) -> None:
        text = getattr(report, "qcal_measurement", None)
        if text is None or self.evaluation is None:
            return
        del report.qcal_measurement  # pytest keeps reports to the end
        try:
            self.evaluation.take(Measurement.from_json(text))
        except (JournalError, EngineStopped) as error:
            report.outcome = "failed"
            report.longrepr = f"not on record: {error}"
            self._trouble = self._trouble or str(error)
            self.evaluation.engine.drain(str(error))

    def _stop_at_maxfail(self, report: pytest.TestReport) -> None:
        self._failures += report.failed
        if self.evaluation is not None and self._at_maxfail:
            self.evaluation.engine.abandon(f"stopping after {self._failures} failures")

    @property
    def _at_maxfail(self) -> bool:
        return 0 < self._config.maxfail <= self._failures

    def _stop_asking(self) -> None:
        if self.evaluation is not None:
            if not self._at_maxfail:  # which pytest says itself
                self._trouble = self._trouble or self.evaluation.engine.stopped
            self.evaluation.engine.close()

    def _summarise(self, evaluation: Evaluation, terminal: pytest.TerminalReporter) -> None:
        if not evaluation.directory.manifest.planned:
            return
        from reports.publish import publish
        from reports.render_text import render
        from reports.run_files import RunFileError

        path = evaluation.directory.path
        try:
            document = publish(path, errors_as_zero=self._config.errors_as_zero)
        except (RunFileError, OSError) as error:
            terminal.write_line(f"qcal: no report: {error}; when that is put right: python -m reports {_shown(path)}")
            return
        verbosity = self._pytest_config.get_verbosity()
        if verbosity > -2:
            terminal.section("QCalEval", "=")
            terminal.write_line(render(document, width=shutil.get_terminal_size().columns))
        if self._config.html:
            progress, as_zero = partial(self._show_progress, "preparing plots"), self._config.errors_as_zero
            self._html = write_illustrated_page(
                evaluation.directory, self._dataset, errors_as_zero=as_zero, progress=progress
            )

    def _close_log(self) -> None:
        terminal = self._pytest_config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None and self.evaluation is not None:
            for line in self._closing_lines(self.evaluation):
                terminal.write_line(line)

    def _closing_lines(self, evaluation: Evaluation) -> list[str]:
        planned = evaluation.directory.manifest.planned
        if not planned:
            return []
        missing = sum(item.key not in evaluation.recorder.measured for item in planned)
        lines = [f"qcal: stopped asking: {self._trouble}"] if self._trouble else []
        if missing:
            lines.append(
                f"qcal: {missing} of {len(planned)} items not measured: --lf asks those that failed, "
                "--resume all that are missing"
            )
        path = _shown(evaluation.directory.path)
        return [*lines, *self._html, f"qcal: written to {path}; the tables again: python -m reports {path}"]


def _canary_line(result: CanaryResult) -> str:
    return f"qcal: judge {result.judge} agrees with {100 * result.agreement:.0f}% of the canary's known grades"


def _shown(path: Path) -> Path:
    """The path as a person would type it here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


class LocalSource:
    """Outcomes from the engine in this process, with progress while the test waits."""

    TICK_S = 0.5

    def __init__(self, evaluation: Evaluation, progress: Progress) -> None:
        self._evaluation = evaluation
        self._progress = progress

    def declare(self, planned: Sequence[PlannedItem]) -> None:
        """See `Source`."""
        self._evaluation.declare(planned)

    def demand(self, key: ItemKey) -> Outcome:
        """See `Source`."""
        future = self._evaluation.demand(key)
        while True:
            try:
                return future.result(timeout=self.TICK_S)
            except TimeoutError:
                if future.done():  # the job's own
                    raise
                self._progress.tick()
