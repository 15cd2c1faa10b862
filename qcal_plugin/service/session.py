"""The process that owns a load test: it sets the test up, measures its loads, and writes and prints the results."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from qcal_plugin.cli.options import RunConfig
from qcal_plugin.cli.service import RandomImages, ServiceSettings
from qcal_plugin.dataset.prepare import prepare
from qcal_plugin.dataset.prepared import DatasetIdentity, PreparedDataset
from qcal_plugin.dataset.temporary import TemporaryFolder
from qcal_plugin.dataset.verified_file import VerifiedFile
from qcal_plugin.engine.failures import RequestFailed
from qcal_plugin.engine.journal import Journal
from qcal_plugin.engine.model import Sampling
from qcal_plugin.service.load import BenchmarkLoad, Load, RandomLoad, load_order
from qcal_plugin.service.runner import LoadRunner
from qcal_plugin.service.schedule import highest_load
from qcal_plugin.session.active_run import JUDGE_STAND_IN, describe, endpoint_settings, find_participants
from qcal_plugin.session.directory import RunDirectory, new_run_path
from qcal_plugin.session.preparation import RUNS_FOLDER
from qcal_plugin.studies.selection import select_items
from qcal_plugin.studies.studied import StudiedDataset
from reports.records.plain_text import log_line, log_text
from reports.records.steps import StepProgress
from reports.service.records import (
    ATTAINMENT,
    SERVICE_NAME,
    LoadLevel,
    MeasuredLevel,
    attainment,
    level_lines,
)
from scoring.errors import QCalError

HIGHEST_TRIED = 512


class ServiceSession:
    """Measures loads one after the other, in this process, and records each when it ends."""

    def __init__(self, pytest_config: pytest.Config, config: RunConfig, settings: ServiceSettings) -> None:
        self._pytest_config = pytest_config
        self._config = config
        self._settings = settings
        self._exits = ExitStack()
        self._too_fast: LoadLevel | None = None
        self._directory: RunDirectory | None = None

    # --- hooks ---

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Find prompts, endpoint and folder. A mistake ends the session here."""
        try:
            self._set_up()
        except QCalError as error:
            raise pytest.UsageError(log_text(str(error))) from error

    def pytest_report_header(self) -> list[str]:
        """Name the model, the load and the dataset."""
        if self._directory is None:
            return []
        manifest = self._directory.manifest
        lines = [
            f"qcal: load on {manifest.model} at {manifest.base_url}: {self._settings.to_json()['load']}",
            f"qcal: dataset {manifest.dataset} at {manifest.dataset_revision}",
            f"qcal: writing {_shown(self._directory.path)}",
            *(f"qcal: note: stand-in: {stand_in}" for stand_in in manifest.stand_ins),
            *(f"qcal: note: {warning}" for warning in self._warnings),
        ]
        return list(map(log_line, lines))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the tables, from the files of the run."""
        if self._directory is not None and (self._directory.path / SERVICE_NAME).stat().st_size:
            self._summarise(self._directory.path, terminalreporter)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None, None, None]:
        """Print the run's folder, below pytest's last line."""
        yield
        terminal = self._pytest_config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None and self._directory is not None:
            path = _shown(self._directory.path)
            terminal.write_line(f"qcal: written to {path}; the tables again: python -m reports {path}")

    def pytest_unconfigure(self) -> None:
        """Release all resources, even if set-up failed part-way."""
        self._exits.close()

    # --- what the fixtures hand out ---

    def measure(self, level: LoadLevel) -> MeasuredLevel:
        """Hold a load and record it. Ends the test with an error at setup if the load could not be held."""
        if self._too_fast is not None and not level.closed and level.load >= self._too_fast.load:
            pytest.skip(f"{self._too_fast.name} was already too high")
        measured = self._measured(level)
        if measured.stopped is not None:
            self._too_fast = self._too_fast if level.closed else level
            pytest.fail(log_line(f"{level.name}: {measured.stopped}"), pytrace=False)
        if not measured.answered:
            pytest.fail(
                log_line(f"{level.name}: no request was answered: {measured.first_error}"), pytrace=False
            )
        return measured

    def find_highest_load(self) -> int:
        """Return the largest number of requests in flight that keep ``--slo``.

        Every load tried is recorded.
        """
        objectives, share = self._settings.objectives, 0.0

        def meets(load: int) -> bool:
            nonlocal share
            share = attainment(self._measured(self._settings.search_level(load)), objectives)
            return share >= ATTAINMENT

        highest = highest_load(meets, HIGHEST_TRIED)
        if highest is None:
            pytest.fail(
                f"one request in flight already misses --slo: {100 * share:.0f}% of the requests keep it",
                pytrace=False,
            )
        return highest

    # --- what they do ---

    def _set_up(self) -> None:
        config, random = self._config, self._settings.random
        progress = StepProgress(self._pytest_config.get_verbosity())
        dataset = self._dataset(progress) if random is None else _no_dataset(random)
        who = find_participants(config, None, self._exits, dataset, progress)
        assert who.model is not None, "a load needs an endpoint"
        path = config.run_dir or new_run_path(
            self._pytest_config.invocation_params.dir / RUNS_FOLDER, who.model_name
        )
        manifest = describe(config, dataset, who, path.name)
        manifest = replace(
            manifest,
            judges=(),
            settings={**manifest.settings, "service": self._settings.to_json()},
            stand_ins=tuple(stand_in for stand_in in manifest.stand_ins if stand_in != JUDGE_STAND_IN),
        )
        directory = RunDirectory.open(path, manifest, resume=False)
        self._exits.callback(directory.close)
        directory.plan(())
        self._journal = Journal(directory.path / SERVICE_NAME)
        self._exits.callback(self._journal.close)
        self._warnings = (*who.warnings, *dataset.warnings)
        self._runner = LoadRunner(
            endpoint_settings(config, who.model),
            self._load(dataset, who.sampling),
            burstiness=self._settings.burstiness,
            seed=config.selection.seed,
            min_tokens=self._settings.min_tokens,
            trace=self._settings.trace,
        )
        self._directory = directory

    def _dataset(self, progress: StepProgress) -> PreparedDataset:
        return prepare(self._config.dataset, self._config.dataset_revision, progress=progress)

    def _load(self, dataset: PreparedDataset, sampling: Sampling) -> Load:
        random = self._settings.random
        if random is None:
            items = load_order(
                select_items(self._config.selection, StudiedDataset(dataset=dataset)),
                seed=self._config.selection.seed,
            )
            return BenchmarkLoad(dataset=dataset, items=items, sampling=sampling, scorer=self._config.scorer)
        folder = self._exits.enter_context(TemporaryFolder(tempfile.gettempdir(), "qcal-load-"))
        return RandomLoad(folder=folder, images=random, sampling=sampling)

    def _measured(self, level: LoadLevel) -> MeasuredLevel:
        try:
            measured = self._runner.measure(level)
        except RequestFailed as failure:
            pytest.fail(log_line(f"{level.name}: the first request failed: {failure}"), pytrace=False)
        for line in level_lines(measured):
            self._journal.append(line)
        return measured

    def _summarise(self, path: Path, terminal: pytest.TerminalReporter) -> None:
        from reports.records.run_files import RunFileError
        from reports.render.text import render
        from reports.service.report import publish_service

        try:
            document = publish_service(path)
        except (RunFileError, OSError) as error:
            remedy = f"Once fixed, run: python -m reports {_shown(path)}"
            terminal.write_line(log_line(f"qcal: could not write the report: {error}. {remedy}"))
            return
        if self._pytest_config.get_verbosity() > -2:
            terminal.section("QCalEval: service", "=")
            terminal.write_line(render(document, width=shutil.get_terminal_size().columns))


def _no_dataset(random: RandomImages) -> PreparedDataset:
    """Return a dataset without samples, for loads of random images."""
    identity = DatasetIdentity(name=str(random), revision="made for this study")
    nowhere = Path()
    return PreparedDataset(
        directory=nowhere,
        identity=identity,
        warnings=(),
        samples=(),
        images={},
        references=VerifiedFile(nowhere, ""),
        prompts=VerifiedFile(nowhere, ""),
        floors=VerifiedFile(nowhere, ""),
        _floor_spans={},
        _entries={},
    )


def _shown(path: Path) -> Path:
    """Return the path as a person would type it in the current folder."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
