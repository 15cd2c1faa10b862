"""Test items of the benchmark: collection, node ids and markers."""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pytest

from qcal_plugin.cli.paths import FOLDER, LOAD_FILE
from reports.records.records import PlannedItem
from scoring.questions import Mode

ASKS_MARKER = "qcal_asks"
ITEM_MARKER = "qcal"
LOAD_MARKER = "qcal_load"
PARAMETER = "planned_item"
LOAD_PARAMETER = "load_level"

GC_THRESHOLDS = (10_000, 20, 20)
"""Thresholds of the three generations, as `gc.set_threshold` takes them."""

MARKERS = (
    f"{ASKS_MARKER}(mode): the test function asks every selected item of this mode",
    f"{ITEM_MARKER}(family, scenario, question, mode, sample, variant): filter with -m \"qcal(family='rabi')\"",
    f"{LOAD_MARKER}: a load test (--parallel, --rate); without a load it is not collected",
)


def asked_mode(metafunc: pytest.Metafunc) -> Mode | None:
    """Return the mode of a test function's items; None for tests outside the benchmark."""
    marker = metafunc.definition.get_closest_marker(ASKS_MARKER)
    if marker is None:
        return None
    named = [*marker.args, *marker.kwargs.values()]
    if len(named) != 1 or named[0] not in set(Mode):
        raise pytest.Collector.CollectError(
            f'{metafunc.definition.nodeid}: {ASKS_MARKER} names no mode; expected {ASKS_MARKER}(mode="zeroshot") or icl'
        )
    return Mode(named[0])


def parametrize(metafunc: pytest.Metafunc, items: Iterable[PlannedItem]) -> None:
    """Make one test for each item."""
    metafunc.parametrize(PARAMETER, [_parameter(item) for item in items])


def parametrize_skipped(metafunc: pytest.Metafunc, reason: str) -> None:
    """Make one skipped test whose reason says why there are no items."""
    metafunc.parametrize(PARAMETER, [pytest.param(None, id="none", marks=pytest.mark.skip(reason=reason))])


def planned_item(item: pytest.Item) -> PlannedItem | None:
    """Return the item that a collected test measures; None for other tests."""
    callspec = getattr(item, "callspec", None)
    value = callspec.params.get(PARAMETER) if callspec is not None else None
    return value if isinstance(value, PlannedItem) else None


def may_be_skipped(item: pytest.Item) -> bool:
    """Return whether a marker may skip the test; if so, nothing is asked before it starts."""
    return any(item.get_closest_marker(name) is not None for name in ("skip", "skipif"))


def drop_unasked(items: list[pytest.Item]) -> None:
    """Remove, in place, the test that pytest makes for a mode without items, which would only be skipped."""
    items[:] = [item for item in items if planned_item(item) is not None or not _asks(item)]


def drop_loads(items: list[pytest.Item]) -> None:
    """Remove, in place, the load tests."""
    items[:] = [item for item in items if not is_load(item)]


def is_load_file(path: Path) -> bool:
    """Return whether this is the suite's file of load tests."""
    return path.name == LOAD_FILE and path.parent.name == FOLDER


def is_load(item: pytest.Item) -> bool:
    """Return whether this is a load test."""
    return item.get_closest_marker(LOAD_MARKER) is not None


def put_in_order(items: list[pytest.Item], *, by_repeat: bool = False) -> None:
    """Sort benchmark tests by mode, in place, or by repeat and then by mode.

    Other tests keep their places.
    """
    modes = list(Mode)
    benchmark_items = [
        (index, planned) for index, item in enumerate(items) if (planned := planned_item(item)) is not None
    ]
    in_order = sorted(
        benchmark_items,
        key=lambda entry: (entry[1].key.repeat if by_repeat else 0, modes.index(entry[1].key.mode)),
    )
    moved = [items[index] for index, _ in in_order]
    for (index, _), item in zip(benchmark_items, moved, strict=True):
        items[index] = item


def item_id(item: PlannedItem) -> str:
    """Return the readable part of a node id, such as ``rabi_hw-rabi_hw_success_a-Q6``."""
    key = item.key
    repeat = [f"r{key.repeat}"] if key.repeat else []
    variant = [key.variant] if key.variant else []
    return "-".join([item.family, key.sample_id, key.question, *variant, *repeat])


def spare_garbage_collection() -> None:
    """Exclude what was imported and collected from garbage collections; it lives until the session ends."""
    gc.freeze()


def collect_garbage_less_often(config: pytest.Config) -> None:
    """Raise the thresholds of the garbage collector until the session ends, and skip its work at the process's exit.

    A run makes many objects that live until its end, so frequent collections free next to nothing. With
    Python's thresholds they take 7% of a run's CPU time. The collections at exit take another 6%, for memory
    that the process is about to release anyway.
    """
    atexit.unregister(gc.freeze)  # an earlier session in this process may have registered it
    atexit.register(gc.freeze)
    config.add_cleanup(partial(gc.set_threshold, *gc.get_threshold()))
    gc.set_threshold(*GC_THRESHOLDS)


def _asks(item: pytest.Item) -> bool:
    return item.get_closest_marker(ASKS_MARKER) is not None


def _parameter(item: PlannedItem) -> object:
    key = item.key
    mark = pytest.mark.qcal(
        family=item.family,
        scenario=item.scenario_type,
        question=key.question.value,
        mode=key.mode.value,
        sample=key.sample_id,
        variant=key.variant,
    )
    return pytest.param(item, id=item_id(item), marks=mark)
