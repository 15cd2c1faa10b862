"""``--list``: the names that ``-k`` and ``-m`` can choose from."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

import pytest

from qcal_plugin.cli.options import read_config
from qcal_plugin.session.data import prepare_studied
from reports.records.names import MODE_NAMES, question_name
from reports.records.plain_text import log_text
from reports.records.steps import StepProgress
from scoring.errors import QCalError
from scoring.questions import Mode, Question


class Listing(StrEnum):
    """What can be listed."""

    FAMILIES = "families"
    SCENARIOS = "scenarios"
    QUESTIONS = "questions"


def show_list(config: pytest.Config) -> pytest.ExitCode:
    """Print what ``--list`` names. Raises pytest.UsageError."""
    given = config.getoption("list")
    if given not in set(Listing):
        raise pytest.UsageError(f"--list {given}: choose from {', '.join(Listing)}")
    lines = listed(Listing(given), config)
    sys.stdout.writelines(f"{log_text(line)}\n" for line in lines)  # before there is a terminal reporter
    return pytest.ExitCode.OK


def listed(what: Listing, config: pytest.Config) -> Iterator[str]:
    """Yield the lines to print."""
    match what:
        case Listing.QUESTIONS:
            yield from (_question_line(question) for question in Question)
            yield """choose with --questions Q2,Q6, -k "Q6 and zeroshot" or -m "qcal(question='Q6', mode='icl')\""""
        case Listing.FAMILIES:
            families = _scenarios(config)
            width = max(map(len, families))
            for family, scenarios in families.items():
                yield f"{family:{width}}  {len(scenarios)} scenario type{'s' if len(scenarios) > 1 else ''}"
            yield """choose with -k rabi, which also matches rabi_hw, or -m "qcal(family='rabi')", which does not"""
        case Listing.SCENARIOS:
            for family, scenarios in _scenarios(config).items():
                yield from (f"{family}  {scenario}" for scenario in scenarios)
            yield """choose with -m "qcal(scenario='rabi_success')\""""


def _question_line(question: Question) -> str:
    modes = " and ".join(MODE_NAMES[mode] for mode in Mode if question in mode.questions)
    judged = "; graded by a judge" if question.needs_judge else ""
    return f"{question_name(question):16}  {question.task}: {modes}{judged}"


def _scenarios(config: pytest.Config) -> Mapping[str, Sequence[str]]:
    """Return scenario types by family: those of the named dataset, else the benchmark's, which the simulators share."""
    if any(config.getoption(name) for name in ("dataset", "mix", "demo")):
        try:
            progress = StepProgress(config.get_verbosity())
            samples = prepare_studied(read_config(config), progress=progress).dataset.samples
        except QCalError as error:
            raise pytest.UsageError(log_text(str(error))) from error
        families = {sample.family for sample in samples}
        return {
            family: sorted({sample.scenario_type for sample in samples if sample.family == family})
            for family in sorted(families)
        }
    from synthetic.families import family_names, load_family

    return {
        name: sorted(scenario.name for scenario in load_family(name).scenarios) for name in family_names()
    }
