"""Prepare a run: its dataset, items, endpoints and folder, with errors for everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from qcal_plugin.cli.options import RunConfig
from qcal_plugin.dataset.prepare import Progress
from qcal_plugin.dataset.prepared import PreparedDataset
from qcal_plugin.session.active_run import ActiveRun, Participants, describe, find_participants
from qcal_plugin.session.data import prepare_studied
from qcal_plugin.session.descriptors import within_limit
from qcal_plugin.session.directory import MANIFEST_FILE, RunDirectory, RunDirectoryError, new_run_path
from qcal_plugin.session.stored import load_stored_answers
from qcal_plugin.studies.selection import select_items
from qcal_plugin.studies.studied import StudiedDataset
from reports.gates.file import GateFile
from reports.records.files import is_there
from reports.records.records import PlannedItem, Run, RunManifest, identity_properties
from reports.records.run_files import CanaryJudge

LAST_RUN = "qcal/last_run"
RUNS_FOLDER = "runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedRun:
    """A run that is ready to ask.

    Attributes:
        items: those that the command line selects, without those missing from stored answers.
        identity: properties that every test of the run carries.
        canary: how the judges graded the canary; empty without ``--judge-canary``.
        gates: the gates of ``--gate``, with the folders of their baselines; None without them.
        baselines: the runs that ``--gate`` compares with, by path.
        notes: what else the user should know beforehand, a line each.
    """

    evaluation: ActiveRun
    studied: StudiedDataset
    who: Participants
    items: Sequence[PlannedItem]
    identity: Sequence[tuple[str, str]]
    canary: Sequence[CanaryJudge]
    gates: GateFile | None
    baselines: Mapping[Path, Run]
    notes: Sequence[str] = ()


def prepare_run(
    pytest_config: pytest.Config, config: RunConfig, exits: ExitStack, progress: Progress
) -> PreparedRun:
    """Set up a run; `exits` gets the resources to release, even if this fails part-way. Raises QCalError.

    `progress` is called during long steps, if the dataset is new here.
    """
    config, notes = within_limit(config)
    stored = load_stored_answers(config.answers) if config.answers else None
    name = pytest_config.getoption("dataset") or (stored.dataset if stored else None) or config.dataset
    variants = frozenset() if stored is None else stored.variants
    prepare_again = partial(prepare_studied, config, name=name, variants=variants)
    studied = prepare_again(progress=progress)
    if stored is not None and stored.seed is not None:
        studied = replace(studied, seed=stored.seed)
    dataset = studied.dataset
    if stored is not None:
        stored = stored.of_samples(dataset).of_parts(dataset)
        stored.check_mix(dataset)
    selection = config.selection if stored is None else stored.narrowed(config.selection)
    items = select_items(selection, studied)
    items = items if stored is None else stored.planned_among(items, config.selection.modes)
    who = find_participants(config, stored, exits, dataset, progress)
    gates, baselines, forecasts = _check_gates(config, describe(config, dataset, who, ""), items)
    directory = _open_directory(pytest_config, config, dataset, who, exits)
    evaluation = ActiveRun(config, studied, who, directory, prepare_again=prepare_again)
    exits.callback(evaluation.close)
    return PreparedRun(
        evaluation=evaluation,
        studied=studied,
        who=who,
        items=items,
        identity=identity_properties(directory.manifest),
        canary=evaluation.try_judges() if config.judge_canary else (),
        gates=gates,
        baselines=baselines,
        notes=(*notes, *forecasts),
    )


def _check_gates(
    config: RunConfig, manifest: RunManifest, items: Sequence[PlannedItem]
) -> tuple[GateFile | None, Mapping[Path, Run], Sequence[str]]:
    """Return the gates, their baselines, and notes on gates that are unlikely to reach a verdict.

    A run that continues may hold more items than this command asks, so its samples are only checked at its
    end.
    """
    if config.gates is None:
        return None, {}, ()
    from qcal_plugin.ci.baselines import with_artifacts
    from reports.gates.check import check_samples, load_baselines
    from reports.records.outcomes import identity_of

    gates = with_artifacts(config.gates)
    baselines = load_baselines(gates, identity_of(manifest))
    if config.resume or config.last_failed:
        return gates, baselines, ()
    looks = () if config.max_repeats is None else range(config.repeats, config.max_repeats + 1)
    return gates, baselines, check_samples(gates, manifest, items, baselines, looks=looks)


def _open_directory(
    pytest_config: pytest.Config,
    config: RunConfig,
    dataset: PreparedDataset,
    who: Participants,
    exits: ExitStack,
) -> RunDirectory:
    """Open the run's folder and remember it for ``--lf`` and ``--resume``.

    Both are undone if nothing was planned.
    """
    cache: pytest.Cache | None = getattr(
        pytest_config, "cache", None
    )  # there is none under -p no:cacheprovider
    path, resume = _run_path(config, cache, pytest_config.invocation_params.dir / RUNS_FOLDER, who.model_name)
    directory = RunDirectory.open(
        path,
        describe(config, dataset, who, path.name),
        resume=resume,
        rebuild=config.rebuild,
        revision_of_part=dataset.revision_of_part,
    )
    exits.callback(_discard_unplanned, directory, cache, None if cache is None else cache.get(LAST_RUN, None))
    exits.callback(directory.close)
    if cache is not None:
        cache.set(LAST_RUN, str(path.absolute()))
    return directory


def _discard_unplanned(directory: RunDirectory, cache: pytest.Cache | None, last_run: str | None) -> None:
    if directory.discard_unplanned() and cache is not None:
        cache.set(LAST_RUN, last_run)


def _run_path(config: RunConfig, cache: pytest.Cache | None, parent: Path, model: str) -> tuple[Path, bool]:
    """Return the run's folder, and whether this session continues a run in it."""
    resume = config.resume or config.last_failed
    if config.run_dir is not None:
        if config.resume and not config.rebuild and not is_there(config.run_dir / MANIFEST_FILE):
            raise RunDirectoryError(f"--resume: no run in {config.run_dir}; leave it out to start one there")
        return config.run_dir, resume
    last = cache.get(LAST_RUN, None) if resume and cache is not None else None
    if last is not None and Path(last).is_dir():
        return Path(last), True
    if config.resume:
        raise RunDirectoryError("--resume: no earlier run is known here; name its folder with --run-dir")
    return new_run_path(parent, model), False
