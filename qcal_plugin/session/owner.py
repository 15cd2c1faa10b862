"""The owner of a run, in the only process or in the xdist controller."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from qcal_plugin.cli.options import RunConfig
from qcal_plugin.engine.failures import EngineStopped
from qcal_plugin.engine.journal import JournalError
from qcal_plugin.session.illustrator import Illustrator
from qcal_plugin.session.local_source import Asked, LocalSource
from qcal_plugin.session.near_misses import nothing_selected
from qcal_plugin.session.preparation import PreparedRun, prepare_run
from qcal_plugin.session.progress import Progress
from qcal_plugin.session.signals import ending_as_ctrl_c
from qcal_plugin.session.summary import closing_lines, header_lines, print_tables, shown, write_page
from qcal_plugin.worker.channel import ChannelServer
from qcal_plugin.worker.keys import RUNNER, WORKER_INPUT
from qcal_plugin.worker.remote import WorkerInput
from qcal_plugin.worker.runner import Runner
from reports.records.plain_text import log_line, log_text
from reports.records.records import PROPERTY_PREFIX, record_from_line
from reports.records.steps import StepProgress
from scoring.errors import QCalError

if TYPE_CHECKING:
    from qcal_plugin.session.looks import Looks
    from reports.gates.verdicts import GateReport


class RunOwner:
    """Sets up a run, serves it to workers, writes their measurements, and prints the tables."""

    def __init__(self, pytest_config: pytest.Config, config: RunConfig, *, controller: bool) -> None:
        self._pytest_config = pytest_config
        self._config = config
        self._controller = controller
        self._steps = StepProgress(pytest_config.get_verbosity())
        self._exits = ExitStack()
        self._failures = 0
        self._trouble: str | None = None
        self._page: tuple[str, ...] = ()
        self._run: PreparedRun | None = None
        self._illustrator: Illustrator | None = None
        self._gates: GateReport | None = None
        self._looks: Looks | None = None
        self._has_reports: bool | None = None

    # --- hooks ---

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Prepare dataset, endpoints and folder; a problem ends the session before a worker starts."""
        try:
            self._set_up()
        except QCalError as error:
            raise pytest.UsageError(log_text(str(error))) from error

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401 - xdist's class is not public
        """Give a worker, or its replacement, the engine's address and the items to collect."""
        node.workerinput[WORKER_INPUT] = self._worker_input

    def pytest_report_header(self) -> list[str]:
        """Return what is measured, on what, and where it is written."""
        return [] if self._run is None else header_lines(self._run)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Any:  # noqa: ANN401 - pytest's own result
        """Close the engine, however the tests end: normally, at ``-x``, or by Ctrl-C."""
        try:
            return (yield)
        finally:
            self._progress.make_way()
            self._stop_asking()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write the measurement before the test is reported as passed."""
        self._progress.make_way()
        self._record(report)
        self._stop_at_maxfail(report)
        self._progress.report(report)
        if self._looks is not None:
            self._looks.report(report)
        self._illustrate()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        """Erase the status line before the test's name is printed."""
        self._progress.make_way()

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Show the score of a measured item, 0-100, in place of PASSED with ``-v``."""
        score = dict(getattr(report, "user_properties", ())).get(f"{PROPERTY_PREFIX}score")
        if score is None or report.when != "call" or not report.passed:
            return None
        return "passed", ".", f"{100 * float(score):.1f}"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the tables of the whole run, from what is on disk."""
        if self._run is not None and self._run.evaluation.directory.manifest.planned:
            self._summarise(self._run, terminalreporter)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Decide the gates before anything is reported; print what to do next below pytest's last line."""
        self._decide(session)
        yield
        self._close_log()
        session.exitstatus = session.exitstatus if self._gates is None else self._gates.exit_status
        if self._has_reports is False and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.INTERRUPTED  # as if the disk had been full earlier

    def pytest_unconfigure(self) -> None:
        """Release all resources, even if set-up failed part-way."""
        self._exits.close()

    # --- what they do ---

    def _set_up(self) -> None:
        self._exits.enter_context(ending_as_ctrl_c())
        run = self._run = prepare_run(self._pytest_config, self._config, self._exits, self._steps)
        self._progress = Progress(run.evaluation, self._pytest_config)
        if self._config.html:
            directory = run.evaluation.directory
            self._illustrator = Illustrator(
                directory.path, lambda: directory.manifest.planned, run.studied.case
            )
            self._exits.callback(self._illustrator.stop)
        asked = self._looks_at(run) or run.evaluation
        if self._controller:
            self._serve_workers(run, asked)
        else:
            self._run_tests_here(run, asked)

    def _looks_at(self, run: PreparedRun) -> Looks | None:
        """Return the `Looks` that tests use with ``--max-repeats``; a shard only writes the plan."""
        config = self._config
        if config.max_repeats is None:
            return None
        from qcal_plugin.session.looks import Looks, look_plan

        plan = look_plan(run.evaluation, config.repeats, config.max_repeats)
        if run.gates is not None and config.selection.shard is None:
            self._looks = Looks(
                run.evaluation,
                plan,
                run.gates,
                run.baselines,
                say=self._progress.say,
                waits=self._controller,
            )
        return self._looks

    def _run_tests_here(self, run: PreparedRun, asked: Asked) -> None:
        runner = Runner(
            self._config,
            dataset=run.studied,
            items=run.items,
            source=LocalSource(asked, self._progress),
            identity=run.identity,
        )
        self._pytest_config.stash[RUNNER] = runner
        self._pytest_config.pluginmanager.register(runner, "qcal-runner")

    def _serve_workers(self, run: PreparedRun, asked: Asked) -> None:
        server = ChannelServer(run.evaluation.engine.loop, demand=asked.demand, declare=asked.declare)
        address = server.start()
        self._exits.callback(server.close)
        self._worker_input = WorkerInput(
            address=address,
            studied=run.studied.place,
            items=tuple(run.items) if self._config.answers else None,
            identity=tuple(run.identity),
        ).to_json()

    def _record(self, report: pytest.TestReport) -> None:
        text = getattr(report, "qcal_record", None)
        if text is None or self._run is None:
            return
        del report.qcal_record  # pytest keeps reports to the end
        try:
            self._run.evaluation.take(record_from_line(text))
        except (JournalError, EngineStopped) as error:
            report.outcome = "failed"
            report.longrepr = log_line(f"not recorded: {error}")
            self._trouble = self._trouble or str(error)
            self._run.evaluation.engine.drain(str(error))

    def _illustrate(self) -> None:
        """Start at the first report: all items are planned by then, and the first requests have been sent."""
        if self._illustrator is not None:
            self._illustrator.start()

    def _stop_at_maxfail(self, report: pytest.TestReport) -> None:
        self._failures += report.failed
        if self._run is not None and self._at_maxfail:
            self._run.evaluation.engine.abandon(f"stopping after {self._failures} failures")

    @property
    def _at_maxfail(self) -> bool:
        return 0 < self._config.maxfail <= self._failures

    def _stop_asking(self) -> None:
        if self._run is not None:
            engine = self._run.evaluation.engine
            if not self._at_maxfail:  # which pytest says itself
                self._trouble = self._trouble or engine.stopped
            engine.close()

    def _summarise(self, run: PreparedRun, terminal: pytest.TerminalReporter) -> None:
        errors, floors = self._config.errors, self._config.floors
        texts = self._illustrator is not None
        reported = print_tables(
            run.evaluation, terminal, errors=errors, floors=floors, gates=self._gates, texts=texts
        )
        self._has_reports = reported is not None
        if self._illustrator is not None:
            self._page = write_page(
                run, self._illustrator, reported, errors=errors, gates=self._gates, progress=self._steps
            )

    def _decide(self, session: pytest.Session) -> None:
        in_error = session.exitstatus in {pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERNAL_ERROR}
        run = self._run
        if run is not None and run.gates is not None and not in_error:
            from qcal_plugin.session.gating import gate_session

            self._gates = gate_session(
                session, run.gates, run.baselines, run.evaluation.directory, self._trouble
            )

    def _close_log(self) -> None:
        if self._terminal is not None and self._run is not None:
            for line in self._last_lines(self._run):
                self._terminal.write_line(line)

    def _last_lines(self, run: PreparedRun) -> Iterator[str]:
        if run.evaluation.directory.manifest.planned:
            yield from map(log_line, (*self._page, *closing_lines(run.evaluation, self._trouble)))
        elif run.items:
            option = self._pytest_config.getoption
            yield log_line(f"qcal: {nothing_selected(option('keyword'), option('markexpr'), run.items)}")
        if self._gates is not None:
            from qcal_plugin.session.gating import gate_lines

            yield from gate_lines(self._gates, shown(run.evaluation.directory.path))

    @property
    def _terminal(self) -> pytest.TerminalReporter | None:
        return self._pytest_config.pluginmanager.get_plugin("terminalreporter")
