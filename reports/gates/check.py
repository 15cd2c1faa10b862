"""Check a gate file before anything is asked: its baselines, its samples and its judges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from reports.analysis.comparison import unlike_fields
from reports.gates.evidence import evidence
from reports.gates.file import Gate, GateFile, GateFileError
from reports.gates.forecast import forecasts
from reports.gates.judges import check_judges
from reports.gates.metrics import metric_values
from reports.gates.verdicts import look_at
from reports.records.outcomes import Identity, identity_of
from reports.records.records import PlannedItem, Run, RunManifest
from reports.records.run_files import RunFileError, load_run


def load_baselines(file: GateFile, identity: Identity) -> dict[Path, Run]:
    """Return the file's baselines by path, for a run of this identity.

    Raises GateFileError if one cannot be read, has nothing measured, or differs from the run in more than the
    model. Other judges are accepted if no question of the gate needs a judge.
    """
    baselines = {path: _load(file, path) for path in file.baselines}
    for gate in file.gates:
        if gate.baseline is not None:
            _check_alike(file, gate, identity_of(baselines[gate.baseline].manifest), identity)
    return baselines


def check_samples(
    file: GateFile,
    manifest: RunManifest,
    items: Iterable[PlannedItem],
    baselines: Mapping[Path, Run],
    *,
    looks: Sequence[int] = (),
) -> list[str]:
    """Return one line for each gate that is unlikely to reach a verdict (`forecasts`).

    Raises GateFileError if there are too few samples for a verdict, if no judge could be good enough, or if a
    gate's questions are not asked.
    """
    check_judges(file)
    run = Run(manifest=replace(manifest, planned=tuple(items)), records=(), looks=tuple(looks))
    for gate in file.gates:
        baseline = None if gate.baseline is None else baselines[gate.baseline]
        values = metric_values(gate, run, baseline)
        shown = evidence(gate, values, look=look_at(values, run.looks))
        if refusal := shown.refusal or shown.too_few:
            raise GateFileError(f"{file.path}: {gate.title}: {refusal}")
    return list(forecasts(file, run, baselines))


def _load(file: GateFile, path: Path) -> Run:
    if path in file.artifacts and path not in file.folders:
        raise GateFileError(
            f"{file.path}: baseline {path} is kept by a CI; `qcaleval gate` and `pytest --gate` look it up"
        )
    try:
        run = load_run(file.folder(path), texts=False)
    except RunFileError as error:
        raise GateFileError(f"{file.path}: baseline {error}") from error
    if not any(record.measured for record in run.records):
        raise GateFileError(f"{file.path}: baseline {path}: nothing was measured in it; name a finished run")
    return run


def _check_alike(file: GateFile, gate: Gate, baseline: Identity, identity: Identity) -> None:
    judged = any(question.needs_judge for question in gate.metric.questions)
    if differences := unlike_fields(baseline, identity, judged=judged):
        raise GateFileError(
            f"{file.path}: {gate.title}: the baseline is another kind of run: {'; '.join(differences)} (this run)"
        )
