"""Hooks and fixtures of the suite.

Each makes one call; none does anything unless the command line requests a run.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qcal_plugin.cli.declarations import add_options
from qcal_plugin.cli.service import asks_for_load
from qcal_plugin.cli.spelling import run_respelled
from qcal_plugin.roles import take_role
from qcal_plugin.service.keys import LOAD_SESSION
from qcal_plugin.worker import collection
from qcal_plugin.worker.keys import RUNNER
from scoring.score import Score

if TYPE_CHECKING:
    from qcal_plugin.worker.measuring import CaseUnderTest
    from reports.records.records import Answer, PlannedItem, Verdict
    from reports.service.records import LoadLevel, MeasuredLevel


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the command-line options."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | pytest.ExitCode | None:
    """Keep option values from changing pytest's rootdir; handle ``--list``."""
    status = run_respelled(config)
    if status is None and config.getoption("list") is not None:
        from qcal_plugin.session.listing import show_list

        return show_list(config)
    return status


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers and determine this process's role in a run."""
    for line in collection.MARKERS:
        config.addinivalue_line("markers", line)
    take_role(config)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Ignore the file of load tests unless the command line requests a load."""
    return True if collection.is_load_file(collection_path) and not asks_for_load(config) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Drop load tests unless the command line requests a load."""
    if not asks_for_load(config):
        collection.drop_loads(items)


@pytest.fixture
def case(pytestconfig: pytest.Config, planned_item: PlannedItem) -> CaseUnderTest:
    """The item under test: its sample, question and mode, and ``case.score(answer, verdicts)``."""
    return pytestconfig.stash[RUNNER].case(planned_item)


@pytest.fixture
def model_answer(pytestconfig: pytest.Config, planned_item: PlannedItem) -> Answer:
    """The model's answer to the item, from ``--model-url``.

    A missing answer is an error of the item, never a score.
    """
    return pytestconfig.stash[RUNNER].answer(planned_item)


@pytest.fixture
def judge_verdicts(
    pytestconfig: pytest.Config, planned_item: PlannedItem, model_answer: Answer
) -> tuple[Verdict, ...]:
    """Each judge's grades of the answer's key points, from ``--judge-url``; empty for Q2, Q4, Q5 and Q6."""
    return pytestconfig.stash[RUNNER].verdicts(planned_item, model_answer)


@pytest.fixture
def record_score(pytestconfig: pytest.Config, case: CaseUnderTest) -> Callable[[Score], None]:
    """A function that records the item's score: in the run directory, as user properties and in JUnit XML."""
    return partial(pytestconfig.stash[RUNNER].record, case)


@pytest.fixture
def measured_load(request: pytest.FixtureRequest, load_level: LoadLevel) -> MeasuredLevel:
    """The requests of a load (``--parallel``, ``--rate``) after it ended.

    A load without any answer is an error.
    """
    return request.config.stash[LOAD_SESSION].measure(load_level)


@pytest.fixture
def highest_load(request: pytest.FixtureRequest) -> int:
    """The largest number of requests in flight that meets ``--slo``, with ``--find-max-load``."""
    return request.config.stash[LOAD_SESSION].find_highest_load()
