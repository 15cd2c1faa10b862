"""The role of this process: owner of a run, worker, collection only, dry run, or none of them."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from qcal_plugin.cli.options import RunConfig, asks_for_run, read_config
from qcal_plugin.cli.paths import aim, names_benchmark, names_loads
from qcal_plugin.cli.service import asks_for_load
from qcal_plugin.cli.spelling import first_given
from qcal_plugin.service.role import take_load_role
from qcal_plugin.studies.selection import select_items
from qcal_plugin.worker import collection
from qcal_plugin.worker.keys import RUNNER, WORKER_INPUT
from reports.records.plain_text import log_text
from reports.records.records import PlannedItem
from reports.records.steps import StepProgress
from scoring.errors import QCalError

if TYPE_CHECKING:
    from qcal_plugin.dataset.prepare import Progress

NO_MODEL = "no model to ask: add --model-url http://localhost:8000/v1, or --demo to try it without one"
LOOKS = ("collectonly", "setupplan")
SHOWS = ("showfixtures", "show_fixtures_per_test", "cacheshow")
"""Options under which no test runs. Under `SHOWS` no test is collected, either."""
DISCOURAGED_SCHEDULERS = frozenset({"loadscope", "loadfile", "loadgroup"})


def take_role(config: pytest.Config) -> None:
    """Register the plugins of this process's role, and find the tests.

    Raises pytest.UsageError on a mistake.
    """
    config.add_cleanup(gc.unfreeze)  # undoes spare_garbage_collection, after pytest's last collections
    if WORKER_INPUT in getattr(config, "workerinput", {}) or asks_for_run(config):
        collection.collect_garbage_less_often(config)
    _register_role(config)
    if asks_for_run(config) or asks_for_load(config):
        aim(config, at_loads=asks_for_load(config))


def _register_role(config: pytest.Config) -> None:
    worker_input = getattr(config, "workerinput", {}).get(WORKER_INPUT)
    if worker_input is not None:
        _become_worker(config, worker_input)
    elif asks_for_load(config) or names_loads(config.args):
        take_load_role(config, collect_only=_any_given(config, *LOOKS, *SHOWS))
    elif _any_given(config, *LOOKS):
        config.pluginmanager.register(CollectionOnly(read_config(config)), "qcal-collection")
    elif _any_given(config, *SHOWS):
        return  # no test runs
    elif config.option.dry_run:
        _become_dry_run(config)
    elif asks_for_run(config):
        _become_owner(config)
    else:
        config.pluginmanager.register(NoRun(), "qcal-no-run")


def _any_given(config: pytest.Config, *names: str) -> bool:
    return any(config.getoption(name, default=None) for name in names)


def _become_owner(config: pytest.Config) -> None:
    from qcal_plugin.session.owner import RunOwner

    distributed = config.getoption("dist", "no") != "no"
    if distributed:
        _check_distribution(config)
    session = RunOwner(config, read_config(config), controller=distributed)
    config.pluginmanager.register(session, "qcal-session")


def _become_dry_run(config: pytest.Config) -> None:
    from qcal_plugin.session.data import prepare_studied
    from qcal_plugin.session.dry_run import DryRun
    from reports.records.steps import StepProgress

    if config.getoption("dist", "no") != "no":
        raise pytest.UsageError("--dry-run runs nothing: leave out -n")
    run_config = read_config(config)
    try:
        dataset = prepare_studied(run_config, progress=StepProgress(config.get_verbosity()))
        config.pluginmanager.register(DryRun(config, run_config, dataset), "qcal-dry-run")
    except QCalError as error:
        raise pytest.UsageError(log_text(str(error))) from error


def _become_worker(config: pytest.Config, worker_input: str) -> None:
    from qcal_plugin.worker.remote import worker_runner

    runner = worker_runner(read_config(config), worker_input)
    config.stash[RUNNER] = runner
    config.pluginmanager.register(runner, "qcal-runner")


def _check_distribution(config: pytest.Config) -> None:
    """Refuse settings under which workers cannot reach the engine, or run each item several times."""
    scheduler = config.getoption("dist")
    if scheduler == "each":
        raise pytest.UsageError("--dist=each runs every item on each worker; use --dist=load")
    remote = [spec for spec in config.getoption("tx", []) or [] if "ssh=" in spec or "socket=" in spec]
    if remote:
        raise pytest.UsageError(
            f"--tx {remote[0]}: a worker on another machine cannot reach this run's engine; "
            "run a part there with --shard 1/2 and merge the parts with: python -m reports merge"
        )
    if scheduler == "worksteal" and config.getoption("max_repeats"):
        raise pytest.UsageError(
            "--dist=worksteal runs items out of order, and --max-repeats needs them in order; use --dist=load"
        )
    if scheduler in DISCOURAGED_SCHEDULERS:
        config.issue_config_time_warning(
            pytest.PytestConfigWarning(
                f"--dist={scheduler} may repeat requests or hang after a crash; prefer load or worksteal"
            ),
            stacklevel=2,
        )


class NoRun:
    """The command line requests no run: skip the benchmark's tests with a reason."""

    @pytest.hookimpl
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Raise pytest.UsageError if the command names the benchmark, or one of our options, but no model."""
        if names_benchmark(session.config.args):
            raise pytest.UsageError(NO_MODEL)
        flag = first_given(session.config.invocation_params.args)
        if flag is not None:
            raise pytest.UsageError(f"{flag}: {NO_MODEL}")

    @pytest.hookimpl
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Skip benchmark tests that were collected with others."""
        if collection.asked_mode(metafunc) is not None:
            collection.parametrize_skipped(metafunc, NO_MODEL)


class CollectionOnly:
    """``--collect-only``: the items that a run would have, without an engine or an endpoint."""

    def __init__(self, config: RunConfig) -> None:
        self._config = config
        self._items: Iterable[PlannedItem] | None = None

    @pytest.hookimpl
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Prepare the dataset before output is captured, so that progress is visible.

        Collection reports errors.
        """
        if names_benchmark(session.config.args):
            with suppress(pytest.Collector.CollectError):
                self._selected(StepProgress(session.config.get_verbosity()))

    @pytest.hookimpl
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one test per item of the function's mode."""
        mode = collection.asked_mode(metafunc)
        if mode is not None:
            collection.parametrize(metafunc, [item for item in self._selected() if item.key.mode is mode])

    @pytest.hookimpl
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put zero-shot items first, as in a run."""
        collection.drop_unasked(items)
        collection.put_in_order(items, by_repeat=self._config.max_repeats is not None)

    def _selected(self, progress: Progress | None = None) -> Iterable[PlannedItem]:
        if self._items is None:
            self._items = _collect(self._config, progress)
        return self._items


def _collect(config: RunConfig, progress: Progress | None) -> Iterable[PlannedItem]:
    from qcal_plugin.session.data import prepare_studied

    try:
        return select_items(config.selection, prepare_studied(config, progress=progress))
    except QCalError as error:
        raise pytest.Collector.CollectError(log_text(str(error))) from error
