"""Joins the runs of shards into one run whose figures equal those of the run without shards.

MergeError      the runs are not parts of one evaluation, or the target exists
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from reports.records.files import is_there, write_file, write_parts
from reports.records.lines import checked_lines, sealed
from reports.records.looks import write_looks
from reports.records.mixes import MIX_SETTING, Difference, differing, differing_settings
from reports.records.names import as_text
from reports.records.records import ItemKey, PlannedItem, Run, RunManifest, manifest_to_json, record_to_json
from reports.records.run_files import (
    CANARY_NAME,
    DEVIATIONS_NAME,
    MANIFEST_NAME,
    RECORDS_NAME,
    DeviationsFile,
    load_canary_file,
    load_looks,
    load_run,
)
from reports.records.stored import joined_records
from reports.records.typed_json import encode, encode_indented
from scoring.errors import QCalError

ANSWERS_NAME = "answers.jsonl"
ALIKE = ("model", "dataset", "dataset_revision", "scorer", "scorer_version", "stand_ins")
"""Fields of the manifest that must agree, in addition to judges and settings."""


class MergeError(QCalError):
    """The runs cannot be joined.

    The message names the field and both values, or the directory that is in the way.
    """


def merge_directories(sources: Sequence[Path], target: Path) -> Run:
    """Join the runs in ``sources`` and write the result into ``target``, with stored answers and judge canaries.

    The joined run is named after its folder.

    Raises MergeError, or RunFileError for a source that is not a run.
    """
    if is_there(target / MANIFEST_NAME):
        raise MergeError(f"{target}: holds a run already; name a new directory with --out")
    merged = merge([load_run(source) for source in sources])
    merged = replace(merged, manifest=replace(merged.manifest, run_id=target.resolve().name))
    target.mkdir(parents=True, exist_ok=True)
    write_parts(target / RECORDS_NAME, (sealed(record_to_json(record)) for record in merged.records))
    write_parts(
        target / ANSWERS_NAME, (line for source in sources for line in _sound_lines(source / ANSWERS_NAME))
    )
    _join_canaries(sources, target)
    if (plan := next(filter(None, map(load_looks, sources)), None)) is not None:
        write_looks(target, plan)
    if merged.deviations:
        write_file(target / DEVIATIONS_NAME, encode(DeviationsFile(deviations=merged.deviations)))
    write_file(target / MANIFEST_NAME, encode(manifest_to_json(merged.manifest)))
    return merged


def merge(runs: Sequence[Run]) -> Run:
    """One run with the items planned in any of ``runs`` and the records of all, the run that began first leading.

    An item measured in several runs keeps the first measurement. Id, address and start are those of the first
    run. Raises MergeError if the runs differ in what makes scores comparable; ValueError if there are none.
    """
    first, *others = sorted(runs, key=lambda run: (run.manifest.started_at, run.manifest.run_id))
    for other in others:
        _check_alike(first.manifest, other.manifest)
    planned: dict[ItemKey, PlannedItem] = {
        item.key: item for run in (first, *others) for item in run.manifest.planned
    }
    return Run(
        manifest=replace(first.manifest, planned=tuple(planned.values())),
        records=joined_records([run.records for run in (first, *others)]),
        judge_agreement=_extreme(min, (run.judge_agreement for run in (first, *others))),
        judge_points=max(run.judge_points for run in runs),
        judge_gullibility=_extreme(max, (run.judge_gullibility for run in (first, *others))),
        looks=first.looks,
        deviations=tuple(
            dict.fromkeys(deviation for run in (first, *others) for deviation in run.deviations)
        ),
    )


def _check_alike(first: RunManifest, other: RunManifest) -> None:
    settings = [
        difference._replace(name=f"setting {difference.name}")
        for difference in differing_settings(first.settings, other.settings)
    ]
    for name, ours, theirs in sorted(differing(_traits(first), _traits(other)) + settings, key=_telling):
        raise MergeError(
            f"run {other.run_id}: {name} is {as_text(theirs)}, not {as_text(ours)} as in run {first.run_id}; "
            "only runs that agree in it can be merged"
        )


def _telling(difference: Difference) -> tuple[bool, str]:
    """Return a mix's own settings first: the revision of its dataset follows from them."""
    return not difference.name.startswith(f"setting {MIX_SETTING}."), difference.name


def _traits(manifest: RunManifest) -> dict[str, object]:
    """Return what must agree in addition to the settings.

    Addresses may differ: shards may ask several servers.
    """
    judges = [judge.model for judge in manifest.judges]
    return {name.replace("_", " "): getattr(manifest, name) for name in ALIKE} | {"judges": judges}


def _extreme(
    choose: Callable[[list[float]], float], figures: Iterable[Mapping[str, float]]
) -> dict[str, float]:
    """Return each judge's lowest or highest figure."""
    entries = [entry for figure in figures for entry in figure.items()]
    return {name: choose([figure for judge, figure in entries if judge == name]) for name, _ in entries}


def _join_canaries(sources: Sequence[Path], target: Path) -> None:
    """Write one file with the grades of every shard's judges; none if no shard has any."""
    canaries = [canary for source in sources if (canary := load_canary_file(source)) is not None]
    if canaries:
        joined = replace(canaries[0], judges=tuple(judge for canary in canaries for judge in canary.judges))
        write_file(target / CANARY_NAME, encode_indented(joined))


def _sound_lines(file: Path) -> Iterator[bytes]:
    """Yield the lines of ``file``, if it exists, without torn and damaged ones. Raises OSError."""
    for line in checked_lines(file) if is_there(file) else ():
        if line.is_sound:
            yield line.content if line.content.endswith(b"\n") else line.content + b"\n"
