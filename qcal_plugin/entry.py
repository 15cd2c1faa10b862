"""The plugin's entry point: load the real plugin, `qcal_plugin.plugin`, only in sessions that request an evaluation.

pytest imports this module in every session of an environment that has the suite installed. So it imports only
the standard library and pytest, and it adds no option, marker or fixture to other projects' sessions.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from copy import copy

import pytest

from qcal_plugin.cli.paths import benchmark_folder, is_checkout, names_benchmark

PLUGIN = "qcal_plugin.plugin"
ASKING = frozenset(
    {
        *("--model-url", "--demo", "--baseline", "--answers", "--dry-run", "--list", "--resume"),
        *("--parallel", "--rate", "--replay", "--find-max-load"),
    }
)
"""Options that request an evaluation."""

UNMISTAKABLE = "--model-url"
DEFINED_TWICE = re.compile("already (added|used)")
"""The text of pytest's ValueError about an option that two plugins define."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: Sequence[str]
) -> Generator[None, None, None]:
    """Load the plugin if the command line requests an evaluation.

    If the request is certain, the plugin is loaded before conftest.py files, whose options must not have the
    names of ours. If not, it is loaded after them, and only for an option that nobody else defines: another
    project may have its own ``--demo``.
    """
    certain = _surely_asks(early_config, args)
    if certain:
        _load(early_config)
        _spare_other_conftests(early_config, parser, args)
    try:
        yield
    except ValueError as error:
        if not certain or not DEFINED_TWICE.search(str(error)):
            raise
        raise pytest.UsageError(_conflict(error)) from error
    if not certain and _asking(parser.parse_known_and_unknown_args(args)[1]):
        _load(early_config)


def _surely_asks(config: pytest.Config, args: Sequence[str]) -> bool:
    asking = _asking(args)
    return (
        UNMISTAKABLE in asking
        or names_benchmark(argument for argument in args if not argument.startswith("-"))
        or (bool(asking) and is_checkout(config.rootpath))
    )


def _asking(args: Sequence[str]) -> frozenset[str]:
    return ASKING & {argument.partition("=")[0] for argument in args}


def _load(config: pytest.Config) -> None:
    """Register the plugin, which adds its options.

    Raises pytest.UsageError if another plugin has one of them.
    """
    try:
        config.pluginmanager.import_plugin(PLUGIN)
    except ValueError as error:
        if not DEFINED_TWICE.search(str(error)):
            raise
        raise pytest.UsageError(_conflict(error)) from error


def _spare_other_conftests(config: pytest.Config, parser: pytest.Parser, args: Sequence[str]) -> None:
    """Without a path, load the conftest.py files of the benchmark, because the tests in ``testpaths`` do not run."""
    named = parser.parse_known_args(args, namespace=copy(config.option)).file_or_dir
    existing = [path for path in named if (config.invocation_params.dir / path.partition("::")[0]).exists()]
    config.known_args_namespace.file_or_dir = existing or [str(benchmark_folder(config.rootpath))]


def _conflict(error: ValueError) -> str:
    return (
        f"an option of this suite and one of another plugin or conftest.py have the same name ({error}): "
        "disable the other one with -p no:NAME or --noconftest, or evaluate in a separate environment"
    )
