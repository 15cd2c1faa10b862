"""Set up the process that runs load tests, and refuse mistakes before anything is sent."""

from __future__ import annotations

import pytest

from qcal_plugin.cli.options import read_config
from qcal_plugin.cli.paths import LOAD_FILE
from qcal_plugin.cli.service import LOAD_OPTIONS, asks_for_load, read_service
from qcal_plugin.service.collection import LoadItems
from qcal_plugin.service.keys import LOAD_SESSION

NO_LOAD = f"{LOAD_FILE} runs load tests: add --parallel 1,2,5 or --rate 2"


def take_load_role(config: pytest.Config, *, collect_only: bool) -> None:
    """Register the plugins of a load test. Raises pytest.UsageError if the command line cannot work."""
    if not asks_for_load(config):
        raise pytest.UsageError(NO_LOAD)
    settings = read_service(config)
    run_config = read_config(config)
    _check_together(config)
    config.pluginmanager.register(LoadItems(settings), "qcal-loads")
    if not collect_only:
        from qcal_plugin.service.session import ServiceSession

        session = ServiceSession(config, run_config, settings)
        config.stash[LOAD_SESSION] = session
        config.pluginmanager.register(session, "qcal-session")


def _check_together(config: pytest.Config) -> None:
    flag = next(f"--{name.replace('_', '-')}" for name in LOAD_OPTIONS if config.getoption(name))
    if not (config.getoption("model_url") or config.getoption("demo") or config.getoption("baseline")):
        raise pytest.UsageError(
            f"{flag}: no model to ask: add --model-url http://localhost:8000/v1, or --demo"
        )
    if config.getoption("dist", "no") != "no":
        raise pytest.UsageError(f"{flag}: one process holds the load: leave out -n")
    if config.getoption("judge_url"):
        raise pytest.UsageError(f"{flag}: judging would disturb the load: leave out --judge-url")
    if config.getoption("mix"):
        raise pytest.UsageError(
            f"{flag}: a load takes its requests from one dataset: use --dataset instead of --mix"
        )
    for name in ("shots", "control", "perturb"):
        if config.getoption(name):
            raise pytest.UsageError(f"{flag} sends the benchmark's prompts: leave out --{name}")
    for name in ("dry_run", "resume"):
        if config.getoption(name):
            raise pytest.UsageError(f"{flag} and --{name.replace('_', '-')}: give one of them")
