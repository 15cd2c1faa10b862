"""Paths on the command line: which of them hold the benchmark's tests, and which tests run without a path.

Imports only the standard library and pytest: `qcal_plugin.entry` needs it in every pytest session of an
environment.
"""

from __future__ import annotations

import ast
import importlib.util
import os
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

FOLDER = "test_qcaleval"
ITEM_FILE = "test_zeroshot.py"
LOAD_FILE = "test_service.py"
TEST_MARKERS = frozenset({"qcal_asks", "qcal_load"})
"""Markers of test functions that take part in an evaluation; a user's tests may carry them, too."""


def names_benchmark(arguments: Iterable[str]) -> bool:
    """Return whether a path lies in this suite's ``test_qcaleval``, or names the package (``--pyargs``)."""
    return any(_is_benchmark_path(argument.partition("::")[0]) for argument in arguments)


def names_loads(arguments: Iterable[str]) -> bool:
    """Return whether the command line names the file of the load tests."""
    return any(Path(argument.partition("::")[0]).name == LOAD_FILE for argument in arguments)


def benchmark_folder(rootdir: Path) -> Path:
    """Return the folder of the benchmark's tests, of a checkout or installed. Raises pytest.UsageError."""
    if is_checkout(rootdir):
        return rootdir / FOLDER
    spec = importlib.util.find_spec(FOLDER)
    if spec is None or not spec.submodule_search_locations:
        raise pytest.UsageError(f"the package {FOLDER} cannot be imported: install qcaleval-pytest again")
    return Path(next(iter(spec.submodule_search_locations)))


def is_checkout(rootdir: Path) -> bool:
    """Return whether the folder holds the benchmark's tests, as a checkout of this suite does."""
    return (rootdir / FOLDER / ITEM_FILE).is_file()


def aim(config: pytest.Config, *, at_loads: bool) -> None:
    """Point the session at the benchmark if the command line names no path.

    A path that is named must hold tests that take part in an evaluation. Raises pytest.UsageError.
    """
    folder = benchmark_folder(config.rootpath)
    if not config.args or config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args[:] = [str(folder / LOAD_FILE) if at_loads else str(folder)]
        config.args_source = pytest.Config.ArgsSource.ARGS
        return
    if not config.getoption("pyargs"):
        config.args[:] = [
            _installed(argument, folder, config.invocation_params.dir) for argument in config.args
        ]
    _check_paths(config)


def _installed(argument: str, folder: Path, invocation_dir: Path) -> str:
    """Return the path. One in ``test_qcaleval`` means the installed package if there is no such folder."""
    path, separator, rest = argument.partition("::")
    first, *others = Path(path).parts or ("",)
    if first != FOLDER or (invocation_dir / path).exists():
        return argument
    return str(folder.joinpath(*others)) + separator + rest


def _check_paths(config: pytest.Config) -> None:
    paths = [_resolved(argument, config) for argument in config.args]
    for argument, path in zip(config.args, paths, strict=True):
        if path is not None and not path.exists():
            raise pytest.UsageError(f"file or directory not found: {argument}")
    known = [path for path in paths if path is not None]
    if len(known) == len(paths) and not any(_holds_items(path, config) for path in known):
        raise pytest.UsageError(
            f"no evaluation item in {', '.join(config.args)}: leave the path out to evaluate the benchmark, "
            "or leave out the model to run these tests"
        )


def _resolved(argument: str, config: pytest.Config) -> Path | None:
    """Return the argument as a path; None for the name of a module, which pytest resolves."""
    name = argument.partition("::")[0]
    path = config.invocation_params.dir / name
    return None if config.getoption("pyargs") and not path.exists() else path


def _holds_items(path: Path, config: pytest.Config) -> bool:
    if path.is_file():
        return _takes_part(path)
    patterns, skipped = config.getini("python_files"), config.getini("norecursedirs")
    return any(_takes_part(file) for file in _test_files(path, patterns, skipped))


def _test_files(folder: Path, patterns: Iterable[str], skipped: Iterable[str]) -> Iterator[Path]:
    """Yield the files that pytest would collect.

    Virtual environments and excluded folders are not searched.
    """
    for parent, folders, files in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if not any(fnmatch(name, pattern) for pattern in skipped)
            and not Path(parent, name, "pyvenv.cfg").exists()
        ]
        yield from (
            Path(parent, name)
            for name in sorted(files)
            if any(fnmatch(name, pattern) for pattern in patterns)
        )


def _takes_part(file: Path) -> bool:
    """Return whether a test file uses one of TEST_MARKERS or imports the benchmark's tests, not merely in a string."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return True  # pytest reports what is wrong with it
    return any(
        (isinstance(node, ast.Attribute) and node.attr in TEST_MARKERS)
        or (isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == FOLDER)
        for node in ast.walk(tree)
    )


def _is_benchmark_path(path: str) -> bool:
    absolute = Path(path).absolute()
    if not absolute.exists():
        return path.replace("/", ".").partition(".")[0] == FOLDER
    return any(
        folder.name == FOLDER and is_checkout(folder.parent) for folder in (absolute, *absolute.parents)
    )
